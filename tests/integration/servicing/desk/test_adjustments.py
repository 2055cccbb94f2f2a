"""Corrections by people: alone up to a threshold, by two above it, once, and in the books."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.ledger.accounts import Account
from functions.ledger.service import owned_accounts
from functions.servicing.adjustments.adjustment import BY_HAND, needs_second_person
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def make(
    shop: Shop, kind: str, amount: int, *, by: str = "stf_1", role: str = "support", key: str = "fresh", **more: Any
) -> Any:
    body = {"kind": kind, "amount_minor": amount, "currency": "CNY", "reason": "as promised by phone", **more}
    return shop.api.post("/v1/adjustments", body, token=shop.platform.staff_token(role, subject=by), key=key)


def decide(shop: Shop, made: Any, what: str = "approve", *, by: str = "stf_2", role: str = "support") -> Any:
    token = shop.platform.staff_token(role, subject=by)
    return shop.api.post(f"/v1/adjustments/{made['id']}/{what}", {"reason": "agreed"}, token=token)


def late_plan(shop: Shop) -> str:
    bought = shop.buy(1_000_000, term=3)
    shop.platform.clock.advance_business(90 * DAY)
    return str(bought["plan_id"])


def late(shop: Shop, plan: str) -> int:
    return int(shop.mine(f"plans/{plan}")["late_minor"])


def test_a_small_waiver_is_made_at_once_and_never_more_than_is_due(shop: Shop) -> None:
    plan = late_plan(shop)
    before = late(shop, plan)
    made = make(shop, "waive_late", 100, plan_id=plan)
    assert (made.status, made["status"], late(shop, plan)) == (201, "applied", before - 100)
    refused = make(shop, "waive_late", 10_000, plan_id=plan)
    assert refused["status"] == "applied" if before > 10_100 else refused["code"] == "nothing_to_waive"


def test_above_the_threshold_a_second_person_decides(shop: Shop) -> None:
    made = make(shop, "goodwill", 10_001, customer_id=shop.customer_id)
    assert (made["status"], shop.balance()) == ("proposed", 0)
    own = decide(shop, made, by="stf_1")
    assert (own.status, own["code"]) == (403, "same_person")
    done = decide(shop, made)
    assert (done["status"], done["decided_by"], shop.balance()) == ("applied", "stf_2", 10_001)
    again = decide(shop, made, by="stf_3")
    assert (again.status, again["current_status"]) == (409, "applied")
    assert shop.balance() == 10_001


def test_a_refused_correction_moves_nothing_and_its_proposer_may_take_it_back(shop: Shop) -> None:
    made = make(shop, "goodwill", 20_000, customer_id=shop.customer_id)
    assert decide(shop, made, "refuse", by="stf_1")["status"] == "refused"
    assert decide(shop, made)["code"] == "adjustment_state"
    assert shop.balance() == 0


def test_goodwill_goes_where_there_is_a_line(shop: Shop) -> None:
    refused = make(shop, "goodwill", 500, customer_id=shop.customer_id, currency="EUR")
    assert (refused.status, refused["code"]) == (422, "currency_mismatch")


def test_goodwill_pays_what_is_due_at_once_and_stands_in_the_books_as_an_expense(shop: Shop) -> None:
    bought = shop.buy(3_000, term=1)
    shop.platform.clock.advance_business(31 * DAY)
    assert make(shop, "goodwill", 5_000, customer_id=shop.customer_id)["status"] == "applied"
    assert shop.mine(f"plans/{bought['plan_id']}")["status"] == "paid_off"
    assert shop.balance() == 2_000
    found = {each["account"]: each["balances"][0]["balance_minor"] for each in owned_accounts(shop.customer_id)}
    assert found[Account.CUSTOMER_CREDIT_BALANCE.slug] == 2_000


def test_the_same_key_is_the_same_correction(shop: Shop) -> None:
    made = make(shop, "goodwill", 100, key="one", customer_id=shop.customer_id)
    again = make(shop, "goodwill", 100, key="one", customer_id=shop.customer_id)
    assert (again.replayed, again.body, shop.balance()) == (True, made.body, 100)
    assert make(shop, "goodwill", 200, key="one", customer_id=shop.customer_id)["code"] == "idempotency_key_reused"


def test_finance_may_be_the_second_person_of_support_and_not_the_other_way_round(shop: Shop) -> None:
    made = make(shop, "goodwill", 20_000, customer_id=shop.customer_id)
    assert decide(shop, made, by="stf_1", role="finance")["code"] == "same_person"
    assert decide(shop, made, role="finance")["status"] == "applied"
    assert make(shop, "goodwill", 100, role="finance", customer_id=shop.customer_id).status == 403


def test_a_posting_by_hand_is_for_two_of_finance_whatever_it_is(shop: Shop) -> None:
    ends = {"debit": "rail_fees", "credit": "cash_at_rail"}
    assert make(shop, "manual_posting", 1, **ends).status == 403
    made = make(shop, "manual_posting", 1, role="finance", **ends)
    assert made["status"] == "proposed"
    assert decide(shop, made).status == 403
    assert decide(shop, made, role="finance")["status"] == "applied"


@pytest.mark.parametrize(
    "slug", ["customer_principal", "customer_credit_balance", "merchant_payable", "unmatched_receipts"]
)
def test_an_account_that_stands_for_somebodys_state_is_not_posted_to_by_hand(shop: Shop, slug: str) -> None:
    made = make(shop, "manual_posting", 1, role="finance", debit=slug, credit="cash_at_rail")
    assert (made.status, made["code"]) == (422, "account_not_by_hand")


def test_a_correction_takes_what_its_kind_needs_and_nothing_else(shop: Shop) -> None:
    assert make(shop, "goodwill", 100).status == 422
    assert make(shop, "waive_late", 100, customer_id=shop.customer_id).status == 422
    assert make(shop, "goodwill", 100, customer_id="cus_00000000000000000000000001").status == 404
    assert make(shop, "waive_late", 100, plan_id="plan_00000000000000000000000001").status == 404


def test_corrections_are_listed_and_told_to_staff_without_the_words(shop: Shop) -> None:
    made = make(shop, "goodwill", 100, customer_id=shop.customer_id)
    token = shop.platform.staff_token("auditor")
    assert shop.api.get("/v1/adjustments", token=token)["data"] == [made.body]
    events = [event for event in shop.platform.events() if event.type.startswith("adjustment.")]
    assert [event.type for event in events] == ["adjustment.applied"]
    assert "as promised" not in str(events[0].data)


@pytest.mark.parametrize(("currency", "alone"), [("CNY", 10_000), ("JPY", 100), ("KWD", 100_000)])
def test_the_threshold_is_the_same_in_every_currencys_own_units(currency: str, alone: int) -> None:
    assert not needs_second_person("goodwill", alone, currency)
    assert needs_second_person("goodwill", alone + 1, currency)


def test_every_account_by_hand_is_the_houses() -> None:
    assert all(str(account.of()) == account.slug for account in BY_HAND)


def test_a_deferral_beyond_what_a_customer_may_do_alone_is_made_by_support_at_the_cost_shown(shop: Shop) -> None:
    plan = shop.buy(120_000, term=6)["plan_id"]
    path = f"/v1/me/plans/{plan}/defer"
    asked = {"days": 40, "installments": 6}
    seen = shop.api.post(f"{path}/preview", asked, token=shop.customer)
    assert (seen["needs_staff"], seen["cost_minor"]) == (True, 0)
    alone = shop.api.post(path, asked, token=shop.customer)
    assert (alone.status, alone["code"]) == (409, "deferral_needs_staff")
    wrong = make(shop, "deferral", 1, plan_id=plan, **asked)
    assert (wrong["code"], wrong["cost_minor"]) == ("deferral_cost_changed", 0)
    assert make(shop, "deferral", 0, plan_id=plan, **asked)["status"] == "applied"
    assert shop.mine(f"plans/{plan}")["schedule"] == seen["schedule"]


def test_a_deferral_by_more_than_two_months_takes_two_of_support(shop: Shop) -> None:
    plan = shop.buy(120_000, term=6)["plan_id"]
    before = shop.mine(f"plans/{plan}")["schedule"]
    made = make(shop, "deferral", 0, plan_id=plan, days=63, installments=6)
    assert (made["status"], shop.mine(f"plans/{plan}")["schedule"]) == ("proposed", before)
    assert decide(shop, made)["status"] == "applied"
    assert shop.mine(f"plans/{plan}")["deferrals_left"] == 1
