"""A product that is due by bill: bought, billed on its bill day, due nine days later, with a minimum."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.servicing.plan_actions import act
from functions.servicing.statements.cycle import default_bill_day
from tests.builders.bills import cut, cycle, reach
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

ZONE = ZoneInfo("Asia/Shanghai")
USD = "USD"


def a_shop_in_dollars(platform: Platform) -> Shop:
    shop = a_shop(platform)
    wanted = {"currency": USD, "requested_limit_minor": 500_000, "income_minor": 900_000, "expenses_minor": 100_000}
    assert shop.api.post("/v1/credit-applications", wanted, token=shop.customer)["status"] == "approved"
    shop.settle()
    return shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    made = a_shop_in_dollars(platform)
    choose(made, 1)
    return made


def choose(shop: Shop, bill_day: int) -> None:
    assert shop.api.put("/v1/me/bill-day", {"bill_day": bill_day, "currency": USD}, token=shop.customer).status == 200


def buy(shop: Shop, amount_minor: int = 120_000) -> Any:
    ask = {"merchant_id": shop.merchant_id, "purpose": "quote", "currency": USD}
    mine = shop.api.post("/v1/me/merchant-tokens", ask, token=shop.customer)["customer_token"]
    offers = shop.offers(amount_minor, personal=False, currency=USD, customer_token=mine)
    offer = next(each for each in offers if each["product_id"] == "usd_bill_6")
    pay = shop.token("pay", offer["quote"])["customer_token"]
    body = {"quote": offer["quote"], "customer_token": pay, "reference": f"bill-{amount_minor}"}
    auth = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert auth["status"] == "approved"
    bought = shop.capture(auth["id"], amount_minor)
    shop.settle()
    assert bought["schedule"] == [
        {**{key: value for key, value in row.items() if key != "balance_minor"}, "paid_minor": 0}
        for row in offer["schedule"]
    ]
    return bought


def at_noon(shop: Shop, on: date) -> None:
    reach(shop, datetime.combine(on, time(12), ZONE))


def latest(shop: Shop) -> Any:
    return shop.mine("statements")["data"][0]


def test_a_whole_cycle_from_purchase_to_statement_to_due_day_to_the_next_statement(shop: Shop) -> None:
    bought = buy(shop)  # on 22 November: in the bill of 1 December, but ten days to the 10th are too few
    days = [date.fromisoformat(row["due_on"]) for row in bought["schedule"]]
    assert days == [date(2027, month, 10) for month in range(1, 7)]
    assert cycle(shop, USD).bill_day == 1
    cut(shop, USD)
    first = latest(shop)
    assert (first["cut_on"], first["next_cut_on"], first["due_minor"]) == ("2026-12-01", "2027-01-01", 0)
    assert first["bill_minor"] == sum(row["total_minor"] for row in bought["schedule"])
    cut(shop, USD)
    second, row = latest(shop), bought["schedule"][0]
    assert (second["cut_on"], second["due_on"]) == ("2027-01-01", "2027-01-10")
    assert (second["due_minor"], second["minimum_minor"]) == (row["total_minor"], -(-row["total_minor"] // 10))
    at_noon(shop, date(2027, 1, 10))
    assert shop.repay(second["due_minor"], currency=USD)["status"] == "received"
    cut(shop, USD)
    third = latest(shop)
    assert (third["paid_minor"], third["months_late"]) == (row["total_minor"], 0)
    assert (third["due_on"], third["due_minor"]) == ("2027-02-10", bought["schedule"][1]["total_minor"])


def test_what_the_minimum_leaves_is_late_after_the_due_day_and_stands_whole_on_the_next_bill(shop: Shop) -> None:
    bought = buy(shop)
    cut(shop, USD)
    cut(shop, USD)
    asked = latest(shop)
    at_noon(shop, date(2027, 1, 10))
    shop.repay(asked["minimum_minor"], currency=USD)
    at_noon(shop, date(2027, 1, 20))
    act([(bought["plan_id"], "-")], shop.platform.clock.now())
    shop.settle()
    plan = shop.mine(f"plans/{bought['plan_id']}")
    assert (plan["delinquency"], plan["days_past_due"]) == ("M1", 10)
    cut(shop, USD)
    after = latest(shop)
    past = asked["due_minor"] - asked["minimum_minor"] + after["late_minor"]
    assert after["late_minor"] > 0
    assert (after["months_late"], after["past_due_minor"]) == (1, past)
    ahead = bought["schedule"][1]["total_minor"]
    assert after["minimum_minor"] == past + -(-ahead // 10)


def test_a_new_bill_day_moves_the_bill_and_not_what_was_agreed(shop: Shop) -> None:
    bought = buy(shop)
    cut(shop, USD)
    choose(shop, 20)
    cut(shop, USD)
    made = latest(shop)
    assert (made["cut_on"], made["next_cut_on"]) == ("2027-01-20", "2027-02-20")
    assert shop.mine(f"plans/{bought['plan_id']}")["schedule"] == bought["schedule"]
    assert made["past_due_minor"] >= bought["schedule"][0]["total_minor"]
    assert made["due_minor"] == made["past_due_minor"] + bought["schedule"][1]["total_minor"]
    later = buy(shop, 60_000)  # on 20 January, the bill day: in the bill of February, due nine days after, or as early
    assert [row["due_on"] for row in later["schedule"]] == [f"2027-0{month}-01" for month in range(3, 9)]


def test_who_chose_no_bill_day_is_due_by_the_one_they_are_given(platform: Platform) -> None:
    shop = a_shop_in_dollars(platform)
    bought = buy(shop)
    bill_day = cycle(shop, USD).bill_day
    assert bill_day == default_bill_day(shop.customer_id)
    assert {date.fromisoformat(row["due_on"]).day for row in bought["schedule"]} == {
        bill_day + 9 if bill_day < 20 else bill_day - 19
    }
