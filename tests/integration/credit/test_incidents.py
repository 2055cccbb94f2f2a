"""What does not wait for the statement: a missed day cuts, a missed month freezes, paying lifts, an alert freezes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.core.clock import isoformat
from functions.credit.models.events import ON_EVENT, weigh
from functions.credit.upkeep.store import load_file
from functions.servicing.events import on_message
from tests.builders.autopay import sweep_until
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.integration.payments.test_disputes import contest
from tests.integration.payments.test_disputes import decide as decide_dispute
from tests.integration.risk.test_casework import decide, suspect, the_case
from tests.integration.servicing.test_replans import accept, quote


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None, 480_000)


def live_to(shop: Shop, bought: dict[str, Any], days_past_due: int) -> None:
    """The night of a day after the due day, with all that the assessor gets on the way."""
    on = date.fromisoformat(bought["schedule"][0]["due_on"]) + timedelta(days=days_past_due)
    sweep_until(shop, datetime.combine(on, time(1), ZoneInfo("Asia/Shanghai")))


def test_the_first_day_past_due_cuts_and_paying_up_is_remembered_as_late(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    before = shop.line()["limit_minor"]
    live_to(shop, bought, 0)
    assert shop.line()["limit_minor"] == before
    live_to(shop, bought, 1)
    line = shop.line()
    assert (line["limit_minor"], line["changes"][0]["code"], line["status"]) == (before * 8 // 10, "M1", "active")
    shop.repay(40_000)
    shop.settle()
    file = load_file(shop.customer_id, "CNY")
    assert (file.late, file.late_since, file.review["cause"]) == ({}, 1, "installment.paid")


def test_a_month_past_due_freezes_with_what_is_free_and_paying_up_lifts_on_the_day(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    for day in (0, 1, 31):
        live_to(shop, bought, day)
    line = shop.line()
    assert (line["status"], line["frozen_reason"], line["limit_minor"]) == ("frozen", "delinquency_frozen", 30_000)
    shop.repay(40_000)
    events = [each.to_dict() for each in shop.platform.events()]
    for event in events:
        if event["type"] in ON_EVENT:
            weigh(event)
    line = shop.line()
    assert (line["status"], line["changes"][0]["code"]) == ("active", "paid_up")
    shop.platform.clock.advance_business(timedelta(hours=10))  # letters wait for the day
    for event in [*events, *(each.to_dict() for each in shop.platform.events())]:
        if event["type"].startswith("credit_line.") and event["type"] != "credit_line.opened":
            on_message({"source": "whitenote", "detail-type": event["type"], "detail": event})
    letters = [repr(item) for item in shop.platform.items() if item["pk"]["S"].startswith("sent#")]
    assert any("逾期款项已结清" in letter for letter in letters)


def test_one_of_two_late_plans_paid_lifts_nothing(shop: Shop) -> None:
    bought = [shop.buy(30_000, term=1), shop.buy(20_000, term=1)]
    live_to(shop, bought[0], 31)
    shop.repay(31_000)
    shop.settle()
    assert (shop.line()["status"], len(load_file(shop.customer_id, "CNY").late)) == ("frozen", 1)


def test_a_payment_in_time_changes_nothing_and_writes_nothing(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    live_to(shop, bought, 0)
    before = load_file(shop.customer_id, "CNY").version
    shop.repay(30_000)
    assert set(shop.settle()) & ON_EVENT.keys()
    assert load_file(shop.customer_id, "CNY").version == before


def test_what_is_disputed_is_not_late_until_the_merchant_wins(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    live_to(shop, bought, 31)
    assert shop.line()["status"] == "frozen"
    dispute = contest(shop, bought)
    shop.settle()
    line, file = shop.line(), load_file(shop.customer_id, "CNY")
    assert (line["status"], file.late, file.review["cause"]) == ("active", {}, "dispute.opened")
    assert decide_dispute(shop, dispute["id"], "won").status == 200
    shop.settle()
    line, file = shop.line(), load_file(shop.customer_id, "CNY")
    assert (line["status"], line["frozen_reason"]) == ("frozen", "delinquency_frozen")
    assert (list(file.late), file.review["cause"]) == ([bought["plan_id"]], "dispute.closed")


def test_a_new_term_ends_lateness_and_lifts_on_the_day(shop: Shop) -> None:
    bought = shop.buy(60_000, term=3)
    live_to(shop, bought, 31)
    assert shop.line()["status"] == "frozen"
    assert accept(shop, bought["plan_id"], quote(shop, bought["plan_id"], 6)).status == 200
    shop.settle()
    file = load_file(shop.customer_id, "CNY")
    assert (shop.line()["status"], file.late, file.review["cause"]) == ("active", {}, "plan.replanned")


def test_a_dispute_on_a_plan_that_is_not_late_looks_at_nothing(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    before = load_file(shop.customer_id, "CNY").version
    contest(shop, bought)
    assert "dispute.opened" in shop.settle()
    assert load_file(shop.customer_id, "CNY").version == before


def test_a_debt_written_off_closes_its_line_and_freezes_the_customers_others(shop: Shop) -> None:
    """The builder's customer has one line: the same event, as if of a debt in another currency, finds it open."""
    shop.buy(30_000, term=1)
    elsewhere = {
        "id": "evt_elsewhere",
        "type": "plan.charged_off",
        "customer_id": shop.customer_id,
        "occurred_at": isoformat(shop.platform.clock.now()),
    }
    weigh(elsewhere)
    weigh(elsewhere)
    line = shop.line()
    assert (line["status"], line["frozen_reason"], len(line["changes"])) == ("frozen", "charged_off", 1)
    assert line["limit_minor"] == 30_000
    shop.repay(40_000)
    shop.settle()
    assert shop.line()["status"] == "frozen"
    assert load_file(shop.customer_id, "CNY").written_off == 1


def test_the_line_of_a_debt_written_off_stays_closed(shop: Shop) -> None:
    live_to(shop, shop.buy(30_000, term=1), 180)
    assert shop.line()["status"] == "closed"
    assert load_file(shop.customer_id, "CNY").review["cause"] == "plan.charged_off"


def alerts(shop: Shop) -> list[dict[str, Any]]:
    return [event.to_dict() for event in shop.platform.events() if event.type == "fraud.alert"]


def test_a_grave_alert_freezes_the_line_once_and_its_case_lifts_it(shop: Shop) -> None:
    suspect(shop, "velocity", "line", "alert", "open_case")
    [alert] = alerts(shop)
    weigh(alert)
    weigh(alert)
    line = shop.line()
    assert (line["status"], line["frozen_reason"], len(line["changes"])) == ("frozen", "alert", 1)
    assert line["changes"][0]["by"] == "risk_check" and line["frozen_until"]
    review = load_file(shop.customer_id, "CNY").review
    assert (review["cause"], review["change"]) == ("fraud.alert", "alert")
    assert decide(shop, the_case(shop), "approve", outcome="cleared").status == 200
    assert shop.line()["status"] == "active"
    weigh(alert)
    assert shop.line()["status"] == "active"
    [decided] = [event.to_dict() for event in shop.platform.events() if event.type == "review.decided"]
    weigh(decided)
    assert load_file(shop.customer_id, "CNY").alert is None


def test_an_alert_about_a_merchant_touches_no_line(shop: Shop) -> None:
    suspect(shop, "velocity", "line", "alert", "open_case")
    [alert] = alerts(shop)
    weigh(alert | {"customer_id": None})
    assert (shop.line()["status"], load_file(shop.customer_id, "CNY").alert) == ("active", None)
