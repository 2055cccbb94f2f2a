"""Late charge as a function of dates."""

from datetime import date, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.late import late_cap_minor, late_due_minor, plan_late_due_minor, settle
from functions.lending.rules import PlanRules
from tests.builders.plans import FREE, Trial, a_plan

DUE = date(2026, 2, 10)


def late_on(plan, day):
    return late_due_minor(plan, plan.rows[0], date(2026, 2, day))


@pytest.mark.pain(12)
def test_grace_is_free_and_the_first_charged_day_is_the_day_after_it():
    plan = a_plan(1_200_000, 12, FREE)  # 100,000 due on the 10th: 50 a day
    assert [late_on(plan, day) for day in (10, 11, 13, 14, 15)] == [0, 0, 0, 50, 100]


def test_paid_within_grace_costs_nothing_and_is_never_dated_back():
    plan = a_plan(1_200_000, 12, FREE)
    paid, _ = life.repay(plan, 40_000, on=date(2026, 2, 13))
    assert late_on(paid, 13) == 0
    assert late_on(paid, 14) == 30  # only what was unpaid at the start of the 14th


def test_the_base_is_unpaid_principal_and_fee_at_the_start_of_the_day():
    plan = a_plan(1_200_000, 12)  # 100,000 + 6,000 fee
    assert late_on(plan, 14) == 53
    paid, effect = life.repay(plan, 50_000, on=date(2026, 2, 14))
    assert effect.late_minor == 53  # the 14th is charged on what was unpaid before the payment
    assert late_on(paid, 14) == 0
    assert late_on(paid, 24) == round((106_000 - 50_000 + 53) * 0.0005 * 10)


def test_late_charge_is_never_taken_on_late_charge():
    plan = a_plan(1_200_000, 12, FREE)
    settled = settle(settle(plan, date(2026, 3, 1)), date(2026, 3, 31))
    assert late_due_minor(settled, settled.rows[0], date(2026, 3, 31)) == 50 * 46


def test_the_sum_is_exact_and_rounded_once_for_the_row():
    plan = a_plan(1_200, 12, FREE)  # 100 due: 0.05 a day
    days = [late_due_minor(plan, plan.rows[0], date(2026, 2, 13) + timedelta(days=n)) for n in (1, 9, 10, 29, 30)]
    assert days == [0, 0, 1, 1, 2]
    # Settling every day, as many small operations would, changes nothing.
    daily = plan
    for n in range(1, 31):
        daily = settle(daily, date(2026, 2, 13) + timedelta(days=n))
    assert late_due_minor(daily, daily.rows[0], daily.settled_on) == 2


def test_a_row_never_costs_more_late_charge_than_its_lifetime_cap():
    plan = a_plan(1_200_000, 12, rules=PlanRules(late_daily_bps=60, charge_off_days=3000, annual_cap_bps=100_000))
    row = plan.rows[0]
    assert late_cap_minor(plan, row) == 31_800
    assert late_due_minor(plan, row, date(2028, 1, 1)) == 31_800
    paid, effect = life.repay(plan, 31_800, on=date(2026, 12, 1))
    assert effect.late_minor == 31_800
    assert late_due_minor(paid, paid.rows[0], date(2028, 1, 1)) == 0


def test_the_cap_is_of_what_the_installment_was_at_birth():
    plan = a_plan(1_200_000, 12, rules=PlanRules(late_daily_bps=60, charge_off_days=3000, annual_cap_bps=100_000))
    plan, _ = life.refund(plan, 600_000, on=date(2026, 2, 1))
    assert late_due_minor(plan, plan.rows[0], date(2028, 1, 1)) == 31_800


def test_a_day_costs_at_most_the_annual_cap():
    plan = a_plan(36_500_000, 1, FREE, rules=PlanRules(late_daily_bps=30, annual_cap_bps=2400))
    first, second = (late_due_minor(plan, plan.rows[0], DUE + timedelta(days=3 + n)) for n in (1, 2))
    assert second - first == 24_000  # 24 % / 365 of 365,000.00, where 0.30 % would be 109,500


def test_ordinary_interest_does_not_run_on_overdue_principal():
    plan = a_plan(1_200_000, 12, {"kind": "annual_rate", "bps": 1200})
    before = [row.fee_minor for row in plan.rows]
    later, _ = life.repay(plan, 1, on=date(2026, 6, 1))
    assert [row.fee_minor for row in later.rows] == before


def test_paid_late_charge_is_income_only_then():
    plan = a_plan(1_200_000, 12, FREE)
    assert plan_late_due_minor(plan, date(2026, 2, 20)) == 350
    _, effect = life.repay(plan, 100_350, on=date(2026, 2, 20))
    assert Trial(effect).of(Account.LATE_INCOME) == 350
    assert effect.principal_minor == 100_000


def test_the_value_date_decides_not_the_day_of_confirmation():
    plan = a_plan(1_200_000, 12, FREE)
    # Started on the 13th, confirmed days later: as if paid on the 13th.
    paid, effect = life.repay(plan, 100_000, on=date(2026, 2, 13))
    assert effect.late_minor == 0
    assert plan_late_due_minor(paid, date(2026, 2, 28)) == 0
