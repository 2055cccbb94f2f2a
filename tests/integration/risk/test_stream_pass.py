"""The stream pass: counted once, suspended before capture, a case for a person, and the person's word is done."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from functions.customers import magic
from functions.platform.storage import keys
from functions.risk.casework.labels import label_of, labels_known
from functions.risk.casework.review_service import act
from functions.risk.events import check
from functions.risk.store import ProfileItem
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.simulation.ground import InProcess
from tests.simulation.world import World


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def rush(shop: Shop, count: int = 8) -> list[str]:
    """So many small orders at once that the velocity rule must speak."""
    return [shop.authorize(10_000 + i)["id"] for i in range(count)]


def profile_of(shop: Shop) -> ProfileItem:
    lines = [i["pk"]["S"] for i in shop.platform.items() if i["pk"]["S"].startswith("line#")]
    item = shop.platform.tables.get(ProfileItem, keys.profile(int(lines[0].partition("#")[2])), consistent=True)
    assert item is not None
    return item


def status(shop: Shop, authorization_id: str) -> dict[str, object]:
    body: dict[str, object] = shop.api.get(f"/v1/authorizations/{authorization_id}", token=shop.key).body
    return body


def test_a_rush_of_orders_is_suspended_before_capture_and_told(shop: Shop) -> None:
    ids = rush(shop)
    told = shop.settle()
    assert told.count("fraud.alert") >= 1
    assert told.count("authorization.suspended") >= 1
    stopped = [i for i in ids if status(shop, i)["suspension"]]
    assert stopped
    reply = shop.capture(stopped[0], 10_000)
    assert (reply.status, reply["code"]) == (409, "authorization_suspended")


@pytest.mark.pain(18)
def test_records_delivered_twice_and_out_of_order_count_once(shop: Shop) -> None:
    rush(shop, 3)
    batch = shop.platform.records(reader="again")
    records = [*batch["Records"], *batch["Records"]]
    random.Random(7).shuffle(records)
    for start in range(0, len(records), 5):
        assert check({"Records": records[start : start + 5]}) == {"batchItemFailures": []}
    history = profile_of(shop).profile().history
    assert (history.count, history.total_minor) == (3, 10_000 + 10_001 + 10_002)


def test_an_alert_is_raised_once_however_often_it_is_delivered(shop: Shop) -> None:
    rush(shop)
    batch = shop.platform.records(reader="again")
    for _ in range(3):
        check(batch)
    alerts = [i for i in shop.platform.items() if i["pk"]["S"].startswith("alr_")]
    cases = [i for i in shop.platform.items() if i["pk"]["S"].startswith("case_")]
    suspended = [i for i in shop.platform.items() if i["pk"]["S"].startswith("auth_") and "su" in i]
    assert (len(alerts), len(cases), len(suspended)) == (1, 1, 8)  # one customer's rush is one person's work
    assert alerts[0]["n"]["N"] == "8"


def test_what_a_rush_is_suspected_of_stops_the_orders_before_it_too(shop: Shop) -> None:
    ids: list[str] = []
    for n in range(8):
        assert not any(status(shop, each)["suspension"] for each in ids)
        ids.append(shop.authorize(10_000 + n)["id"])
        if n == 0:
            assert shop.capture(ids[0], 10_000, final=True).status == 201
        shop.settle()
    assert [bool(status(shop, each)["suspension"]) for each in ids] == [False] + [True] * 7
    reviewer = shop.platform.staff_token("reviewer", subject="stf_r")
    [case] = shop.api.get("/v1/reviews", token=reviewer)["data"]
    assert set(case["authorization_ids"]) == set(ids[1:])
    assert case["amount_minor"] == sum(10_000 + n for n in range(1, 8))


def test_from_a_record_to_its_suspension_are_five_requests(shop: Shop) -> None:
    for order in rush(shop, 7):
        shop.settle()
        assert status(shop, order)["suspension"] is None
    [last] = rush(shop, 1)
    records = shop.platform.records(reader="risk")
    with shop.platform.metered() as meter:
        check(records)
    assert len(meter.requests) <= 5  # taken in: a read and a write; judged: a read; reacted to: a read and a write
    assert status(shop, last)["suspension"]


def test_orders_of_others_made_with_the_shared_device_are_stopped_with_the_one_that_shows_it(
    platform: Platform,
) -> None:
    world = World(InProcess(platform))
    world.open_shops(1)
    shared, own = ({"device": {"id": f"{name}-phone-0000"}} for name in ("shared", "own"))
    first = world.buy("one", 0, 1_800_000, pay=shared)
    apart = world.buy("one", 0, 10_000, pay=own)
    world.deliver()
    assert world.status(0, first)["suspension"] is None
    second = world.buy("two", 0, 1_800_000, pay=shared)
    world.deliver()
    assert [bool(world.status(0, each)["suspension"]) for each in (first, apart, second)] == [True, False, True]
    cases = {case["customer_id"]: case for case in world.open_cases()}
    assert cases[world.person("one").id]["authorization_ids"] == [first]
    assert cases[world.person("one").id]["reasons"][0]["rule"] == "linked_order"
    assert cases[world.person("two").id]["authorization_ids"] == [second]


def test_a_device_that_the_fraud_checks_know_buys_nothing(platform: Platform) -> None:
    reply = a_shop(platform, magic.HIGH_RISK_DEVICE).authorize(60_000)
    assert (reply["status"], reply["decline"]["code"]) == ("declined", "risk")


@pytest.mark.parametrize(("outcome", "line"), [("confirmed_fraud", "frozen"), ("inconclusive", "active")])
def test_a_line_that_fraud_was_confirmed_on_is_frozen(platform: Platform, outcome: str, line: str) -> None:
    shop = a_shop(platform, magic.HELD)
    shop.authorize(60_000)
    shop.settle()
    reviewer = platform.staff_token("reviewer", subject="stf_r")
    [case] = shop.api.get("/v1/reviews", token=reviewer)["data"]
    reply = shop.api.post(f"/v1/reviews/{case['id']}/decline", {"outcome": outcome}, token=reviewer)
    assert (reply.status, shop.line()["status"]) == (200, line)


def test_a_capture_that_wins_the_race_is_not_undone_but_the_case_is_opened(shop: Shop) -> None:
    ids = rush(shop)
    for each in ids:
        assert shop.capture(each, 10_000, final=True).status == 201
    told = shop.settle()
    assert "authorization.suspended" not in told
    assert told.count("fraud.alert") >= 1
    assert told.count("case.opened") >= 1


@pytest.mark.pain(21)
def test_a_reviewer_releases_a_held_order_hours_later(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    auth = shop.authorize(60_000)
    shop.settle()
    reviewer = platform.staff_token("reviewer", subject="stf_r")
    [case] = shop.api.get("/v1/reviews?status=open", token=reviewer)["data"]
    assert (case["authorization_id"], case["reasons"][0]["rule"]) == (auth["id"], "watched_customer")
    platform.clock.advance_business(timedelta(hours=6))
    decided = shop.api.post(f"/v1/reviews/{case['id']}/approve", {"reason": "known customer"}, token=reviewer)
    assert (decided.status, decided["status"], decided["outcome"]) == (200, "closed", "cleared")
    after = status(shop, auth["id"])
    assert after["status"] == "approved"
    assert str(after["expires_at"]) > str(auth["expires_at"])  # held time does not count
    assert shop.settle().count("authorization.approved") == 1
    assert shop.capture(auth["id"], 60_000).status == 201


def test_a_declined_case_voids_and_releases_the_line(shop: Shop) -> None:
    ids = rush(shop)
    shop.settle()
    reviewer = shop.platform.staff_token("reviewer", subject="stf_r")
    before = shop.line()["held_minor"]
    [case, *_] = shop.api.get("/v1/reviews", token=reviewer)["data"]
    reply = shop.api.post(f"/v1/reviews/{case['id']}/decline", {"outcome": "confirmed_fraud"}, token=reviewer)
    assert reply["outcome"] == "confirmed_fraud"
    after = status(shop, case["authorization_id"])
    assert (after["status"], after["void_reason"]) == ("voided", "risk")
    assert case["amount_minor"] == before == sum(10_000 + i for i in range(8))
    assert shop.line()["held_minor"] == 0
    assert sorted(case["authorization_ids"]) == sorted(ids)
    assert {status(shop, each)["status"] for each in ids} == {"voided"}


def test_what_a_case_found_out_is_a_label_as_of_when_it_was_known(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    fraud, cleared, unclear = (shop.authorize(60_000 + i)["id"] for i in range(3))
    shop.settle()
    reviewer, began = platform.staff_token("reviewer"), platform.clock.now()
    case_of = {c["authorization_id"]: c["id"] for c in shop.api.get("/v1/reviews", token=reviewer)["data"]}
    platform.clock.advance_business(timedelta(hours=1))
    shop.api.post(f"/v1/reviews/{case_of[fraud]}/decline", {"outcome": "confirmed_fraud"}, token=reviewer)
    shop.api.post(f"/v1/reviews/{case_of[unclear]}/decline", {"outcome": "inconclusive"}, token=reviewer)
    platform.clock.advance_business(timedelta(hours=1))
    shop.api.post(f"/v1/reviews/{case_of[cleared]}/approve", {"outcome": "cleared"}, token=reviewer)
    now = platform.clock.now()
    assert [(label.authorization_id, label.fraud) for label in labels_known(began, now)] == [(fraud, True)]
    after = list(labels_known(began, now + timedelta(seconds=1)))
    assert [(label.authorization_id, label.fraud) for label in after] == [(fraud, True), (cleared, False)]
    assert (after[0].known_at - after[0].occurred_at, after[0].merchant_id) == (timedelta(hours=1), shop.merchant_id)
    assert label_of(cleared) == after[1]
    assert label_of(unclear) is None


def test_a_large_case_needs_two_people(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    auth = shop.authorize(600_000)
    shop.settle()
    one, two = (platform.staff_token("reviewer", subject=f"stf_{n}") for n in "12")
    [case] = shop.api.get("/v1/reviews", token=one)["data"]
    alone = shop.api.post(f"/v1/reviews/{case['id']}/approve", {}, token=one)
    assert (alone.status, alone["code"]) == (409, "second_person_needed")
    proposed = shop.api.post(f"/v1/reviews/{case['id']}/propose", {"decision": "approve"}, token=one)
    assert proposed["status"] == "proposed"
    same = shop.api.post(f"/v1/reviews/{case['id']}/approve", {}, token=one)
    assert (same.status, same["code"]) == (403, "same_person")
    assert shop.api.post(f"/v1/reviews/{case['id']}/approve", {}, token=two)["status"] == "closed"
    assert status(shop, auth["id"])["status"] == "approved"


def test_a_case_nobody_decides_expires_declines_and_releases(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    auth = shop.authorize(60_000)
    shop.settle()
    [case] = shop.api.get("/v1/reviews", token=platform.staff_token("auditor"))["data"]
    platform.clock.advance_business(timedelta(hours=3))
    act([(case["id"], "-")], platform.clock.now())
    late = shop.api.get(f"/v1/reviews/{case['id']}", token=platform.staff_token("auditor"))
    assert (late["status"], late["severity"]) == ("open", "critical")
    platform.clock.advance_business(timedelta(hours=22))
    act([(case["id"], "-")], platform.clock.now())
    closed = shop.api.get(f"/v1/reviews/{case['id']}", token=platform.staff_token("auditor"))
    assert (closed["status"], closed["outcome"]) == ("closed", "expired")
    assert status(shop, auth["id"])["status"] == "declined"
    assert shop.line()["held_minor"] == 0


def test_an_auditor_reads_and_decides_nothing(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    shop.authorize(60_000)
    shop.settle()
    auditor = platform.staff_token("auditor")
    [case] = shop.api.get("/v1/reviews", token=auditor)["data"]
    reply = shop.api.post(f"/v1/reviews/{case['id']}/approve", {}, token=auditor)
    assert (reply.status, reply["code"]) == (403, "insufficient_scope")


def test_an_alert_is_acknowledged_by_a_person(shop: Shop) -> None:
    rush(shop)
    shop.settle()
    reviewer = shop.platform.staff_token("reviewer", subject="stf_r")
    [alert, *_] = shop.api.get("/v1/alerts", token=reviewer)["data"]
    reply = shop.api.post(f"/v1/alerts/{alert['id']}/acknowledge", {}, token=reviewer)
    assert (reply["status"], reply["acknowledged_by"]) == ("acknowledged", "stf_r")
    again = shop.api.post(f"/v1/alerts/{alert['id']}/acknowledge", {}, token=reviewer)
    assert (again.status, again["code"]) == (409, "alert_state")


def test_what_a_merchant_hears_of_an_alert_holds_no_signal(shop: Shop) -> None:
    rush(shop)
    check(shop.platform.records(reader="risk"))
    [alert, *_] = [e for e in shop.platform.events() if e.type == "fraud.alert"]
    assert alert.merchant_id == shop.merchant_id
    assert not {"reasons", "rules", "customer_id"} & alert.data["alert"].keys()
