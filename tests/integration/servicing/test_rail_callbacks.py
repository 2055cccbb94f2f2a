"""What the rail says by itself: late, twice, in the wrong order, after a crash of ours, about money nobody knows."""

from __future__ import annotations

import itertools
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from functions.ledger.accounts import Account
from functions.ledger.encoding import entry_from_bytes
from functions.servicing.sandbox import SIGNING_KEY
from tests.builders.autopay import sweep_until
from tests.builders.lives import Life
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.rail import listen, say, send
from tests.builders.shop import Shop, a_shop

MONTH = timedelta(days=31)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def delayed(shop: Shop, amount_minor: int, **body: Any) -> Any:
    reply = shop.repay(amount_minor, instrument="sandbox_delays", **body)
    assert (reply.status, reply["status"]) == (201, "pending"), reply.body
    return reply


def cash(shop: Shop, account: Account = Account.CASH_AT_RAIL) -> int:
    """What the ledger has on an account of the house."""
    found = [entry_from_bytes(item["b"]["B"]) for item in shop.platform.items(LEDGER_TABLE) if "b" in item]
    postings = [posting for entry in found for posting in entry.postings]
    debits = sum(p.amount_minor for p in postings if p.debit.account is account)
    return debits - sum(p.amount_minor for p in postings if p.credit.account is account)


def status(shop: Shop, repayment: Any) -> str:
    return str(shop.mine(f"repayments/{repayment['id']}")["status"])


def test_the_line_is_freed_when_the_rail_confirms_and_not_before(shop: Shop) -> None:
    bought = shop.buy(60_000)
    reply = delayed(shop, 20_000, intent="prepay", plan_id=bought["plan_id"])
    assert (shop.line()["outstanding_minor"], cash(shop)) == (60_000, 0)
    answer = say(shop, reply, "confirmed")
    assert (answer.status, answer.body) == (200, {"object": "rail_callback", "id": reply["id"], "status": "received"})
    assert (shop.line()["outstanding_minor"], cash(shop)) == (40_000, 20_000)
    assert shop.settle().count("repayment.received") == 1


def test_money_on_its_way_before_the_due_day_pays_without_late_charge_however_late_it_is_confirmed(shop: Shop) -> None:
    bought = shop.buy(10_000, term=1)
    reply = delayed(shop, 12_000)
    shop.platform.clock.advance_business(timedelta(days=45))
    say(shop, reply, "confirmed")
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"], shop.balance()) == ("paid_off", 0, 2_000)
    Life(shop, Random(1)).require_books()


def test_what_a_credit_balance_has_paid_is_owed_again_when_the_bank_takes_its_money_back(shop: Shop) -> None:
    bought = shop.buy(10_000, term=1)
    paid = shop.repay(10_000)
    sweep_until(shop, shop.platform.clock.now() + MONTH)
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    for _ in range(2):
        say(shop, paid, "reversed")
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"], shop.balance()) == ("active", 10_000, 0)
    assert cash(shop, Account.REPAYMENT_IN_TRANSIT) == 0
    Life(shop, Random(1)).require_books()


def test_of_a_drawing_that_had_more_than_one_payment_the_other_one_stays(shop: Shop) -> None:
    bought = shop.buy(10_000, term=1)
    shop.repay(6_000)
    paid = shop.repay(4_000)
    later = shop.buy(5_000, term=1)
    shop.repay(5_000)
    sweep_until(shop, shop.platform.clock.now() + MONTH)
    say(shop, paid, "reversed")
    plans = [shop.mine(f"plans/{each['plan_id']}") for each in (bought, later)]
    assert (sum(plan["outstanding_minor"] for plan in plans), shop.balance()) == (4_000, 0)
    Life(shop, Random(1)).require_books()


def test_a_part_of_a_repayment_is_not_taken_back_for_the_whole(shop: Shop) -> None:
    bought = shop.buy(60_000)
    paid = shop.repay(20_000, "prepay", plan_id=bought["plan_id"])
    refused = say(shop, paid, "reversed", amount_minor=100)
    assert (refused.status, refused["code"], refused["amount_minor"]) == (409, "repayment_mismatch", 20_000)
    assert shop.line()["outstanding_minor"] == 40_000
    assert say(shop, paid, "reversed")["status"] == "reversed"


def test_a_confirmation_with_its_memo_is_two_requests(shop: Shop) -> None:
    bought = shop.buy(2_400_000, term=24)
    shop.platform.clock.advance_business(MONTH)
    asked = listen(shop.platform)
    reply = delayed(shop, bought["schedule"][0]["total_minor"])
    with shop.platform.metered() as meter:
        say(shop, reply, "confirmed", memo=asked[0].memo)
    assert meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 12, meter.sizes


def test_what_was_late_counts_up_to_the_day_the_customer_paid(shop: Shop) -> None:
    bought = shop.buy(60_000, term=1)
    shop.platform.clock.advance_business(timedelta(days=40))
    due = shop.mine(f"plans/{bought['plan_id']}")["due_minor"]
    reply = delayed(shop, due)
    shop.platform.clock.advance_business(timedelta(days=9))
    assert shop.mine(f"plans/{bought['plan_id']}")["due_minor"] > due
    say(shop, reply, "confirmed")
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["status"], plan["due_minor"], shop.balance()) == ("paid_off", 0, 0)


ORDERS = [
    *itertools.permutations(["confirmed", "failed"], 2),
    *itertools.permutations(["pending", "confirmed", "confirmed"], 3),
    *itertools.permutations(["confirmed", "reversed", "failed"], 3),
]


@pytest.mark.parametrize("said", ORDERS, ids="-".join)
def test_callbacks_in_any_order_and_number_end_alike(shop: Shop, said: tuple[str, ...]) -> None:
    """Money that came and went is no money; money that came is counted once, whatever else was said."""
    bought = shop.buy(60_000)
    reply = delayed(shop, 20_000, intent="prepay", plan_id=bought["plan_id"])
    for word in (*said, *said):
        assert say(shop, reply, word).status == 200
    final = "reversed" if "reversed" in said else "received"
    assert status(shop, reply) == final
    expected = 60_000 if final == "reversed" else 40_000
    assert (shop.line()["outstanding_minor"], cash(shop)) == (expected, 60_000 - expected)
    assert shop.balance() == 0


def test_a_reversal_reopens_the_debt_and_leaves_the_merchant_alone(shop: Shop) -> None:
    bought = shop.buy(60_000, term=1)
    shop.platform.clock.advance_business(MONTH)
    payable = cash(shop, Account.MERCHANT_PAYABLE)
    reply = shop.repay(60_000)
    shop.settle()
    for _ in range(2):
        assert say(shop, reply, "reversed")["status"] == "reversed"
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"], shop.line()["outstanding_minor"]) == ("active", 60_000, 60_000)
    assert (cash(shop), cash(shop, Account.MERCHANT_PAYABLE)) == (0, payable)
    assert sorted(shop.settle()) == ["credit_line.changed", "plan.reopened", "repayment.reversed"]  # it is past due now
    again = shop.repay(60_000)
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    assert again["status"] == "received"


@pytest.mark.pain(9)
def test_a_reversal_of_what_became_credit_never_makes_it_negative(shop: Shop) -> None:
    shop.buy(60_000, term=1)
    shop.platform.clock.advance_business(timedelta(days=30))
    reply = shop.repay(70_000)
    assert shop.balance() == 10_000
    say(shop, reply, "reversed")
    assert (shop.balance(), cash(shop, Account.REPAYMENT_IN_TRANSIT)) == (0, 0)
    assert shop.line()["outstanding_minor"] == 60_000


def test_a_crash_after_the_rail_took_the_money_loses_nothing(shop: Shop) -> None:
    """We never wrote the repayment: the callback brings back all that is needed."""
    bought = shop.buy(60_000)
    asked = listen(shop.platform)
    with shop.platform.failing("TransactWriteItems", times=1):
        assert shop.repay(20_000, "prepay", plan_id=bought["plan_id"], key="k").status == 503
    said = {
        "id": asked[0].reference, "provider_reference": "pay_1", "amount_minor": 20_000, "currency": "CNY"
    }  # fmt: skip
    assert say(shop, said, "confirmed", memo=asked[0].memo)["status"] == "received"
    assert shop.line()["outstanding_minor"] == 40_000
    found = shop.repay(20_000, "prepay", plan_id=bought["plan_id"], key="k")
    assert (found["id"], found.replayed) == (asked[0].reference, True)
    assert (shop.line()["outstanding_minor"], cash(shop)) == (40_000, 20_000)


def test_a_memo_of_another_repayment_is_not_believed(shop: Shop) -> None:
    bought = shop.buy(60_000)
    asked = listen(shop.platform)
    for key in "ab":
        with shop.platform.failing("TransactWriteItems", times=1):
            shop.repay(20_000, "prepay", plan_id=bought["plan_id"], key=key)
    said = {"id": asked[0].reference, "provider_reference": "pay_1", "amount_minor": 20_000, "currency": "CNY"}
    for memo in (asked[1].memo, "", "x"):
        assert say(shop, said, "confirmed", memo=memo)["status"] == "unmatched"
    assert shop.line()["outstanding_minor"] == 60_000


def test_money_that_nobody_asked_for_is_kept_apart_once(shop: Shop) -> None:
    unknown = {"id": "", "provider_reference": "bank-77", "amount_minor": 500, "currency": "CNY"}
    assert [say(shop, unknown, "confirmed")["status"] for _ in range(2)] == ["unmatched"] * 2
    assert (cash(shop), cash(shop, Account.UNMATCHED_RECEIPTS)) == (500, -500)
    assert [say(shop, unknown, "reversed")["status"] for _ in range(2)] == ["reversed"] * 2
    assert say(shop, unknown, "confirmed")["status"] == "reversed"
    assert (cash(shop), cash(shop, Account.UNMATCHED_RECEIPTS)) == (0, 0)
    assert say(shop, unknown | {"provider_reference": "bank-78"}, "failed")["status"] == "unknown"


def test_a_callback_about_another_movement_of_money_is_refused(shop: Shop) -> None:
    bought = shop.buy(60_000)
    reply = delayed(shop, 20_000, intent="prepay", plan_id=bought["plan_id"])
    other = say(shop, reply, "confirmed", provider_reference="pay_other")
    assert (other.status, other["code"]) == (409, "provider_reference_mismatch")
    dollars = say(shop, reply, "confirmed", currency="USD")
    assert (dollars.status, dollars["code"]) == (422, "currency_mismatch")
    assert status(shop, reply) == "pending"


def test_the_rail_counts_what_it_collected_not_what_was_asked(shop: Shop) -> None:
    bought = shop.buy(60_000)
    reply = delayed(shop, 20_000, intent="prepay", plan_id=bought["plan_id"])
    say(shop, reply, "confirmed", amount_minor=15_000)
    assert shop.mine(f"repayments/{reply['id']}")["amount_minor"] == 15_000
    assert shop.line()["outstanding_minor"] == 45_000


def test_a_payoff_that_comes_up_short_pays_ahead_instead(shop: Shop) -> None:
    bought = shop.buy(60_000, term=3)
    plan = bought["plan_id"]
    reply = shop.api.post(f"/v1/me/plans/{plan}/payoff", {"instrument": "sandbox_delays"}, token=shop.customer)
    say(shop, reply, "confirmed", amount_minor=reply["amount_minor"] - 1)
    shown = shop.mine(f"plans/{plan}")
    assert (shown["status"], shown["outstanding_minor"], shop.balance()) == ("active", 1, 0)


def test_only_the_rail_is_heard(shop: Shop) -> None:
    bought = shop.buy(60_000)
    reply = delayed(shop, 20_000, intent="prepay", plan_id=bought["plan_id"])
    body = {
        "reference": reply["id"], "provider_reference": reply["provider_reference"], "status": "confirmed",
        "amount_minor": 20_000, "currency": "CNY",
    }  # fmt: skip
    assert send(shop, body, signature="0" * 64).status == 401
    assert send(shop, body, signature="é").status == 401
    assert send(shop, body, skew_s=-301).status == 401
    assert send(shop, body, skew_s=301).status == 401
    assert shop.api("POST", "/v1/rails/callbacks", body).status == 401
    assert (
        shop.api("POST", "/v1/rails/callbacks", body, headers={"rail-timestamp": "²", "rail-signature": "a"}).status
        == 401
    )
    assert send(shop, {**body, "surprise": 1}).status == 422
    assert status(shop, reply) == "pending"
    assert send(shop, body, skew_s=299).status == 200


def test_the_sandboxes_key_is_the_documented_one() -> None:
    from infra.manifest import ROOT

    assert f"`{SIGNING_KEY.decode()}`" in (ROOT / "docs" / "sandbox.md").read_text()
