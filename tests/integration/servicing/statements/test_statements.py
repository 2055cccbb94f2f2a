"""Statements through the sweep: one per cut with a true figure for everything, told once, read by its customer."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from functions.platform.bus.registry import projections_of
from functions.platform.bus.workers import load
from functions.platform.storage.action_index import hour_of
from functions.servicing import sweep
from tests.builders.bills import cut, cycle, reach
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)
MONTH = timedelta(days=31)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def statements(shop: Shop) -> list[dict[str, object]]:
    found: list[dict[str, object]] = shop.mine("statements")["data"]
    return found


def test_a_purchase_begins_a_cycle_and_the_cut_tells_every_figure(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    assert "statement.issued" in cut(shop)
    [made] = statements(shop)
    total, first = sum(row["total_minor"] for row in bought["schedule"]), bought["schedule"][0]
    assert (made["bill_minor"], made["paid_minor"]) == (total, 0)
    is_asked = first["due_on"] < str(made["next_cut_on"])
    assert made["due_minor"] == made["minimum_minor"] == (first["total_minor"] if is_asked else 0)
    assert (made["months_late"], made["apr_bps"]) == (0, bought["apr_bps"])
    assert made["limit_minor"] == shop.line()["limit_minor"]
    assert shop.mine(f"statements/{made['id']}").body == made


def test_the_event_carries_the_figures_and_no_plan(shop: Shop) -> None:
    shop.buy(120_000, term=6)
    item = cycle(shop)
    reach(shop, hour_of(str(item.hour)))
    sweep.do_page(sweep.page([(item.pk, item.sk)], shop.platform.clock.now()))
    [event] = [event for event in shop.platform.events() if event.type == "statement.issued"]
    [made] = statements(shop)
    assert event.customer_id == shop.customer_id
    assert event.merchant_id is None
    assert event.data["statement"] == {name: value for name, value in made.items() if name != "plans"}


def test_what_was_paid_between_two_cuts_stands_on_the_second(shop: Shop) -> None:
    bought = shop.buy(120_000, term=6)
    cut(shop)
    due_at = datetime.combine(datetime.fromisoformat(bought["schedule"][0]["due_on"]), time(12), UTC)
    reach(shop, max(due_at, shop.platform.clock.now()))
    due = shop.mine(f"plans/{bought['plan_id']}")["due_minor"]
    shop.repay(due)
    shop.settle()
    while cycle(shop).next_on <= due_at.date():
        cut(shop)
    cut(shop)
    latest = statements(shop)[0]
    assert sum(int(str(each["paid_minor"])) for each in statements(shop)) == due
    assert latest["bill_minor"] == sum(row["total_minor"] for row in bought["schedule"]) - due


def test_a_cut_done_twice_or_late_by_another_issues_nothing_more(shop: Shop) -> None:
    shop.buy(120_000, term=6)
    item = cycle(shop)
    cut(shop)
    page = sweep.page([(item.pk, item.sk)], shop.platform.clock.now())
    with shop.platform.metered() as meter:
        sweep.do_page(page)
    assert meter.requests == ["GetItem"]
    assert len(statements(shop)) == 1


def test_a_sweep_that_comes_months_late_tells_of_no_month_it_did_not_see(shop: Shop) -> None:
    shop.buy(120_000, term=6)
    item = cycle(shop)
    reach(shop, hour_of(str(item.hour)) + 3 * MONTH)
    sweep.do_page(sweep.page([(item.pk, item.sk)], shop.platform.clock.now()))
    shop.settle()
    [made] = statements(shop)
    today = shop.platform.clock.now().astimezone(ZoneInfo(item.zone)).date()
    assert str(made["cut_on"]) <= today.isoformat() < str(made["next_cut_on"])
    assert made["months_late"] == -(-int(str(made["days_past_due"])) // 30) > 0


def test_after_a_last_statement_nothing_is_billed_until_the_next_purchase(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    cut(shop)
    shop.repay(30_000, "payoff", plan_id=bought["plan_id"])
    shop.settle()
    cut(shop)
    last = statements(shop)[0]
    assert (last["bill_minor"], last["paid_minor"], last["plans"][0]["plan_id"]) == (0, 30_000, bought["plan_id"])
    assert "statement.issued" not in cut(shop)
    assert (cycle(shop).next_on, len(statements(shop))) == (None, 2)
    shop.platform.clock.advance_business(2 * MONTH)
    shop.buy(10_000, term=1)
    assert cycle(shop).next_on is not None
    cut(shop)
    assert statements(shop)[0]["bill_minor"] == 10_000


def test_a_purchase_told_while_its_cut_is_made_is_not_forgotten(shop: Shop) -> None:
    """The cut has read the list without it: it must look again, or a customer without debts would not be billed."""
    bought = shop.buy(30_000, term=1)
    cut(shop)
    before = cycle(shop).version
    reach(shop, hour_of(str(cycle(shop).hour)))
    [event] = [{"type": "plan.created", "object_id": bought["plan_id"]}]
    for path in projections_of(event["type"])[1:]:
        load(path)(event)
    assert cycle(shop).version == before + 1


def test_a_purchase_between_cuts_writes_nothing_of_the_cycle(shop: Shop) -> None:
    shop.buy(30_000, term=1)
    before = cycle(shop).version
    shop.buy(40_000, term=1)
    assert cycle(shop).version == before


def test_the_bill_day_is_the_customers_to_choose(shop: Shop) -> None:
    shop.buy(120_000, term=6)
    reply = shop.api.put("/v1/me/bill-day", {"bill_day": 17}, token=shop.customer)
    assert (reply.status, reply["bill_day"]) == (200, 17)
    assert reply["next_cut_on"].endswith("-17")
    cut(shop)
    assert str(statements(shop)[0]["cut_on"]) == reply["next_cut_on"]
    again = shop.api.put("/v1/me/bill-day", {"bill_day": 16}, token=shop.customer)
    first, following = (datetime.fromisoformat(str(each)) for each in (reply["next_cut_on"], again["next_cut_on"]))
    assert following - first >= 20 * DAY


@pytest.mark.parametrize("body", [{"bill_day": 29}, {"bill_day": 0}, {}, {"bill_day": 5, "currency": "XXX"}])
def test_a_bill_day_that_not_every_month_has_is_refused(shop: Shop, body: dict[str, object]) -> None:
    assert shop.api.put("/v1/me/bill-day", body, token=shop.customer).status == 422


def test_a_bill_day_without_a_line_in_the_currency_is_not_there(shop: Shop) -> None:
    body = {"bill_day": 5, "currency": "USD"}
    assert shop.api.put("/v1/me/bill-day", body, token=shop.customer).status == 404


def test_a_bill_day_chosen_before_any_purchase_counts_from_the_first(shop: Shop) -> None:
    assert shop.api.put("/v1/me/bill-day", {"bill_day": 3}, token=shop.customer)["next_cut_on"] is None
    shop.buy(30_000, term=1)
    assert cycle(shop).next_on.day == 3
