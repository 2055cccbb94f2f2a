"""What an unpaid installment brings, day by day: told once, the line frozen, the debt charged off."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from functions.servicing.sweep import do_page, page
from tests.builders.autopay import sweep_until
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def day(shop: Shop, bought: object, days_past_due: int) -> datetime:
    on = date.fromisoformat(bought["schedule"][0]["due_on"]) + timedelta(days=days_past_due)  # type: ignore[index]
    return datetime.combine(on, time(1), ZoneInfo("Asia/Shanghai"))


def test_due_overdue_and_buckets_are_told_once_each(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    told = sweep_until(shop, day(shop, bought, 100))
    counts = {kind: told.count(kind) for kind in ("installment.due", "installment.overdue", "plan.delinquent")}
    assert counts == {"installment.due": 1, "installment.overdue": 1, "plan.delinquent": 4}
    plan = page([(bought["plan_id"], "-")], shop.platform.clock.now())
    do_page(plan)
    assert shop.settle() == []


def test_a_paid_installment_is_never_overdue(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    sweep_until(shop, day(shop, bought, 0))
    shop.repay(30_000)
    told = sweep_until(shop, day(shop, bought, 40))
    assert {"installment.overdue", "plan.delinquent", "credit_line.frozen"} & set(told) == set()


def test_a_month_past_due_freezes_the_line_and_no_purchase_is_approved(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    told = sweep_until(shop, day(shop, bought, 30))
    assert "credit_line.frozen" not in told
    told = sweep_until(shop, day(shop, bought, 31))
    assert told.count("credit_line.frozen") == 1
    assert (shop.line()["status"], shop.line()["frozen_reason"]) == ("frozen", "delinquency_frozen")
    assert shop.offers(10_000) == []


def test_at_180_days_the_debt_is_charged_off_the_line_closed_and_later_money_a_recovery(shop: Shop) -> None:
    bought = shop.buy(30_000, term=1)
    before = shop.line()["limit_minor"]
    told = sweep_until(shop, day(shop, bought, 180))
    assert told.count("plan.charged_off") == 1
    line = shop.line()
    assert (line["status"], line["limit_minor"], line["outstanding_minor"]) == ("closed", before - 30_000, 0)
    paid = shop.repay(10_000)
    assert (paid["status"], paid["allocations"][0]["amount_minor"]) == ("received", 10_000)
    entries = shop.api.get("/v1/ledger/trial-balance", token=shop.platform.staff_token("finance"))
    assert entries.status == 200
