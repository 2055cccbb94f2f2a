"""Statements and billing cycles as pure rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.ids import derived_id
from functions.lending import life
from functions.lending.plan import Plan, PlanState, open_plan
from functions.lending.rules import PlanRules
from functions.lending.schedule import build_schedule
from functions.lending.terms import PlanTerms
from functions.servicing.statements.cycle import (
    BILL_DAYS,
    SHORTEST_CYCLE,
    cut_at,
    default_bill_day,
    first_cut_on,
    last_cut_on,
    next_cut_on,
)
from functions.servicing.statements.statement import Standing, Statement, collected_minor, compose

START = date(2026, 1, 10)
CUT, NEXT = date(2026, 2, 15), date(2026, 3, 15)


def a_plan(amount: int = 120_000, count: int = 12, bps: int = 50, start_on: date = START, **rules: int) -> Plan:
    pricing = {"kind": "flat_monthly", "bps": bps} if bps else {"kind": "none"}
    terms = PlanTerms.from_dict({"currency": "CNY", "term_count": count, "pricing": pricing})
    return open_plan(
        build_schedule(terms, amount, start_on),
        PlanRules(**rules),
        plan_id=derived_id("plan", b"", amount, count, start_on.isoformat()),
        customer_id=derived_id("cus", b"", 1),
        merchant_id=derived_id("mer", b"", 1),
        opened_at=datetime(start_on.year, start_on.month, start_on.day, tzinfo=UTC),
    )


def cut(*plans: Plan, before: int = 0, minimum_bps: int = 0, cut_on: date = CUT, next_on: date = NEXT) -> Statement:
    standings = [Standing(plan, "p", minimum_bps, "nominal_monthly", before) for plan in plans]
    return compose(standings, cut_on=cut_on, previous_on=START, next_on=next_on)


def test_the_bill_is_all_principal_and_fee_and_the_due_is_what_falls_due_before_the_next_cut():
    made = cut(a_plan(start_on=date(2026, 2, 1)))
    assert (made.bill_minor, made.due_minor, made.past_due_minor) == (120_000 + 7_200, 10_600, 0)
    [line] = made.lines
    assert [(due.number, due.due_on) for due in line.dues] == [(1, date(2026, 3, 1))]
    assert (made.due_on, made.months_late) == (date(2026, 3, 1), 0)


def test_what_falls_due_on_the_day_of_the_next_cut_stands_on_the_next_statement():
    assert cut(a_plan(start_on=date(2026, 2, 15))).due_minor == 0
    assert cut(a_plan(start_on=date(2026, 2, 14))).due_minor == 10_600


def test_an_unpaid_installment_is_past_due_with_its_late_charge_and_still_part_of_the_due():
    made = cut(a_plan(grace_days=0))  # due on 10 February, five days before the cut
    late = 27  # 26.5, a half up
    assert (made.past_due_minor, made.late_minor) == (10_600 + late, late)
    assert made.due_minor == 10_600 + late + 10_600
    assert (made.days_past_due, made.months_late, made.due_on) == (5, 1, CUT)


@pytest.mark.parametrize(("days", "months"), [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (91, 4)])
def test_months_late_follow_the_days(days: int, months: int):
    on = date(2026, 2, 10) + timedelta(days=days)
    assert cut(a_plan(), cut_on=on, next_on=next_cut_on(28, on)).months_late == months


def test_paid_is_what_was_collected_since_the_last_cut_and_a_reversal_takes_it_away():
    plan, _ = life.repay(a_plan(), 10_600, on=date(2026, 2, 9), reference="a")
    plan, _ = life.repay(plan, 10_600, on=date(2026, 2, 10), reference="b")
    assert cut(plan).paid_minor == collected_minor(plan) == 10_600
    assert cut(plan, before=10_600).paid_minor == 0
    undone, _ = life.reverse_repayment(plan, "b", 10_600, on=date(2026, 2, 12), credit_available_minor=10_600)
    assert cut(undone).paid_minor == collected_minor(undone)


def test_a_closed_plan_stands_once_more_with_what_closed_it_and_then_no_more():
    plan, _ = life.prepay(a_plan(bps=0), 120_000, "keep_term", on=date(2026, 2, 1), reference="all")
    assert plan.state is PlanState.PAID_OFF
    made = cut(plan)
    assert (made.bill_minor, made.paid_minor, made.due_minor, made.is_empty) == (0, 120_000, 0, False)
    assert cut(plan, before=120_000).is_empty


def test_a_charged_off_debt_is_billed_whole_and_counts_its_days_on():
    plan, _ = life.charge_off(a_plan(), on=date(2026, 8, 9))
    made = cut(plan, cut_on=date(2026, 8, 15), next_on=date(2026, 9, 15))
    assert made.bill_minor == plan.principal_unpaid_minor + plan.fee_unpaid_minor
    assert made.due_minor == made.bill_minor + made.late_minor
    assert (made.days_past_due, made.months_late) == (186, 7)


def test_the_minimum_asks_for_all_that_is_past_due_and_a_part_of_the_rest():
    whole, tenth = cut(a_plan(grace_days=0)), cut(a_plan(grace_days=0), minimum_bps=1000)
    assert whole.minimum_minor == whole.due_minor
    assert tenth.minimum_minor == tenth.past_due_minor + 1_060


def test_the_all_in_rate_is_the_plans_own_until_it_is_late():
    plan = a_plan(start_on=date(2026, 2, 1))
    assert cut(plan).apr_bps == plan.apr_bps == 1090
    assert (cut(a_plan(grace_days=0)).apr_bps or 0) > plan.apr_bps
    assert cut(a_plan(bps=0, start_on=date(2026, 2, 1))).apr_bps == 0
    both = cut(plan, a_plan(amount=360_000, bps=0, start_on=date(2026, 2, 1))).apr_bps
    assert both is not None
    assert 0 < both < plan.apr_bps


@pytest.mark.parametrize("days", [4, 30, 90, 179])
def test_the_all_in_rate_of_a_late_plan_stays_under_the_cap_however_long_it_is_late(days: int):
    """0.05 % a day is 18.25 % a year on what is late: the time it is late for counts, not the charge alone."""
    on = date(2026, 2, 10) + timedelta(days=days)
    rate = cut(a_plan(amount=30_000, count=3), cut_on=on, next_on=next_cut_on(28, on)).apr_bps
    assert rate is not None
    assert 800 < rate <= 1825


def test_lines_sum_to_the_statement():
    made = cut(a_plan(), a_plan(amount=50_000, count=3), a_plan(amount=9_999, count=1, bps=0))
    assert made.bill_minor == sum(line.outstanding_minor for line in made.lines)
    assert made.due_minor == sum(line.due_minor for line in made.lines)
    assert made.minimum_minor == sum(line.minimum_minor for line in made.lines)


bill_days = st.integers(1, 28)
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


@given(bill_days, days)
def test_cuts_follow_each_other_a_month_apart_on_the_bill_day(bill_day: int, on: date):
    last, following = last_cut_on(bill_day, on), next_cut_on(bill_day, on)
    assert last <= on < following
    assert last.day == following.day == bill_day
    assert next_cut_on(bill_day, last) == following
    assert 28 <= (following - last).days <= 31


@given(bill_days, days, st.integers(0, 31))
def test_a_new_bill_day_makes_no_short_cycle(bill_day: int, on: date, ago: int):
    previous = on - timedelta(days=ago)
    first = first_cut_on(bill_day, on, previous)
    assert first > on
    assert SHORTEST_CYCLE <= first - previous <= SHORTEST_CYCLE + timedelta(days=62)


def test_who_chose_no_day_has_one_of_six_and_keeps_it():
    found = {default_bill_day(derived_id("cus", b"", n)) for n in range(200)}
    assert found == set(BILL_DAYS)
    assert default_bill_day("cus_00000000000000000000000000") == 1


def test_a_statement_is_cut_when_the_day_has_begun_where_the_customer_is():
    assert cut_at(CUT, "Asia/Shanghai") == datetime(2026, 2, 14, 17, tzinfo=UTC)
    assert cut_at(CUT, "America/New_York") == datetime(2026, 2, 15, 6, tzinfo=UTC)
