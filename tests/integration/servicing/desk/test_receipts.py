"""Money that nobody asked for: kept apart, assigned by a person, a repayment like any other from then on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.ledger.events import sequence
from functions.ledger.service import owned_accounts
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.rail import send
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def arrives(shop: Shop, amount: int = 10_000, status: str = "confirmed", number: int = 1) -> str:
    body = {
        "reference": f"invoice {number}", "provider_reference": f"wire-{number}", "status": status,
        "amount_minor": amount, "currency": "CNY",
    }  # fmt: skip
    return str(send(shop, body)["id"])


def staff(
    shop: Shop, method: str, path: str, body: Any = None, *, key: str | None = None, role: str = "support"
) -> Any:
    return shop.api(method, path, body, token=shop.platform.staff_token(role, subject=f"stf_{role}"), key=key)


def assign(shop: Shop, receipt: str, key: str = "k", **body: Any) -> Any:
    asked = {"customer_id": shop.customer_id, "reason": "the payer wrote the phone number", **body}
    return staff(shop, "POST", f"/v1/unmatched-receipts/{receipt}/assign", asked, key=key)


def account(shop: Shop, slug: str) -> int:
    rows = staff(shop, "GET", "/v1/ledger/accounts", role="finance")["data"]
    return sum(each["balance_minor"] for row in rows if row["account"] == slug for each in row["balances"])


def credit_in_books(shop: Shop) -> int:
    [found] = [each for each in owned_accounts(shop.customer_id) if each["account"] == "customer_credit_balance"]
    return int(found["balances"][0]["balance_minor"])


def test_receipts_are_listed_newest_first(shop: Shop) -> None:
    first = arrives(shop)
    shop.platform.clock.advance_business(timedelta(hours=1))
    second = arrives(shop, number=2)
    arrives(shop)  # said twice
    found = staff(shop, "GET", "/v1/unmatched-receipts")["data"]
    assert [each["id"] for each in found] == [second, first]
    assert staff(shop, "GET", f"/v1/unmatched-receipts/{first}").body == found[1]


def test_an_assigned_receipt_pays_what_is_due_of_the_day_it_came(shop: Shop) -> None:
    bought = shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(30 * DAY)
    receipt = arrives(shop)
    shop.platform.clock.advance_business(20 * DAY)
    assert shop.mine(f"plans/{bought['plan_id']}")["late_minor"] > 0
    reply = assign(shop, receipt)
    assert (reply.status, reply["status"], reply["assigned_by"]) == (200, "assigned", "stf_support")
    repayment = shop.mine(f"repayments/{reply['repayment_id']}")
    assert (repayment["status"], repayment["amount_minor"], repayment["allocations"][0]["late_minor"]) == (
        "received",
        10_000,
        0,
    )
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    assert "repayment.received" in shop.settle()


def test_the_books_hold_the_receipt_until_it_is_assigned_and_the_repayment_after(shop: Shop) -> None:
    shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(31 * DAY)
    receipt = arrives(shop)
    sequence(shop.platform.records(LEDGER_TABLE))
    assert account(shop, "unmatched_receipts") == 10_000
    assign(shop, receipt)
    sequence(shop.platform.records(LEDGER_TABLE))
    assert (account(shop, "unmatched_receipts"), account(shop, "cash_at_rail")) == (0, 10_000)
    assert account(shop, "customer_principal") == 0


def test_assigning_is_once(shop: Shop) -> None:
    shop.buy(10_000, term=1)
    receipt = arrives(shop)
    made, again = assign(shop, receipt), assign(shop, receipt)
    assert (again.replayed, again.body) == (True, made.body)
    refused = assign(shop, receipt, key="other")
    assert (refused.status, refused["code"], refused["current_status"]) == (409, "receipt_state", "assigned")
    assert shop.balance() + shop.line()["outstanding_minor"] == 20_000  # nothing due yet: all of it is credit balance


def test_what_the_bank_takes_back_after_it_was_assigned_reopens_the_debt_once(shop: Shop) -> None:
    bought = shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(31 * DAY)
    assign(shop, arrives(shop))
    for _ in range(2):
        arrives(shop, status="reversed")
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["status"], plan["outstanding_minor"]) == ("active", 10_000)


def test_a_receipt_taken_back_can_not_be_assigned(shop: Shop) -> None:
    shop.buy(10_000, term=1)
    receipt = arrives(shop)
    arrives(shop, status="reversed")
    assert assign(shop, receipt)["current_status"] == "reversed"


def test_money_of_who_owes_nothing_is_their_credit_and_taken_back_from_it(shop: Shop) -> None:
    receipt = arrives(shop)
    assert assign(shop, receipt)["status"] == "assigned"
    assert (shop.balance(), credit_in_books(shop)) == (10_000, 10_000)
    arrives(shop, status="reversed")
    assert (shop.balance(), credit_in_books(shop)) == (0, 0)


def test_nothing_is_assigned_in_a_currency_without_a_line(shop: Shop) -> None:
    body = {
        "reference": "invoice 1", "provider_reference": "wire-1", "status": "confirmed",
        "amount_minor": 10_000, "currency": "EUR",
    }  # fmt: skip
    refused = assign(shop, str(send(shop, body)["id"]))
    assert (refused.status, refused["code"]) == (409, "nothing_to_repay")


def test_nothing_is_assigned_to_nobody_or_to_anothers_plan(shop: Shop) -> None:
    receipt = arrives(shop)
    assert assign(shop, receipt, "a", customer_id="cus_00000000000000000000000001").status == 404
    other = a_shop(shop.platform)
    plan = other.buy(10_000, term=1)["plan_id"]
    assert assign(shop, receipt, "c", plan_id=plan).status == 404
    assert staff(shop, "GET", f"/v1/unmatched-receipts/{receipt}")["status"] == "unmatched"


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
def test_a_write_that_fails_is_done_once_by_the_retry(shop: Shop, lost: bool) -> None:
    shop.buy(10_000, term=1)
    receipt = arrives(shop)
    with shop.platform.failing("TransactWriteItems", times=1, lost=lost):
        assert assign(shop, receipt).status == 503
    assert assign(shop, receipt)["status"] == "assigned"
    assert shop.balance() == 10_000
