"""Refunds through HTTP: plan, line, credit balance and books move together, once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from functions.ledger.encoding import entry_from_bytes
from functions.ledger.entries import Entry
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.servicing import grown
from tests.builders.shop import Shop, a_merchant, a_shop

AMOUNT = 120_000


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def entries(platform: Platform) -> list[Entry]:
    return [entry_from_bytes(item["b"]["B"]) for item in platform.items(LEDGER_TABLE) if "b" in item]


def test_a_refund_shrinks_every_installment_and_frees_the_line(shop: Shop) -> None:
    capture = shop.buy(AMOUNT, term=6)
    reply = shop.refund(capture["id"], 60_000)
    assert reply.status == 201, reply.body
    assert (reply["amount_minor"], reply["remaining_minor"], reply["line_released_minor"]) == (60_000, 60_000, 60_000)
    after = shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)
    assert [row["principal_minor"] for row in after["schedule"]] == [10_000] * 6
    assert (after["refunded_minor"], after["refundable_minor"]) == (60_000, 60_000)
    line = shop.line()
    assert line["outstanding_minor"] == 60_000
    assert line["limit_minor"] == line["available_minor"] + line["outstanding_minor"]
    assert shop.api.get(f"/v1/refunds/{reply['id']}", token=shop.key).body == reply.body


def test_a_refund_is_two_requests_and_twelve_write_units(shop: Shop) -> None:
    capture = shop.buy(2_400_000, term=24)
    shop.refund(capture["id"], 1)
    grown(shop.platform, capture["plan_id"], date(2026, 11, 25))
    with shop.platform.metered() as meter:
        assert shop.refund(capture["id"], 1_200_000).status == 201
    assert [r for r in meter.requests if r != "GetItem"] == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 12, meter.sizes
    [size] = [size for key, size in meter.sizes.items() if key.startswith("plan_")]
    assert 1024 < size <= 2048


def test_several_parts_refund_the_whole_and_every_fee(shop: Shop) -> None:
    capture = shop.buy(AMOUNT, term=12)
    for amount in (50_000, 40_000, 30_000):
        reply = shop.refund(capture["id"], amount)
    assert (reply.status, reply["remaining_minor"]) == (201, 0)
    plan = shop.mine(f"plans/{capture['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"], plan["fee_minor"]) == ("refunded", 0, 0)
    assert shop.line()["outstanding_minor"] == 0
    assert sum(posting.amount_minor for e in entries(shop.platform) for posting in e.postings) > 0


@pytest.mark.pain(15)
def test_a_unit_too_much_is_refused_with_the_remainder(shop: Shop) -> None:
    capture = shop.buy(17_925)
    reply = shop.refund(capture["id"], 17_926)
    assert (reply.status, reply["code"], reply["remaining_minor"]) == (422, "refund_exceeds_remaining", 17_925)
    assert shop.line()["outstanding_minor"] == 17_925
    assert len(entries(shop.platform)) == 1


@pytest.mark.pain(14)
def test_a_refund_arrives_as_it_was_sent(shop: Shop) -> None:
    capture = shop.buy(17_925)
    reply = shop.refund(capture["id"], 8_989)
    assert (reply["amount_minor"], reply["remaining_minor"]) == (8_989, 8_936)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_of_nothing_is_refused(shop: Shop, amount: int) -> None:
    capture = shop.buy(AMOUNT)
    for path in ("refunds", "refunds/preview"):
        reply = shop.api.post(f"/v1/captures/{capture['id']}/{path}", {"amount_minor": amount}, token=shop.key)
        assert (reply.status, reply["code"]) == (422, "zero_refund")


@pytest.mark.pain(19)
def test_a_lost_answer_to_a_refund_is_found_again_by_its_key(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1):
        assert shop.refund(capture["id"], 50_000, key="r").status == 503
    found = shop.refund(capture["id"], 50_000, key="r")
    assert (found.status, found.replayed, found["remaining_minor"]) == (201, True, 70_000)
    assert shop.line()["outstanding_minor"] == 70_000
    assert shop.settle().count("refund.created") == 1


def test_a_key_with_another_amount_is_refused(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    shop.refund(capture["id"], 50_000, key="r")
    again, other = shop.refund(capture["id"], 50_000, key="r"), shop.refund(capture["id"], 60_000, key="r")
    assert (again.status, again.replayed) == (201, True)
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    assert shop.line()["outstanding_minor"] == 70_000


def test_a_preview_is_what_the_refund_does_and_writes_nothing(shop: Shop) -> None:
    capture = shop.buy(AMOUNT, term=12)
    path = f"/v1/captures/{capture['id']}/refunds"
    before = shop.platform.items()
    seen = shop.api.post(f"{path}/preview", {"amount_minor": 33_333}, token=shop.key, key=None)
    assert seen.status == 200, seen.body
    assert shop.platform.items() == before
    done = shop.refund(capture["id"], 33_333)
    same = ("fee_returned_minor", "credited_minor", "line_released_minor", "remaining_minor")
    assert {name: seen[name] for name in same} == {name: done[name] for name in same}
    assert seen["schedule_before"] == capture["schedule"]
    assert seen["schedule"] == shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)["schedule"]
    assert seen["fee_returned_minor"] > 0


def test_the_events_of_a_refund_are_told_to_merchant_and_customer(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    refund = shop.refund(capture["id"], AMOUNT)
    events = shop.platform.events()
    told = {event.type: event for event in events}
    assert sorted(told) == ["plan.refunded", "refund.created"]
    created = told["refund.created"]
    assert (created.object_id, created.merchant_id) == (refund["id"], shop.merchant_id)
    assert created.data["refund"] == refund.body


def test_what_had_been_repaid_becomes_the_customers_credit(shop: Shop) -> None:
    capture = shop.buy(AMOUNT, term=3)
    shop.platform.clock.advance_business(timedelta(days=31))
    first = capture["schedule"][0]["total_minor"]
    assert shop.repay(first)["status"] == "received"
    reply = shop.refund(capture["id"], AMOUNT)
    assert reply["credited_minor"] == first
    assert shop.balance() == first
    plan = shop.mine(f"plans/{capture['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"]) == ("refunded", 0)
    assert shop.line()["outstanding_minor"] == 0


def test_credit_from_a_refund_first_pays_what_is_past_due_elsewhere(shop: Shop) -> None:
    paid, late = shop.buy(AMOUNT, term=3), shop.buy(60_000, term=3)
    shop.platform.clock.advance_business(timedelta(days=31))
    first = paid["schedule"][0]["total_minor"]
    shop.repay(first, plan_id=paid["plan_id"])
    reply = shop.refund(paid["id"], AMOUNT)
    plan = shop.mine(f"plans/{late['plan_id']}")
    assert plan["due_minor"] == 0
    assert plan["schedule"][0]["paid_minor"] == late["schedule"][0]["total_minor"]
    assert shop.balance() == reply["credited_minor"] - late["schedule"][0]["total_minor"]
    assert shop.line()["outstanding_minor"] == plan["outstanding_minor"]
    assert "installment.paid" in [event.type for event in shop.platform.events()]


def test_another_merchant_neither_refunds_nor_reads(shop: Shop, platform: Platform) -> None:
    other = a_merchant(platform, shop.api)["api_key"]["secret"]
    capture = shop.buy(AMOUNT)
    refund = shop.refund(capture["id"], 1)
    path = f"/v1/captures/{capture['id']}/refunds"
    assert shop.api.post(path, {"amount_minor": 1}, token=other).status == 404
    assert shop.api.post(f"{path}/preview", {"amount_minor": 1}, token=other).status == 404
    assert shop.api.get(f"/v1/refunds/{refund['id']}", token=other).status == 404
    assert shop.api.get(f"/v1/refunds/{refund['id']}", token=shop.customer).status == 401


def test_a_revoked_key_refunds_nothing_more(shop: Shop) -> None:
    """The authorizer's answer may be a minute old; the refund's own read is not."""
    from functions.payments.refund_service import refund_capture
    from functions.payments.schemas import RefundRequest
    from functions.platform.web.context import Principal
    from tests.builders.customers import a_call

    capture = shop.buy(AMOUNT)
    keys = shop.api.get("/v1/api-keys", token=shop.key)["data"]
    judged = Principal("merchant", shop.merchant_id, frozenset({"payments:write"}), keys[0]["id"], 1)
    second = shop.api.post("/v1/api-keys", {"scopes": ["keys:write", "payments:write"]}, token=shop.key)
    gone = shop.api.delete(f"/v1/api-keys/{keys[0]['id']}", token=second["secret"])
    assert gone.status == 200, gone.body
    from functions.core.errors import UnauthorizedError

    with pytest.raises(UnauthorizedError):
        refund_capture(capture["id"], RefundRequest(amount_minor=1), a_call(principal=judged))
    assert shop.line()["outstanding_minor"] == AMOUNT
