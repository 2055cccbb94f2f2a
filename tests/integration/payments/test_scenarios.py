"""Each scenario through HTTP: its life, its holdback with proof and backstop, and what may go back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.core.clock import parse_instant
from functions.ledger.accounts import Account
from functions.ledger.encoding import entry_from_bytes
from functions.payments.scenario import SCENARIOS
from functions.servicing.plan_actions import act
from tests.builders.api import Reply
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.shop import Shop, a_merchant, a_shop

AMOUNT = 120_000
PROOF = {"reference": "attendance-1", "sha256": "cd" * 32}
HELD = [name for name, row in SCENARIOS.items() if row.holdback_bps]


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def sell(shop: Shop, category: str, **said: Any) -> Reply:
    auth = shop.authorize(AMOUNT, category=category)
    body = {"amount_minor": AMOUNT, **said}
    reply = shop.api.post(f"/v1/authorizations/{auth['id']}/captures", body, token=shop.key)
    assert reply.status == 201, reply.body
    return reply


def fulfil(shop: Shop, capture: str, key: str | None = "fresh", **body: Any) -> Reply:
    asked = {"rendered_on": "2026-11-22", "evidence": PROOF, **body}
    return shop.api.post(f"/v1/captures/{capture}/fulfilments", asked, token=shop.key, key=key)


def merchant(platform: Platform) -> tuple[int, int]:
    """Merchant payable and holdback payable."""
    sums = {Account.MERCHANT_PAYABLE: 0, Account.HOLDBACK_PAYABLE: 0}
    for item in platform.items(LEDGER_TABLE):
        for posting in entry_from_bytes(item["b"]["B"]).postings if "b" in item else ():
            if posting.credit.account in sums:
                sums[posting.credit.account] += posting.amount_minor
            if posting.debit.account in sums:
                sums[posting.debit.account] -= posting.amount_minor
    return sums[Account.MERCHANT_PAYABLE], sums[Account.HOLDBACK_PAYABLE]


def test_an_authorization_lives_and_is_extended_as_its_scenario_says(shop: Shop) -> None:
    for category, row in SCENARIOS.items():
        auth = shop.authorize(10_000, category=category)
        born = parse_instant(auth["created_at"])
        assert parse_instant(auth["expires_at"]) == born + row.life
        path = f"/v1/authorizations/{auth['id']}/extend"
        too_long = shop.api.post(path, {"days": (row.max_life - row.life).days + 1}, token=shop.key)
        if row.max_life - row.life < timedelta(days=360):
            assert (too_long.status, too_long["code"]) == (422, "extension_too_long")
        longest = shop.api.post(path, {"days": (row.max_life - row.life).days}, token=shop.key)
        assert parse_instant(longest["expires_at"]) == born + row.max_life


@pytest.mark.parametrize("category", [name for name in SCENARIOS if name not in HELD])
def test_goods_are_owed_to_the_merchant_at_once(shop: Shop, category: str) -> None:
    capture = sell(shop, category)
    assert (capture["holdback_minor"], capture["backstop_on"], merchant(shop.platform)) == (0, None, (AMOUNT, 0))
    refused = fulfil(shop, capture["id"])
    assert (refused.status, refused["code"]) == (409, "nothing_held_back")


@pytest.mark.parametrize("category", HELD)
def test_a_service_is_owed_as_it_is_rendered(shop: Shop, category: str) -> None:
    capture = sell(shop, category, service={"ends_on": "2026-12-20", "units": 3})
    assert (capture["holdback_minor"], merchant(shop.platform)) == (AMOUNT, (0, AMOUNT))
    first = fulfil(shop, capture["id"], units=1)
    assert first.status == 201, first.body
    assert (first["amount_minor"], first["released_minor"], first["holdback_minor"]) == (40_000, 40_000, 80_000)
    assert shop.api.get(f"/v1/fulfilments/{first['id']}", token=shop.key).body == first.body
    assert merchant(shop.platform) == (40_000, 80_000)
    rest = fulfil(shop, capture["id"])
    assert (rest["units"], rest["holdback_minor"], merchant(shop.platform)) == (2, 0, (AMOUNT, 0))
    seen = shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)
    assert seen["service"] == {"starts_on": None, "ends_on": "2026-12-20", "units": 3, "rendered_units": 3}
    assert (seen["fulfilled_minor"], seen["holdback_minor"]) == (AMOUNT, 0)
    assert shop.line()["outstanding_minor"] == AMOUNT  # the customer's debt is the same
    assert shop.settle().count("capture.fulfilled") == 2


def test_the_same_report_counts_once_and_a_lost_answer_is_found_again(shop: Shop) -> None:
    capture = sell(shop, "travel")
    with shop.platform.failing("TransactWriteItems", lost=True, times=1):
        assert fulfil(shop, capture["id"], amount_minor=50_000, key="f").status == 503
    again = fulfil(shop, capture["id"], amount_minor=50_000, key="f")
    assert (again.status, again.replayed, merchant(shop.platform)) == (201, True, (50_000, 70_000))
    other = fulfil(shop, capture["id"], amount_minor=50_001, key="f")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("category", "own"),
    [("education", "course_delivered"), ("travel", "trip_completed"), ("health", "session_rendered")],
)
def test_what_waits_for_one_service_is_not_released_by_another(shop: Shop, category: str, own: str) -> None:
    capture = sell(shop, category)["id"]
    for event in {"course_delivered", "trip_completed", "session_rendered"} - {own}:
        reply = fulfil(shop, capture, event=event)
        assert (reply.status, reply["code"], reply["errors"][0]["pointer"]) == (422, "fulfilment_refused", "/event")
    assert merchant(shop.platform) == (0, AMOUNT)
    assert fulfil(shop, capture, event=own, amount_minor=1)["event"] == own
    assert fulfil(shop, capture, event="service_rendered").status == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount_minor": AMOUNT + 1}, "fulfilment_exceeds_remaining"),
        ({"units": 1}, "fulfilment_refused"),
        ({"rendered_on": "2026-11-23"}, "fulfilment_refused"),
        ({"rendered_on": "2026-11-21"}, "fulfilment_refused"),
        ({"evidence": {}}, "invalid"),
    ],
)
def test_what_was_not_or_can_not_have_been_rendered_is_refused(shop: Shop, body: dict[str, Any], code: str) -> None:
    capture = sell(shop, "travel")
    reply = fulfil(shop, capture["id"], **body)
    assert (reply.status, reply["code"]) == (422, code)
    assert merchant(shop.platform) == (0, AMOUNT)


def test_the_backstop_releases_what_nobody_proved_or_contested_once(shop: Shop) -> None:
    capture = sell(shop, "travel", service={"starts_on": "2026-12-01", "ends_on": "2026-12-08"})
    assert capture["backstop_on"] == "2026-12-11"
    shop.platform.clock.advance_business(timedelta(days=18))
    act([(capture["plan_id"], "-")], shop.platform.clock.now())
    assert merchant(shop.platform) == (0, AMOUNT)
    shop.platform.clock.advance_business(timedelta(days=1))
    for _ in range(2):
        act([(capture["plan_id"], "-")], shop.platform.clock.now())
    assert merchant(shop.platform) == (AMOUNT, 0)
    assert shop.settle().count("capture.fulfilled") == 1


def test_while_it_is_disputed_nothing_is_released_and_the_payout_is_blocked(shop: Shop) -> None:
    capture = sell(shop, "travel", service={"ends_on": "2026-11-30"})
    asked = {"kind": "not_received"}
    shop.api.post(f"/v1/me/plans/{capture['plan_id']}/disputes", asked, token=shop.customer)
    assert shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)["payout_blocked"] is True
    assert fulfil(shop, capture["id"])["code"] == "dispute_open"
    shop.platform.clock.advance_business(timedelta(days=20))
    act([(capture["plan_id"], "-")], shop.platform.clock.now())
    assert merchant(shop.platform) == (0, AMOUNT)


def test_an_insolvent_supplier_is_paid_nothing_for_the_journey_it_did_not_make(shop: Shop) -> None:
    capture = sell(shop, "travel", service={"starts_on": "2026-12-24"})
    asked = {"kind": "merchant_insolvent"}
    dispute = shop.api.post(f"/v1/me/plans/{capture['plan_id']}/disputes", asked, token=shop.customer)["id"]
    decision = {"outcome": "lost", "reason": "the register says so"}
    staff = shop.platform.staff_token("finance")
    lost = shop.api.post(f"/v1/disputes/{dispute}/decide", decision, token=staff)
    assert (lost["status"], lost["refunded_minor"]) == ("lost", AMOUNT)
    assert merchant(shop.platform) == (0, 0)
    assert shop.line()["outstanding_minor"] == 0


def test_a_journey_is_refunded_by_its_scale(shop: Shop) -> None:
    capture = sell(shop, "travel", service={"starts_on": "2026-12-06", "ends_on": "2026-12-13"})
    path = f"/v1/captures/{capture['id']}/refunds"
    seen = shop.api.post(f"{path}/preview", {"amount_minor": 1}, token=shop.key, key=None)
    assert seen["by_rule"] == {"rule": "cancellation", "amount_minor": 96_000, "until_on": "2026-11-22"}
    done = shop.api.post(path, {"by_rule": True}, token=shop.key)
    assert (done.status, done["amount_minor"]) == (201, 96_000)
    assert merchant(shop.platform) == (0, AMOUNT - 96_000)


def test_unused_sessions_are_refunded_pro_rata_and_never_what_was_rendered(shop: Shop) -> None:
    capture = sell(shop, "health", service={"units": 10})
    fulfil(shop, capture["id"], units=4)
    done = shop.api.post(f"/v1/captures/{capture['id']}/refunds", {"by_rule": True}, token=shop.key)
    assert (done["amount_minor"], merchant(shop.platform)) == (72_000, (48_000, 0))
    nothing = shop.api.post(f"/v1/captures/{capture['id']}/refunds", {"by_rule": True}, token=shop.key)
    assert (nothing.status, nothing["code"]) == (422, "zero_refund")


@pytest.mark.parametrize("body", [{}, {"amount_minor": 1, "by_rule": True}])
def test_a_refund_is_of_an_amount_or_by_the_rule(shop: Shop, body: dict[str, Any]) -> None:
    capture = sell(shop, "electronics")
    assert shop.api.post(f"/v1/captures/{capture['id']}/refunds", body, token=shop.key).status == 422


def test_a_device_may_have_a_serial_number_and_a_journey_may_not(shop: Shop) -> None:
    capture = sell(shop, "electronics", serial_number="C39-XYZ-0001")
    assert (capture["serial_number"], capture["service"]) == ("C39-XYZ-0001", None)
    auth = shop.authorize(AMOUNT, category="travel")
    body = {"amount_minor": AMOUNT, "serial_number": "C39"}
    reply = shop.api.post(f"/v1/authorizations/{auth['id']}/captures", body, token=shop.key)
    assert (reply.status, reply["code"]) == (422, "sale_refused")
    assert shop.line()["held_minor"] == AMOUNT


def test_another_merchant_neither_reports_nor_reads(shop: Shop, platform: Platform) -> None:
    other = a_merchant(platform, shop.api)["api_key"]["secret"]
    capture = sell(shop, "travel")
    done = fulfil(shop, capture["id"])
    asked = {"rendered_on": "2026-11-22", "evidence": PROOF}
    assert shop.api.post(f"/v1/captures/{capture['id']}/fulfilments", asked, token=other).status == 404
    assert shop.api.get(f"/v1/fulfilments/{done['id']}", token=other).status == 404
