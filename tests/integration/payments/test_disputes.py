"""Disputes through HTTP: plan, line, books and both sides' view move together, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.ledger.accounts import Account
from functions.ledger.encoding import entry_from_bytes
from functions.ledger.entries import Entry
from functions.payments.disputes.service import act
from functions.servicing.plan_actions import act as act_on_plans
from tests.builders.api import Reply
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.shop import Shop, a_merchant, a_shop

AMOUNT = 120_000
TEN_DAYS = timedelta(days=10)
PROOF = {"kind": "delivery", "reference": "parcel-77", "sha256": "ab" * 32}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def contest(shop: Shop, capture: Reply, kind: str = "not_received", key: str | None = "fresh", **body: Any) -> Reply:
    path = f"/v1/me/plans/{capture['plan_id']}/disputes"
    return shop.api.post(path, {"kind": kind, **body}, token=shop.customer, key=key)


def decide(shop: Shop, dispute: str, outcome: str, *, by: str = "stf_1", key: str | None = "fresh") -> Reply:
    token = shop.platform.staff_token("support", subject=by)
    return shop.api.post(f"/v1/disputes/{dispute}/decide", {"outcome": outcome, "reason": "read"}, token=token, key=key)


def entries(platform: Platform) -> list[Entry]:
    return [entry_from_bytes(item["b"]["B"]) for item in platform.items(LEDGER_TABLE) if "b" in item]


def balance_of(platform: Platform, account: Account) -> int:
    """Credits less debits."""
    postings = [posting for entry in entries(platform) for posting in entry.postings]
    credit = sum(each.amount_minor for each in postings if each.credit.account is account)
    return credit - sum(each.amount_minor for each in postings if each.debit.account is account)


def test_both_sides_see_the_dispute_and_the_merchant_is_asked(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    opened = contest(shop, capture, amount_minor=50_000)
    assert (opened.status, opened["status"], opened["amount_minor"]) == (201, "opened", 50_000)
    assert opened["evidence_due_at"] == "2026-12-02T08:00:00.000Z"
    assert shop.settle().count("dispute.opened") == 1
    [seen] = shop.api.get("/v1/disputes", token=shop.key)["data"]
    assert (seen["id"], seen["status"], "work" in seen) == (opened["id"], "evidence_due", False)
    assert "customer_id" not in repr(seen)
    staff = shop.api.get(f"/v1/disputes/{opened['id']}", token=shop.platform.staff_token("auditor"))
    assert staff["work"]["customer_id"] == shop.customer_id
    assert [each["id"] for each in shop.mine(f"plans/{capture['plan_id']}/disputes")["data"]] == [opened["id"]]
    assert [e["id"] for e in shop.api.get("/v1/disputes", token=shop.platform.staff_token("support"))["data"]] == [
        opened["id"]
    ]


def test_the_same_command_opens_one_dispute_and_a_second_one_is_refused(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    first, again = contest(shop, capture, key="d"), contest(shop, capture, key="d")
    assert (again["id"], again.replayed, first["amount_minor"]) == (first["id"], True, AMOUNT)
    other = contest(shop, capture, "duplicate", key="d")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    second = contest(shop, capture)
    assert (second.status, second["code"]) == (409, "dispute_open")


def test_a_lost_answer_to_an_opening_is_found_again(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1):
        assert contest(shop, capture, key="d").status == 503
    assert contest(shop, capture, key="d").replayed
    assert shop.settle().count("dispute.opened") == 1


def test_no_more_is_disputed_than_could_be_refunded(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    shop.refund(capture["id"], 100_000)
    reply = contest(shop, capture, amount_minor=20_001)
    assert (reply.status, reply["code"], reply["remaining_minor"]) == (422, "dispute_exceeds_remaining", 20_000)


def test_while_it_is_open_nothing_is_late_reminded_of_or_due(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    contest(shop, capture)
    shop.settle()
    shop.platform.clock.advance_business(timedelta(days=60))
    act_on_plans([(capture["plan_id"], "-")], shop.platform.clock.now())
    plan = shop.mine(f"plans/{capture['plan_id']}")
    assert (plan["late_minor"], plan["days_past_due"], plan["delinquency"]) == (0, 0, "current")
    assert plan["disputed_minor"] == AMOUNT
    assert not [e for e in shop.platform.events() if e.type == "reminder.requested"]


def test_won_lets_the_plan_go_on_and_posts_nothing(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    dispute = contest(shop, capture)["id"]
    shop.settle()
    given = shop.api.post(f"/v1/disputes/{dispute}/evidence", PROOF, token=shop.key)
    assert (given.status, given["evidence"][0]["reference"]) == (200, "parcel-77")
    won = decide(shop, dispute, "won")
    assert (won["status"], won["refund_id"], won["work"]["decided_by"]) == ("won", None, ["stf_1"])
    assert len(entries(shop.platform)) == 1
    assert shop.line()["outstanding_minor"] == AMOUNT
    assert contest(shop, capture).status == 201  # another matter may be contested later
    assert shop.settle().count("dispute.closed") == 1


def test_lost_is_a_refund_of_kind_dispute_out_of_what_the_merchant_is_owed(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    before = balance_of(shop.platform, Account.MERCHANT_PAYABLE)
    dispute = contest(shop, capture, amount_minor=50_000)["id"]
    shop.api.post(f"/v1/disputes/{dispute}/evidence", PROOF, token=shop.key)
    lost = decide(shop, dispute, "lost", key="x")
    assert (lost["status"], lost["refunded_minor"]) == ("lost", 50_000)
    assert decide(shop, dispute, "lost", key="x").replayed
    refund = shop.api.get(f"/v1/refunds/{lost['refund_id']}", token=shop.key)
    assert (refund["kind"], refund["amount_minor"], refund["capture_id"]) == ("dispute", 50_000, capture["id"])
    assert shop.line()["outstanding_minor"] == 70_000
    assert before - balance_of(shop.platform, Account.MERCHANT_PAYABLE) == 50_000
    told = shop.settle()
    assert (told.count("dispute.closed"), told.count("refund.created")) == (1, 1)
    over = shop.refund(capture["id"], 70_001)
    assert (over.status, over["remaining_minor"]) == (422, 70_000)  # refund + lost dispute ≤ captured


def test_silence_for_ten_days_loses_and_pays_back_what_was_repaid(shop: Shop) -> None:
    capture = shop.buy(AMOUNT, term=1)
    shop.platform.clock.advance_business(timedelta(days=30))
    shop.repay(AMOUNT)
    dispute = contest(shop, capture)["id"]
    shop.settle()
    act([(dispute, "-")], shop.platform.clock.now())
    assert shop.api.get(f"/v1/disputes/{dispute}", token=shop.key)["status"] == "evidence_due"
    shop.platform.clock.advance_business(TEN_DAYS)
    for _ in range(2):
        act([(dispute, "-")], shop.platform.clock.now())
    seen = shop.api.get(f"/v1/disputes/{dispute}", token=shop.key)
    assert (seen["status"], seen["refunded_minor"], shop.balance()) == ("lost", AMOUNT, AMOUNT)
    assert shop.settle().count("dispute.closed") == 1
    late = shop.api.post(f"/v1/disputes/{dispute}/evidence", PROOF, token=shop.key)
    assert (late.status, late["code"], late["current_status"]) == (409, "dispute_state", "lost")


def test_the_deadline_stands_in_the_action_index_until_the_merchant_answers(shop: Shop) -> None:
    dispute = contest(shop, shop.buy(AMOUNT))["id"]
    stored = next(i for i in shop.platform.items() if i["pk"]["S"] == dispute)
    assert stored["gs"]["S"] == "2026-12-02T08"
    shop.api.post(f"/v1/disputes/{dispute}/evidence", PROOF, token=shop.key)
    assert "gs" not in next(i for i in shop.platform.items() if i["pk"]["S"] == dispute)


def test_giving_in_refunds_at_once(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    dispute = contest(shop, capture)["id"]
    reply = shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=shop.key)
    assert (reply["status"], reply["refunded_minor"]) == ("accepted", AMOUNT)
    assert shop.mine(f"plans/{capture['plan_id']}")["status"] == "refunded"
    again = shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=shop.key)
    assert (again.status, again["current_status"]) == (409, "accepted")


@pytest.mark.parametrize("kind", ["merchant_insolvent", "unauthorized"])
def test_what_the_merchant_can_not_answer_for_is_the_lenders_loss(shop: Shop, kind: str) -> None:
    capture = shop.buy(AMOUNT)
    before = balance_of(shop.platform, Account.MERCHANT_PAYABLE)
    dispute = contest(shop, capture, kind)["id"]
    shop.settle()
    assert shop.api.get(f"/v1/disputes/{dispute}", token=shop.key)["status"] == "opened"
    assert decide(shop, dispute, "lost")["status"] == "lost"
    repaid = sum(row["principal_minor"] for row in capture["schedule"])
    assert balance_of(shop.platform, Account.MERCHANT_PAYABLE) == before
    assert balance_of(shop.platform, Account.DISPUTE_LOSS) == -repaid


def test_a_refund_meanwhile_is_not_paid_back_twice(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    dispute = contest(shop, capture)["id"]
    shop.refund(capture["id"], 100_000)
    reply = shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=shop.key)
    assert reply["refunded_minor"] == 20_000
    after = shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)
    assert (after["refunded_minor"], after["refundable_minor"]) == (AMOUNT, 0)


def test_a_plan_paid_off_meanwhile_stays_disputed(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    dispute = contest(shop, capture)["id"]
    paid = shop.api.post(f"/v1/me/plans/{capture['plan_id']}/payoff", {}, token=shop.customer)
    assert paid["status"] == "received", paid.body
    shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=shop.key)
    assert shop.mine(f"plans/{capture['plan_id']}")["outstanding_minor"] == 0
    assert shop.balance() >= AMOUNT


def test_a_large_one_is_decided_by_two(shop: Shop) -> None:
    capture = shop.buy(600_000)
    dispute = contest(shop, capture)["id"]
    shop.api.post(f"/v1/disputes/{dispute}/evidence", PROOF, token=shop.key)
    first = decide(shop, dispute, "lost")
    assert (first["status"], first["work"]["proposed"]) == ("evidence_due" if first["evidence"] else "opened", "lost")
    same = decide(shop, dispute, "lost")
    assert (same.status, same["code"]) == (403, "same_person")
    assert decide(shop, dispute, "lost", by="stf_2")["status"] == "lost"


def test_nobody_else_reads_or_answers(shop: Shop, platform: Platform) -> None:
    capture = shop.buy(AMOUNT)
    dispute = contest(shop, capture)["id"]
    other = a_merchant(platform, shop.api)["api_key"]["secret"]
    assert shop.api.get(f"/v1/disputes/{dispute}", token=other).status == 404
    assert shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=other).status == 404
    assert shop.api.get(f"/v1/disputes/{dispute}", token=shop.customer).status == 401
    stranger = a_shop(platform)
    assert contest(stranger, capture).status == 404
    assert stranger.mine(f"plans/{capture['plan_id']}/disputes").status == 404
