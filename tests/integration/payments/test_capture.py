"""Capture, void, extension and expiry through HTTP, with the books beside them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.core.errors import UnauthorizedError
from functions.payments.capture_service import capture_authorization
from functions.payments.timers import act
from functions.platform.authorizer import identify
from functions.platform.web.context import Principal
from tests.builders.customers import a_call
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_a_capture_makes_a_plan_and_moves_the_hold_to_debt(shop: Shop) -> None:
    auth = shop.authorize(120_000, term=6)
    reply = shop.capture(auth["id"], 120_000)
    assert reply.status == 201, reply.body
    assert (reply["amount_minor"], reply["term_count"], len(reply["schedule"])) == (120_000, 6, 6)
    assert sum(row["principal_minor"] for row in reply["schedule"]) == 120_000
    line = shop.line()
    assert (line["held_minor"], line["outstanding_minor"]) == (0, 120_000)
    assert line["limit_minor"] == line["available_minor"] + line["outstanding_minor"]
    assert shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)["status"] == "captured"
    assert shop.api.get(f"/v1/captures/{reply['id']}", token=shop.key).body == reply.body


def test_a_capture_is_two_requests_and_eleven_write_units(shop: Shop) -> None:
    auth = shop.authorize(2_400_000, "r" * 64, term=24)
    shop.capture(auth["id"], 10_000)  # reads the ledger's lock once per container
    with shop.platform.metered() as meter:
        assert shop.capture(auth["id"], 1_200_000).status == 201
    assert [r for r in meter.requests if r != "GetItem"] == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 11, meter.sizes
    assert max(size for key, size in meter.sizes.items() if key.startswith("plan_")) <= 2048


def test_every_capture_has_one_balanced_entry(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.capture(auth["id"], 50_000)
    shop.capture(auth["id"], 70_000)
    entries = [i for i in shop.platform.items(LEDGER_TABLE) if "b" in i]
    assert len(entries) == 2
    shop.settle()
    plans = [i for i in shop.platform.items() if i["pk"]["S"].startswith("plan_")]
    assert len(plans) == 2


def test_the_same_capture_command_captures_once(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    first = shop.capture(auth["id"], 50_000, key="c1")
    again = shop.capture(auth["id"], 50_000, key="c1")
    assert (again["id"], again.replayed) == (first["id"], True)
    other = shop.capture(auth["id"], 60_000, key="c1")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    assert shop.line()["outstanding_minor"] == 50_000


def test_a_lost_answer_to_a_capture_is_found_again(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1):
        assert shop.capture(auth["id"], 120_000, key="c").status == 503
    found = shop.capture(auth["id"], 120_000, key="c")
    assert (found.status, found.replayed) == (201, True)
    assert shop.line()["outstanding_minor"] == 120_000


def test_more_than_what_remains_is_refused_with_the_remainder(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.capture(auth["id"], 100_000)
    reply = shop.capture(auth["id"], 20_001)
    assert (reply.status, reply["code"], reply["remaining_minor"]) == (422, "capture_exceeds_remaining", 20_000)


def test_a_final_capture_gives_the_rest_back(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.capture(auth["id"], 100_000, final=True)
    seen = shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)
    assert (seen["status"], seen["released_minor"], seen["remaining_minor"]) == ("captured", 20_000, 0)
    assert shop.line()["held_minor"] == 0


def test_a_tiny_part_becomes_one_payment_without_a_fee(shop: Shop) -> None:
    auth = shop.authorize(120_000, term=12)
    reply = shop.capture(auth["id"], 5)
    assert (reply.status, reply["term_count"]) == (201, 1)
    assert reply["schedule"][0]["fee_minor"] == 0


def test_a_void_gives_all_back_and_is_said_once(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    first = shop.api.post(f"/v1/authorizations/{auth['id']}/void", {}, token=shop.key, key="v")
    again = shop.api.post(f"/v1/authorizations/{auth['id']}/void", {}, token=shop.key, key="v")
    other = shop.api.post(f"/v1/authorizations/{auth['id']}/void", {}, token=shop.key)
    assert (first["status"], again.replayed) == ("voided", True)
    assert (other.status, other["code"], other["current_status"]) == (409, "authorization_state", "voided")
    assert shop.line()["held_minor"] == 0
    assert shop.settle().count("authorization.voided") == 1


def test_a_void_after_a_part_ends_captured(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.capture(auth["id"], 20_000)
    reply = shop.api.post(f"/v1/authorizations/{auth['id']}/void", {}, token=shop.key)
    assert (reply["status"], reply["captured_minor"], reply["released_minor"]) == ("captured", 20_000, 100_000)


@pytest.mark.pain(20)
def test_a_capture_after_the_life_is_over_has_its_own_error(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.platform.clock.advance_business(timedelta(days=8))
    reply = shop.capture(auth["id"], 120_000)
    assert (reply.status, reply["code"]) == (409, "authorization_expired")


def test_the_sweep_ends_a_life_and_releases_the_line_once(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.settle()
    shop.platform.clock.advance_business(timedelta(days=8))
    for _ in range(2):
        act([(auth["id"], "timer")], shop.platform.clock.now())
    assert shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)["status"] == "expired"
    assert shop.line()["held_minor"] == 0
    assert shop.settle().count("authorization.expired") == 1


def test_an_early_sweep_ends_nothing(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    act([(auth["id"], "timer")], shop.platform.clock.now())
    assert shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)["status"] == "approved"


def test_an_extension_prolongs_once(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    first = shop.api.post(f"/v1/authorizations/{auth['id']}/extend", {}, token=shop.key)
    second = shop.api.post(f"/v1/authorizations/{auth['id']}/extend", {}, token=shop.key)
    assert first["expires_at"] > auth["expires_at"]
    assert (second.status, second["code"]) == (409, "already_extended")


@pytest.mark.pain(20)
def test_the_end_of_a_life_is_said_a_day_before_and_comes_once(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.settle()
    timer = [(auth["id"], "timer")]
    [index] = [i for i in shop.platform.items() if i["pk"]["S"] == auth["id"] and i["sk"]["S"] == "timer"]
    assert index["gs"]["S"] == "2026-11-28T08"  # approved at 08:00 on the 22nd, for seven days
    shop.platform.clock.advance_business(timedelta(days=6))
    for _ in range(2):
        act(timer, shop.platform.clock.now())
    assert [told for told in shop.settle() if told.startswith("auth")] == ["authorization.expiring"]
    assert shop.capture(auth["id"], 20_000).status == 201
    shop.platform.clock.advance_business(timedelta(days=1))
    act(timer, shop.platform.clock.now())
    assert [told for told in shop.settle() if told.startswith("auth")] == ["authorization.expired"]
    seen = shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)
    assert (seen["status"], seen["released_minor"]) == ("captured", 100_000)


def test_an_extended_life_is_warned_of_anew(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    shop.platform.clock.advance_business(timedelta(days=6, hours=1))
    act([(auth["id"], "timer")], shop.platform.clock.now())
    longer = shop.api.post(f"/v1/authorizations/{auth['id']}/extend", {"days": 23}, token=shop.key)
    assert longer["expires_at"] == "2026-12-22T08:00:00.000Z"
    shop.platform.clock.advance_business(timedelta(days=23))
    act([(auth["id"], "timer")], shop.platform.clock.now())
    assert shop.settle().count("authorization.expiring") == 2


def test_a_late_event_of_a_suspension_does_not_take_the_timer_away(shop: Shop) -> None:
    from functions.payments.events import project

    auth = shop.authorize(120_000)
    events = [e.to_dict() for e in shop.platform.events() if e.type == "authorization.approved"]
    suspended = {**events[0]["data"]["authorization"]}
    suspended["suspension"] = {"case_id": "case_1", "since": auth["created_at"], "until": "2026-11-25T08:00:00Z"}
    late = {**events[0], "type": "authorization.suspended", "data": {"authorization": suspended}}
    for event in (events[0], late):
        project(event)
    assert [i for i in shop.platform.items() if i["pk"]["S"] == auth["id"] and i["sk"]["S"] == "timer"]


def test_another_merchant_sees_neither_order_nor_capture(shop: Shop, platform: Platform) -> None:
    other = a_shop(platform)
    auth = shop.authorize(120_000)
    capture = shop.capture(auth["id"], 120_000)
    for path in (f"/v1/authorizations/{auth['id']}", f"/v1/captures/{capture['id']}"):
        assert shop.api.get(path, token=other.key).status == 404
    assert other.capture(auth["id"], 1).status == 404


def test_a_revoked_key_captures_nothing_though_the_gateway_still_trusts_it(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    spare = shop.api.post("/v1/api-keys", {"name": "spare"}, token=shop.key)
    asked = {"body": b'{"amount_minor": 1}', "principal": _judged(spare["secret"])}
    assert shop.api.delete(f"/v1/api-keys/{spare['id']}", token=shop.key).status == 200
    with pytest.raises(UnauthorizedError):
        capture_authorization(auth["id"], 1, final=False, call=a_call("/v1/captures", **asked))
    assert shop.line()["outstanding_minor"] == 0


def _judged(key: str) -> Principal:
    """What the gateway remembers of a key for a minute."""
    said = identify(f"Bearer {key}")
    scopes = frozenset(said["scopes"].split())
    return Principal("merchant", said["id"], scopes, key_id=said["key_id"], keys_version=int(said["keys_version"]))


def test_lists_are_pages_of_the_merchants_own(shop: Shop) -> None:
    made = [shop.authorize(10_000 + i)["id"] for i in range(3)]
    shop.settle()
    first = shop.api.get("/v1/authorizations?limit=2", token=shop.key)
    rest = shop.api.get(f"/v1/authorizations?limit=2&cursor={first['next_cursor']}", token=shop.key)
    assert {a["id"] for a in first["data"] + rest["data"]} == set(made)
    assert rest["next_cursor"] is None
