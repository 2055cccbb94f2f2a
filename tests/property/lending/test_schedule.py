"""Laws of schedules, over every kind of terms."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from functions.core.calendar import DAY_COUNTS, add_months, day_count_fraction
from functions.core.money import allocate, round_half_up
from functions.lending import schedule as schedule_module
from functions.lending.apr import effective_apr, irr_annual, reg_z_apr
from functions.lending.figures.due_dates import MIN_FIRST_PERIOD_DAYS
from functions.lending.figures.frame import frame_of
from functions.lending.schedule import PlanTerms, build_schedule, split_evenly
from functions.lending.terms import PERIODS_PER_YEAR, Due, Pricing
from tests.builders.effort import effort

QUICK = settings(max_examples=effort(40), deadline=None)
starts = st.dates(date(2023, 1, 1), date(2032, 12, 31))
amounts = st.integers(60, 3000) | st.integers(60, 10**9)
pricings = st.one_of(
    st.just(Pricing()),
    st.builds(Pricing, st.just("flat_monthly"), st.integers(0, 10) | st.integers(0, 300)),
    st.builds(
        Pricing,
        st.just("annual_rate"),
        st.integers(0, 150) | st.integers(0, 6000),
        st.sampled_from(list(DAY_COUNTS)),
    ),
)
bills = st.builds(Due, st.just("bill"), st.integers(1, 31), st.integers(1, 31))


@st.composite
def every_terms(draw, pricing=pricings):
    due = draw(st.just(Due()) | bills)
    return PlanTerms(
        draw(st.sampled_from(["CNY", "JPY", "KWD"])),
        draw(st.integers(1, 60)),
        "month" if due.kind == "bill" else draw(st.sampled_from(list(PERIODS_PER_YEAR))),
        draw(pricing),
        draw(st.sampled_from([0, 0, 3333, 5000, 10_000])),
        draw(st.sampled_from([0, 0, 0, 2000])),
        draw(st.sampled_from(["last", "first", "spread"])),
        due,
    )


def holds(terms: PlanTerms, amount: int, start: date) -> None:
    amount += amount * terms.down_payment_bps // 5000  # so that enough is financed
    schedule = build_schedule(terms, amount, start)
    rows = schedule.installments
    assert [row.number for row in rows] == list(range(1, terms.term_count + 1))
    assert sum(row.principal_minor for row in schedule.rows) == amount
    assert min(row.principal_minor for row in rows) >= 1
    assert min(min(row.fee_minor, row.subsidy_minor) for row in rows) >= 0
    assert all(row.total_minor == row.principal_minor + row.fee_minor for row in schedule.rows)
    assert sum(row.fee_minor for row in schedule.rows) == schedule.fee_minor
    assert sum(row.subsidy_minor for row in schedule.rows) == schedule.subsidy_minor
    assert sum(row.total_minor for row in schedule.rows) == schedule.total_cost_minor
    balances = [schedule.financed_minor, *[row.balance_minor for row in rows]]
    assert balances[-1] == 0
    assert all(
        before - after == row.principal_minor for (before, after), row in zip(pairwise(balances), rows, strict=True)
    )
    assert all(one.due_on < two.due_on for one, two in pairwise(rows))
    assert start < rows[0].due_on


@QUICK
@given(every_terms(), amounts, starts)
def test_sums_counts_signs_and_balances(terms, amount, start):
    holds(terms, amount, start)


@pytest.mark.slow
@settings(max_examples=effort(20_000), deadline=None)
@given(every_terms(), amounts, starts)
def test_sums_counts_signs_and_balances_many_times(terms, amount, start):
    holds(terms, amount, start)


@QUICK
@given(every_terms(), amounts, starts)
def test_the_rates_are_those_of_the_flows_the_customer_has(terms, amount, start):
    schedule = build_schedule(terms, amount + amount * terms.down_payment_bps // 5000, start)
    # a first due day cut short by February counts back from its own day here, from each later flow's day there
    assume(terms.due.due_day <= schedule.installments[0].due_on.day)
    if terms.period == "month":
        nominal = irr_annual(schedule.flows_on, "nominal_monthly")
    else:
        payments = [(row.total_minor, row.number, 0) for row in schedule.installments]
        nominal = reg_z_apr([(schedule.financed_minor, 0, 0)], payments, PERIODS_PER_YEAR[terms.period])
    years = [(-row.total_minor, Fraction((row.due_on - start).days, 365)) for row in schedule.installments]
    assert schedule.apr_bps == round_half_up(nominal * 100)
    assert schedule.effective_apr_bps == round_half_up(irr_annual(schedule.flows_on, "effective") * 100)
    assert schedule.effective_apr_bps == round_half_up(effective_apr([(schedule.financed_minor, 0), *years]) * 100)


@QUICK
@given(every_terms(), amounts, starts)
def test_a_subsidy_changes_who_pays_and_nothing_else(terms, amount, start):
    plain = PlanTerms(terms.currency, terms.term_count, terms.period, terms.pricing, 0, 0, terms.residual, terms.due)
    shared = PlanTerms(
        terms.currency, terms.term_count, terms.period, terms.pricing, terms.subsidy_bps, 0, terms.residual, terms.due
    )
    gross, net = build_schedule(plain, amount, start), build_schedule(shared, amount, start)
    assert net.fee_minor + net.subsidy_minor == gross.fee_minor
    assert net.subsidy_minor == round_half_up(Fraction(gross.fee_minor * terms.subsidy_bps, 10_000))
    assert [row.principal_minor for row in net.rows] == [row.principal_minor for row in gross.rows]
    assert net.apr_bps <= gross.apr_bps or terms.residual != "last" or gross.fee_minor < 2 * terms.term_count


@QUICK
@given(st.integers(1, 10**9), st.integers(1, 60))
def test_an_even_split_is_exact_and_spread_is_the_largest_remainder(total, count):
    for residual in ("last", "first", "spread"):
        assert sum(split_evenly(total, count, residual)) == total
    assert tuple(split_evenly(total, count, "spread")) == allocate(total, [1] * count)
    last, first = split_evenly(total, count, "last"), split_evenly(total, count, "first")
    assert last == first[::-1]
    assert set(last[:-1]) <= {total // count}


@QUICK
@given(
    st.integers(1, 60),
    st.integers(0, 6000),
    st.sampled_from(list(DAY_COUNTS)),
    st.integers(10**5, 10**9),
    starts,
)
def test_interest_is_on_the_balance_and_the_payment_is_the_exact_one_rounded_once(count, bps, day_count, amount, start):
    terms = PlanTerms("CNY", count, pricing=Pricing("annual_rate", bps, day_count))
    rows = build_schedule(terms, amount, start).rows
    days = [start, *[row.due_on for row in rows]]
    rates = [Fraction(bps, 10_000) * day_count_fraction(*period, day_count) for period in pairwise(days)]
    worth, annuity = Fraction(1), Fraction(0)
    for rate in rates:
        worth /= 1 + rate
        annuity += worth
    level = round_half_up(amount / annuity)
    balance = amount
    for row, rate in zip(rows, rates, strict=True):
        assert row.fee_minor == round_half_up(balance * rate)
        assert row.number == count or row.total_minor == level
        balance = row.balance_minor


@QUICK
@given(st.integers(2, 60), st.integers(0, 6000), st.integers(10**5, 10**9), starts)
def test_the_three_residuals_of_a_level_payment_differ_only_by_rounding(count, bps, amount, start):
    fees = []
    for residual in ("last", "first", "spread"):
        terms = PlanTerms("CNY", count, pricing=Pricing("annual_rate", bps), residual=residual)
        schedule = build_schedule(terms, amount, start)
        fees.append(schedule.fee_minor)
        if residual == "first":
            assert len({row.total_minor for row in schedule.rows[1:-1]}) <= 1
    assert max(fees) - min(fees) <= 2 * count


@QUICK
@given(st.integers(1, 60), pricings, st.integers(60, 3000) | st.integers(60, 10**7), starts, st.just(Due()) | bills)
def test_the_quick_way_and_the_general_way_are_one(count, pricing, amount, start, due):
    terms = PlanTerms("CNY", count, pricing=pricing, due=due)
    quick = build_schedule(terms, amount, start)
    rows = schedule_module._rows(terms, amount, frame_of(terms, start))
    assert list(quick.rows) == rows
    assert quick.apr_bps == schedule_module._apr_bps(terms, amount, rows, start)


@QUICK
@given(starts, st.integers(1, 60))
def test_months_count_from_the_anchor(start, count):
    rows = build_schedule(PlanTerms("CNY", count), 10**6, start).rows
    assert [row.due_on for row in rows] == [add_months(start, k) for k in range(1, count + 1)]


@QUICK
@given(starts, bills, st.integers(1, 24))
def test_the_first_bill_is_the_earliest_that_is_late_enough(start, due, count):
    """Against a search through all bills from the day before the purchase on."""
    rows = build_schedule(PlanTerms("CNY", count, due=due), 10**6, start).rows
    month = date(start.year, start.month, 1)
    while True:
        billed = min(add_months(month, 1) - timedelta(days=1), month + timedelta(days=due.bill_day - 1))
        due_month = month if due.due_day > due.bill_day else add_months(month, 1)
        owed = min(add_months(due_month, 1) - timedelta(days=1), due_month + timedelta(days=due.due_day - 1))
        if billed > start and (owed - start).days >= MIN_FIRST_PERIOD_DAYS:
            break
        month = add_months(month, 1)
    assert rows[0].due_on == owed
    assert [row.due_on for row in rows] == [
        min(
            add_months(due_month, k + 1) - timedelta(days=1),
            add_months(due_month, k) + timedelta(days=due.due_day - 1),
        )
        for k in range(count)
    ]


@QUICK
@given(every_terms(), st.data(), starts)
def test_less_than_a_unit_a_row_is_always_refused(terms, data, start):
    amount = data.draw(st.integers(1, max(1, terms.term_count - 1)))
    assume(amount < terms.term_count)
    with pytest.raises(schedule_module.PrincipalTooSmallError):
        build_schedule(terms, amount, start)
