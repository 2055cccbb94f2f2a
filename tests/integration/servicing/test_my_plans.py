"""A customer's own plans: list, agreement, payoff, deferral, withdrawal."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from functions.lending.plans.balance_store import BalanceItem
from functions.platform.storage import keys
from functions.servicing.plan_actions import act
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.servicing import a_debtor, stored_plan
from tests.builders.shop import Shop, a_shop

MONTH = timedelta(days=31)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def payoff(shop: Shop, plan: str, **body: object) -> object:
    return shop.api.post(f"/v1/me/plans/{plan}/payoff", body, token=shop.customer)


def test_plans_are_listed_newest_first_in_pages(shop: Shop) -> None:
    bought = []
    for amount in (10_000, 20_000, 30_000):
        shop.platform.clock.advance_business(timedelta(hours=1))
        bought.append(shop.buy(amount)["plan_id"])
    first = shop.mine("plans?limit=2")
    rest = shop.mine(f"plans?limit=2&cursor={first['next_cursor']}")
    assert [plan["id"] for plan in first["data"] + rest["data"]] == bought[::-1]
    assert rest["next_cursor"] is None
    assert first["data"][0] == shop.mine(f"plans/{bought[2]}").body


def test_an_event_told_late_does_not_turn_the_list_back(shop: Shop) -> None:
    from functions.lending.events import project
    from functions.lending.plans.store import PlanRow, rows_key

    bought = shop.buy(10_000, term=1)
    shop.platform.clock.advance_business(MONTH)
    shop.repay(10_000)
    events = [event for event in shop.platform.events() if event.type.startswith("plan.")]
    for event in (*events, *events[::-1]):
        project(event.to_dict())
    created = {**events[0].to_dict(), "sequence": 1, "type": "plan.created"}
    created["data"]["plan"]["status"] = "active"
    project(created)
    [row], _ = shop.platform.tables.query(PlanRow, rows_key(shop.customer_id), limit=10)
    assert (row.plan_id, row.status) == (bought["plan_id"], "paid_off")


def test_days_past_due_and_late_charge_are_told_for_today(shop: Shop) -> None:
    bought = shop.buy(30_000, term=3)
    plan = f"plans/{bought['plan_id']}"
    shop.platform.clock.advance_business(timedelta(days=30 + 33))
    seen = shop.mine(plan)
    assert (seen["days_past_due"], seen["delinquency"]) == (33, "M2")
    assert seen["late_minor"] > 0
    assert seen["due_minor"] == sum(row["total_minor"] for row in seen["schedule"][:2]) + seen["late_minor"]
    assert shop.repay(seen["due_minor"])["credit_balance_minor"] == 0
    seen = shop.mine(plan)
    assert (seen["days_past_due"], seen["delinquency"], seen["late_minor"], seen["due_minor"]) == (0, "current", 0, 0)


def test_the_agreement_is_the_one_that_was_accepted(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    seen = shop.mine(f"plans/{bought['plan_id']}/agreement")
    assert seen["hash"] == hashlib.sha256(seen["document"].encode()).hexdigest() == seen["accepted_hash"]
    assert "Corner Electronics" in seen["document"]
    shop.repay(60_000, "prepay", plan_id=bought["plan_id"])
    assert shop.mine(f"plans/{bought['plan_id']}/agreement")["hash"] == seen["hash"]


@pytest.mark.pain(7)
def test_paying_exactly_the_payoff_quote_closes_the_plan_with_nothing_over(shop: Shop) -> None:
    bought = shop.buy(120_000, term=12)
    plan = bought["plan_id"]
    shop.platform.clock.advance_business(timedelta(days=100))
    quote = shop.mine(f"plans/{plan}/payoff-quote")
    assert quote["late_minor"] > 0
    assert quote["total_minor"] == quote["principal_minor"] + quote["fee_minor"] + quote["late_minor"]
    assert quote["principal_minor"] == 120_000
    reply = payoff(shop, plan, quote=quote["quote"], amount_minor=quote["total_minor"])
    assert (reply.status, reply["status"], reply["intent"]) == (201, "received", "payoff")
    assert (reply["amount_minor"], reply["credit_balance_minor"]) == (quote["total_minor"], 0)
    seen = shop.mine(f"plans/{plan}")
    assert (seen["status"], seen["outstanding_minor"], seen["due_minor"]) == ("paid_off", 0, 0)
    assert (shop.balance(), shop.line()["outstanding_minor"]) == (0, 0)
    assert "plan.paid_off" in shop.settle()


def test_a_payoff_without_amount_or_quote_takes_todays(shop: Shop) -> None:
    bought = shop.buy(60_000)
    first, again = (
        shop.api.post(f"/v1/me/plans/{bought['plan_id']}/payoff", {}, token=shop.customer, key="p") for _ in range(2)
    )
    assert (first["status"], again.body, again.replayed) == ("received", first.body, True)
    over = payoff(shop, bought["plan_id"])
    assert (over.status, over["code"]) == (409, "nothing_to_pay_off")
    assert shop.mine(f"plans/{bought['plan_id']}/payoff-quote").status == 409


def test_a_payoff_is_a_repayment_with_that_intent(shop: Shop) -> None:
    bought = shop.buy(60_000)
    quote = shop.mine(f"plans/{bought['plan_id']}/payoff-quote")
    reply = shop.repay(quote["total_minor"] + 5, "payoff", plan_id=bought["plan_id"])
    assert (reply["status"], reply["credit_balance_minor"], shop.balance()) == ("received", 5, 5)


def test_less_than_the_payoff_is_refused_with_what_is_missing(shop: Shop) -> None:
    bought = shop.buy(60_000)
    quote = shop.mine(f"plans/{bought['plan_id']}/payoff-quote")
    reply = payoff(shop, bought["plan_id"], amount_minor=quote["total_minor"] - 7)
    assert (reply.status, reply["code"], reply["missing_minor"]) == (422, "payoff_short", 7)
    assert shop.line()["outstanding_minor"] == 60_000


def test_a_quote_is_void_on_another_day_and_after_anything_happened(shop: Shop) -> None:
    bought = shop.buy(60_000)
    plan = bought["plan_id"]
    quote = shop.mine(f"plans/{plan}/payoff-quote")["quote"]
    shop.refund(bought["id"], 1)
    assert payoff(shop, plan, quote=quote)["code"] == "payoff_quote_void"
    quote = shop.mine(f"plans/{plan}/payoff-quote")["quote"]
    assert payoff(shop, plan, quote="x" + quote)["code"] == "payoff_quote_void"
    shop.platform.clock.advance_business(timedelta(days=1))
    assert payoff(shop, plan, quote=quote)["code"] == "payoff_quote_void"
    assert payoff(shop, plan, quote=shop.mine(f"plans/{plan}/payoff-quote")["quote"])["status"] == "received"


def test_a_deferral_moves_the_next_due_day_once_and_twice_at_most(shop: Shop) -> None:
    bought = shop.buy(60_000, term=3)
    plan = bought["plan_id"]
    path = f"/v1/me/plans/{plan}/defer"
    seen = shop.api.post(f"{path}/preview", {"days": 14}, token=shop.customer, key=None)
    assert (seen["cost_minor"], seen["deferrals_left"]) == (0, 1)
    body = {"days": 14, "cost_minor": 0}
    first, again = (shop.api.post(path, body, token=shop.customer, key="d") for _ in range(2))
    assert (first.status, again.replayed) == (200, True)
    assert first["schedule"] == seen["schedule"] == again["schedule"]
    assert first["schedule"][0]["due_on"] > bought["schedule"][0]["due_on"]
    assert "plan.deferred" in shop.settle()
    shop.api.post(path, {"days": 1, "installments": 1}, token=shop.customer)
    third = shop.api.post(path, {"days": 1}, token=shop.customer)
    assert (third.status, third["code"], third["deferrals"]) == (409, "deferral_limit", 2)


def test_a_deferral_at_another_cost_than_shown_is_refused(shop: Shop) -> None:
    bought = shop.buy(60_000)
    path = f"/v1/me/plans/{bought['plan_id']}/defer"
    reply = shop.api.post(path, {"days": 14, "cost_minor": 9}, token=shop.customer)
    assert (reply.status, reply["code"], reply["cost_minor"]) == (409, "deferral_cost_changed", 0)
    far = shop.api.post(path, {"days": 60}, token=shop.customer)
    assert (far.status, far["code"]) == (422, "deferral_refused")


def test_where_the_law_gives_no_withdrawal_there_is_none(shop: Shop) -> None:
    bought = shop.buy(60_000)
    reply = shop.api.post(f"/v1/me/plans/{bought['plan_id']}/withdraw", {}, token=shop.customer)
    assert (reply.status, reply["code"]) == (409, "withdrawal_closed")


def test_a_withdrawal_takes_every_fee_back_and_makes_principal_due(platform: Platform) -> None:
    from functions.lending.rules import PlanRules
    from tests.builders.shop import all_api

    owner = a_debtor(platform)
    flat = {"kind": "flat_monthly", "bps": 80}
    item = stored_plan(platform, owner, amount_minor=30_000, rules=PlanRules(withdrawal_days=14), pricing=flat)
    path, token = f"/v1/me/plans/{item.pk}/withdraw", platform.customer_token(owner.id)
    first, again = (all_api().post(path, {}, token=token, key="w") for _ in range(2))
    assert (first.status, again.replayed) == (200, True)
    assert (first["fee_minor"], first["outstanding_minor"]) == (0, 30_000)
    assert first["schedule"][-1]["principal_minor"] == 30_000
    entries = [raw for raw in platform.items(LEDGER_TABLE) if "b" in raw]
    assert len(entries) == 1
    assert [event.type for event in platform.events() if event.type.startswith("plan.")] == ["plan.withdrawn"]
    platform.clock.advance_business(timedelta(days=20))
    late = all_api().post(path, {}, token=token)
    assert late["code"] == "withdrawal_closed"


def credit(shop: Shop) -> int:
    found = shop.platform.tables.get(BalanceItem, shop.customer_id, keys.balance("CNY"))
    return found.amount if found else 0


def test_credit_pays_what_falls_due_on_its_day(shop: Shop) -> None:
    bought = shop.buy(60_000, term=3)
    first = bought["schedule"][0]["total_minor"]
    shop.repay(first + 300)
    assert credit(shop) == first + 300
    shop.platform.clock.advance_business(MONTH)
    for _ in range(2):
        act([(bought["plan_id"], "-")], shop.platform.clock.now())
    seen = shop.mine(f"plans/{bought['plan_id']}")
    assert (seen["due_minor"], seen["schedule"][0]["paid_minor"], credit(shop)) == (0, first, 300)
    assert shop.line()["outstanding_minor"] == 40_000
