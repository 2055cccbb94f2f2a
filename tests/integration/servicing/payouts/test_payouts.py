"""Credit balances paid out: asked for, or after thirty days; never twice, and back again where it failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.core.errors import UnavailableError
from functions.ledger.accounts import Account
from functions.ledger.service import owned_accounts
from functions.servicing.payouts.events import on_credit
from functions.servicing.payouts.store import PayoutItem, TimerItem
from tests.builders.autopay import FAILS, TAKES, TIMES_OUT, TWICE, an_account, sweep_until
from tests.builders.platform import Platform
from tests.builders.rail import say
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    """A customer who has 70.00 to their credit: they paid 100.00 on 30.00."""
    shop = a_shop(platform)
    bought = shop.buy(3_000, term=1)
    platform.clock.advance_business(31 * DAY)
    shop.repay(10_000)
    shop.settle()
    assert (shop.balance(), shop.mine(f"plans/{bought['plan_id']}")["status"]) == (7_000, "paid_off")
    return shop


def pay_out(shop: Shop, instrument: str, *, key: str | None = "fresh", **body: Any) -> Any:
    asked = {"instrument_id": instrument, **body}
    return shop.api.post("/v1/me/credit-balance/payout", asked, token=shop.customer, key=key)


def books(shop: Shop) -> dict[str, int]:
    """The customer's accounts in the ledger: what is to their credit, and what is on its way to them."""
    found = {each["account"]: each["balances"][0]["balance_minor"] for each in owned_accounts(shop.customer_id)}
    wanted = (Account.CUSTOMER_CREDIT_BALANCE, Account.CUSTOMER_PAYOUT_IN_TRANSIT)
    return {account.slug: found.get(account.slug, 0) for account in wanted}


def payouts(shop: Shop) -> list[PayoutItem]:
    return [PayoutItem.from_raw_data(raw) for raw in shop.platform.items() if raw["pk"]["S"].startswith("cpo_")]


def timers(shop: Shop) -> list[TimerItem]:
    return [TimerItem.from_raw_data(raw) for raw in shop.platform.items() if raw["pk"]["S"].startswith("cbal_")]


def test_a_balance_is_paid_out_whole_and_leaves_the_books(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop))
    assert (made.status, made["status"], made["amount_minor"]) == (201, "paid", 7_000)
    assert shop.balance() == 0
    assert set(books(shop).values()) == {0}
    assert shop.mine(f"credit-balance/payouts/{made['id']}").body == made.body
    assert {"credit_payout.pending", "credit_payout.paid"} <= set(shop.settle())


def test_a_part_of_it_is_paid_out_and_never_more_than_there_is(shop: Shop) -> None:
    name = an_account(shop)
    assert pay_out(shop, name, amount_minor=2_000)["status"] == "paid"
    refused = pay_out(shop, name, amount_minor=5_001)
    assert (refused.status, refused["code"], refused["balance_minor"]) == (409, "credit_balance_short", 5_000)
    assert (shop.balance(), books(shop)["customer_credit_balance"]) == (5_000, 5_000)


def test_the_same_key_pays_once(shop: Shop) -> None:
    name = an_account(shop)
    made, again = pay_out(shop, name, key="one"), pay_out(shop, name, key="one")
    assert (again.replayed, again.body) == (True, made.body)
    assert pay_out(shop, name, key="one", amount_minor=1)["code"] == "idempotency_key_reused"
    assert len(payouts(shop)) == 1


def test_what_is_due_is_paid_before_anything_goes_out(shop: Shop) -> None:
    shop.buy(6_000, term=1)
    shop.platform.clock.advance_business(31 * DAY)
    made = pay_out(shop, an_account(shop))
    assert (made["status"], made["amount_minor"]) == ("paid", 1_000)


def test_a_failed_payout_is_the_customers_credit_again(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop, FAILS))
    assert (made["status"], made["failure_code"]) == ("failed", "insufficient_funds")
    assert shop.balance() == 7_000
    assert books(shop) == {"customer_credit_balance": 7_000, "customer_payout_in_transit": 0}


def test_on_its_way_it_is_nobodys_to_spend_and_two_confirmations_are_one(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop, TWICE))
    assert (made["status"], shop.balance()) == ("pending", 0)
    assert books(shop) == {"customer_credit_balance": 0, "customer_payout_in_transit": 7_000}
    sweep_until(shop, shop.platform.clock.now() + timedelta(hours=2))
    assert shop.mine(f"credit-balance/payouts/{made['id']}")["status"] == "paid"
    assert books(shop) == {"customer_credit_balance": 0, "customer_payout_in_transit": 0}


def test_a_rail_that_does_not_answer_is_asked_again_by_the_sweep(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop, TIMES_OUT))
    assert (made.status, made["status"]) == (201, "pending")
    sweep_until(shop, shop.platform.clock.now() + timedelta(hours=2))
    assert shop.mine(f"credit-balance/payouts/{made['id']}")["status"] == "paid"
    assert len(payouts(shop)) == 1


def test_it_arrives_though_its_account_was_removed_meanwhile(shop: Shop) -> None:
    name = an_account(shop, TIMES_OUT)
    made = pay_out(shop, name)
    assert shop.api("DELETE", f"/v1/me/instruments/{name}", token=shop.customer).status == 200
    sweep_until(shop, shop.platform.clock.now() + timedelta(hours=2))
    assert shop.mine(f"credit-balance/payouts/{made['id']}")["status"] == "paid"
    assert books(shop)["customer_payout_in_transit"] == 0


def test_who_has_money_on_its_way_is_not_forgotten_before_it_has_come(shop: Shop) -> None:
    pay_out(shop, an_account(shop, TIMES_OUT))
    refused = shop.api("DELETE", "/v1/me", token=shop.customer)
    assert (refused.status, [each["code"] for each in refused["errors"]]) == (409, ["credit_balance"])
    sweep_until(shop, shop.platform.clock.now() + timedelta(hours=2))
    assert shop.api("DELETE", "/v1/me", token=shop.customer).status == 200


def test_who_was_paid_out_what_the_bank_took_back_is_not_forgotten(shop: Shop) -> None:
    [paid] = [raw["pk"]["S"] for raw in shop.platform.items() if raw["pk"]["S"].startswith("rep_")]
    pay_out(shop, an_account(shop))
    say(shop, shop.mine(f"repayments/{paid}"), "reversed")
    shop.settle()
    shop.repay(3_000)
    shop.settle()
    refused = shop.api("DELETE", "/v1/me", token=shop.customer)
    assert (refused.status, [each["code"] for each in refused["errors"]]) == (409, ["claim"])


def test_money_that_comes_back_is_the_customers_credit_again_once(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop)).body
    assert say(shop, made, "reversed")["status"] == "returned"
    assert say(shop, made, "reversed")["status"] == "returned"
    assert (shop.balance(), books(shop)["customer_credit_balance"]) == (7_000, 7_000)
    refused = say(shop, {**made, "amount_minor": 1}, "reversed")
    assert refused["code"] == "payout_mismatch"


def test_after_thirty_days_it_goes_back_by_itself_to_the_account_we_know(shop: Shop) -> None:
    an_account(shop)
    told = sweep_until(shop, shop.platform.clock.now() + 29 * DAY)
    assert "credit_payout.paid" not in told
    told = sweep_until(shop, shop.platform.clock.now() + 2 * DAY)
    assert told.count("credit_payout.paid") == 1
    [payout] = payouts(shop)
    assert (payout.cause, payout.amount, shop.balance()) == ("age", 7_000, 0)
    assert timers(shop) == []


def test_without_an_account_it_waits_another_thirty_days(shop: Shop) -> None:
    sweep_until(shop, shop.platform.clock.now() + 31 * DAY)
    assert payouts(shop) == []
    an_account(shop)
    sweep_until(shop, shop.platform.clock.now() + 31 * DAY)
    assert [payout.amount for payout in payouts(shop)] == [7_000]


def test_a_balance_that_was_used_up_leaves_no_timer(shop: Shop) -> None:
    name = an_account(shop)
    pay_out(shop, name)
    assert len(timers(shop)) == 1
    sweep_until(shop, shop.platform.clock.now() + 31 * DAY)
    assert (timers(shop), len(payouts(shop))) == ([], 1)


def test_the_older_money_counts_and_the_same_event_twice_begins_one_timer(shop: Shop) -> None:
    [before] = timers(shop)
    shop.platform.clock.advance_business(5 * DAY)
    event = {"data": {"repayment": {"currency": "CNY"}}, "customer_id": shop.customer_id}
    on_credit(event)
    on_credit(event)
    [after] = timers(shop)
    assert after.hour == before.hour


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
def test_a_sweep_that_dies_pays_out_once(shop: Shop, lost: bool) -> None:
    from functions.servicing.payouts.service import pay_out_old

    an_account(shop)
    [timer] = timers(shop)
    shop.platform.clock.advance_business(31 * DAY)
    now = shop.platform.clock.now()
    with shop.platform.failing("TransactWriteItems", times=1, lost=lost), pytest.raises(UnavailableError):
        pay_out_old([(timer.pk, timer.sk)], now)
    pay_out_old([(timer.pk, timer.sk)], now)
    sweep_until(shop, now + timedelta(hours=3))
    assert [payout.status for payout in payouts(shop)] == ["paid"]
    assert shop.balance() == 0


def test_anothers_payout_is_not_there_and_anothers_account_takes_nothing(shop: Shop) -> None:
    made = pay_out(shop, an_account(shop, TAKES), amount_minor=1_000)
    other = a_shop(shop.platform)
    assert other.mine(f"credit-balance/payouts/{made['id']}").status == 404
    assert pay_out(shop, an_account(other)).status == 404
    assert shop.balance() == 6_000
