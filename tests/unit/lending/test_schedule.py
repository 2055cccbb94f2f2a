"""Schedules: the rules one by one, in figures."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from functions.core.calendar import InvalidDateError
from functions.core.money import round_half_up
from functions.lending.apr import irr_annual
from functions.lending.schedule import InvalidPrincipalError, PlanTerms, PrincipalTooSmallError, build_schedule

VECTORS = json.loads((Path(__file__).parents[2] / "property" / "vectors" / "spreadsheet.json").read_text())
START = date(2026, 1, 15)


def schedule_of(amount=1_000_000, start=START, **terms):
    return build_schedule(PlanTerms.from_dict({"currency": "CNY", "term_count": 12, **terms}), amount, start)


def column(schedule, name):
    return [getattr(row, name) for row in schedule.rows]


def annual(bps, day_count="30/360"):
    return {"kind": "annual_rate", "bps": bps, "day_count": day_count}


@pytest.mark.pain(1)
@pytest.mark.parametrize(("currency", "amount"), [("JPY", 130), ("CNY", 13_000), ("CNY", 130)])
def test_rounding_never_makes_a_row_more_or_less(currency, amount):
    schedule = schedule_of(amount, currency=currency, pricing=annual(2000))
    assert column(schedule, "number") == list(range(1, 13))
    assert sum(column(schedule, "principal_minor")) == amount
    assert min(column(schedule, "principal_minor")) >= 1


@pytest.mark.pain(2)
def test_a_level_payment_is_rounded_to_the_minor_unit_and_no_further():
    # 36 payments of 3,226.719…: the payment keeps its cents; the last row alone takes what they leave.
    schedule = schedule_of(10_000_000, term_count=36, pricing=annual(1000))
    totals = column(schedule, "total_minor")
    assert set(totals[:-1]) == {322_672}
    assert totals[-1] == 322_664
    assert sum(totals) == 10_000_000 + schedule.fee_minor


@pytest.mark.pain(2)
@pytest.mark.parametrize(
    ("residual", "principal"),
    [("last", [333, 333, 334]), ("first", [334, 333, 333]), ("spread", [334, 333, 333])],
)
def test_the_residual_goes_where_the_terms_say(residual, principal):
    assert column(schedule_of(1000, term_count=3, residual=residual), "principal_minor") == principal


def test_a_spread_residual_is_one_unit_each_from_the_first():
    assert column(schedule_of(1003, term_count=5, residual="spread"), "principal_minor") == [201, 201, 201, 200, 200]


def test_a_level_payment_puts_its_residual_where_the_terms_say():
    last, first, spread = (
        column(schedule_of(1_000_000, pricing=annual(1000), residual=residual), "total_minor")
        for residual in ("last", "first", "spread")
    )
    assert len(set(last[:-1])) == len(set(first[1:-1])) == 1
    assert last[0] == first[1]
    assert abs(first[-1] - first[1]) <= abs(last[-1] - last[0])
    assert max(spread[:-1]) - min(spread[:-1]) <= 1


@pytest.mark.pain(3)
@pytest.mark.parametrize(
    ("start", "days"),
    [
        (date(2026, 1, 31), [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]),
        (date(2024, 1, 31), [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)]),
        (date(2026, 11, 30), [date(2026, 12, 30), date(2027, 1, 30), date(2027, 2, 28), date(2027, 3, 30)]),
        (date(2026, 9, 15), [date(2026, 10, 15), date(2026, 11, 15), date(2026, 12, 15), date(2027, 1, 15)]),
    ],
)
def test_month_ends_count_from_the_anchor(start, days):
    assert column(schedule_of(start=start, term_count=4), "due_on") == days


def test_holidays_do_not_move_due_days():
    assert schedule_of(start=date(2026, 9, 1), term_count=1).rows[0].due_on == date(2026, 10, 1)


@pytest.mark.pain(4)
def test_interest_counts_the_leap_day():
    leap = schedule_of(100_000_000, start=date(2023, 12, 15), term_count=3, pricing=annual(1200, "actual/365"))
    plain = schedule_of(100_000_000, start=date(2022, 12, 15), term_count=3, pricing=annual(1200, "actual/365"))
    balance = leap.rows[1].balance_minor
    assert leap.rows[2].fee_minor == round(Fraction(balance * 1200 * 29, 10_000 * 365))
    assert plain.rows[2].fee_minor == round(Fraction(plain.rows[1].balance_minor * 1200 * 28, 10_000 * 365))


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("14d", [date(2026, 1, 29), date(2026, 2, 12), date(2026, 2, 26)]),
        ("30d", [date(2026, 2, 14), date(2026, 3, 16), date(2026, 4, 15)]),
    ],
)
def test_periods_of_days_count_days(period, days):
    assert column(schedule_of(term_count=3, period=period), "due_on") == days


@pytest.mark.parametrize(
    ("start", "bill", "first"),
    [
        (date(2026, 1, 15), (20, 29), date(2026, 2, 28)),  # 14 days would be too short; 29 Feb 2026 is the 28th
        (date(2026, 3, 5), (20, 29), date(2026, 3, 29)),  # before the bill day: this cycle
        (date(2026, 3, 20), (20, 29), date(2026, 4, 29)),  # on the bill day: the next
        (date(2026, 3, 21), (20, 29), date(2026, 4, 29)),
        (date(2026, 3, 19), (20, 29), date(2026, 4, 29)),  # 10 days: one cycle on
        (date(2026, 3, 10), (25, 4), date(2026, 4, 4)),  # due day not after bill day: next month
        (date(2026, 3, 25), (25, 4), date(2026, 5, 4)),
        (date(2026, 3, 16), (25, 4), date(2026, 5, 4)),  # 19 days
        (date(2026, 3, 15), (25, 4), date(2026, 4, 4)),  # 20 days
        (date(2026, 3, 10), (10, 10), date(2026, 5, 10)),  # equal days: next month
        (date(2026, 12, 31), (31, 9), date(2027, 2, 9)),
        (date(2026, 2, 27), (31, 9), date(2026, 4, 9)),  # a bill on 28 Feb, due 9 Mar, 10 days: one on
        (date(2026, 2, 28), (31, 9), date(2026, 4, 9)),  # on the bill day of a short month
    ],
)
def test_the_first_bill_is_the_right_cycle(start, bill, first):
    due = {"kind": "bill", "bill_day": bill[0], "due_day": bill[1]}
    schedule = schedule_of(start=start, term_count=3, due=due)
    assert schedule.rows[0].due_on == first
    assert [row.due_on.day for row in schedule.rows[1:]] == [
        min(bill[1], 28 if row.due_on.month == 2 else 30 if row.due_on.month in (4, 6, 9, 11) else 31)
        for row in schedule.rows[1:]
    ]


def test_a_flat_fee_is_a_part_of_the_principal_for_each_month():
    schedule = schedule_of(1_000_000, pricing={"kind": "flat_monthly", "bps": 50})
    assert schedule.fee_minor == 60_000
    assert set(column(schedule, "fee_minor")) == {5_000}
    assert (schedule.total_cost_minor, schedule.apr_bps) == (1_060_000, 1090)


def test_a_flat_fee_over_periods_of_days_is_for_the_months_they_are():
    fortnights = schedule_of(1_000_000, term_count=26, period="14d", pricing={"kind": "flat_monthly", "bps": 50})
    assert fortnights.fee_minor == 60_000  # 26 fortnights are a year, as 12 months are
    thirty_days = schedule_of(1_000_000, term_count=3, period="30d", pricing={"kind": "flat_monthly", "bps": 50})
    assert thirty_days.fee_minor == round(Fraction(1_000_000 * 50 * 12 * 90, 10_000 * 365))


def test_a_subsidy_moves_fee_from_customer_to_merchant():
    gross = schedule_of(1_000_000, pricing={"kind": "flat_monthly", "bps": 65})
    half = schedule_of(1_000_000, pricing={"kind": "flat_monthly", "bps": 65}, subsidy_bps=5000)
    free = schedule_of(1_000_000, pricing={"kind": "flat_monthly", "bps": 65}, subsidy_bps=10_000)
    assert half.fee_minor + half.subsidy_minor == gross.fee_minor == free.subsidy_minor
    assert (free.fee_minor, free.apr_bps, free.effective_apr_bps) == (0, 0, 0)
    assert half.apr_bps < gross.apr_bps


def test_a_down_payment_is_row_0_without_fee_outside_the_credit():
    schedule = schedule_of(1_000_000, down_payment_bps=2500, pricing={"kind": "flat_monthly", "bps": 50})
    financed = schedule_of(750_000, pricing={"kind": "flat_monthly", "bps": 50})
    first = schedule.rows[0]
    assert (first.number, first.due_on, first.principal_minor, first.fee_minor) == (0, START, 250_000, 0)
    assert (first.total_minor, first.balance_minor) == (250_000, 750_000)
    assert schedule.rows[1:] == financed.rows
    assert (schedule.fee_minor, schedule.apr_bps) == (financed.fee_minor, financed.apr_bps)
    assert (schedule.total_cost_minor, schedule.down_payment_minor) == (1_045_000, 250_000)


def test_pay_later_is_one_payment_after_thirty_days_without_fee():
    schedule = schedule_of(12_345, term_count=1, period="30d")
    assert schedule.rows == (schedule.rows[0],)
    assert schedule.rows[0] == (1, date(2026, 2, 14), 12_345, 0, 0, 12_345, 0)
    assert (schedule.apr_bps, schedule.effective_apr_bps) == (0, 0)


@pytest.mark.parametrize(("amount", "count"), [(11, 12), (1, 2), (59, 60)])
def test_an_amount_below_one_unit_a_row_is_refused_with_the_least(amount, count):
    with pytest.raises(PrincipalTooSmallError) as refused:
        schedule_of(amount, term_count=count)
    assert refused.value.extra["minimum_minor"] == count
    assert refused.value.status == 422


def test_one_unit_a_row_is_enough_whatever_the_price():
    for pricing in ({"kind": "none"}, {"kind": "flat_monthly", "bps": 110}, annual(3600)):
        assert column(schedule_of(12, pricing=pricing), "principal_minor") == [1] * 12


@pytest.mark.parametrize("amount", [0, -1, 1.0, "100", None, True, 10**18 + 1])
def test_a_principal_is_a_positive_int(amount):
    with pytest.raises(InvalidPrincipalError):
        schedule_of(amount)


@pytest.mark.parametrize("start", [datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01", None, ["2026"], date(9999, 6, 1)])
def test_a_start_is_a_day_whose_installments_lie_in_the_calendar(start):
    with pytest.raises(InvalidDateError):
        schedule_of(start=start)


@pytest.mark.pain(1)
@pytest.mark.parametrize(("amount", "bps"), [(20, 3600), (20, 0), (19, 1200), (23, 2400)])
def test_a_level_payment_rounded_up_never_leaves_the_last_rows_empty(amount, bps):
    principal = column(schedule_of(amount, pricing=annual(bps)), "principal_minor")
    assert (len(principal), min(principal), sum(principal)) == (12, 1, amount)


def test_a_rate_so_high_that_the_level_payment_rounds_to_interest_still_repays():
    schedule = schedule_of(1000, term_count=60, pricing=annual(1_000_000))
    assert column(schedule, "number")[-1] == 60
    assert min(column(schedule, "principal_minor")) >= 1
    assert schedule.rows[-1].balance_minor == 0


@pytest.mark.parametrize("case", VECTORS["pmt"], ids=lambda case: case["id"])
def test_level_payments_are_those_of_a_spreadsheet(case):
    schedule = schedule_of(case["principal"], term_count=case["count"], pricing=annual(case["bps"]))
    assert schedule.rows[0].total_minor == case["payment"]


@pytest.mark.parametrize("case", VECTORS["ppmt"], ids=lambda case: case["id"])
def test_principal_parts_are_those_of_a_spreadsheet(case):
    schedule = schedule_of(case["principal"], term_count=case["count"], pricing=annual(case["bps"]))
    assert schedule.rows[case["row"] - 1].principal_minor == case["amount"]


@pytest.mark.parametrize("case", VECTORS["ipmt"], ids=lambda case: case["id"])
def test_interest_parts_are_those_of_a_spreadsheet(case):
    schedule = schedule_of(case["principal"], term_count=case["count"], pricing=annual(case["bps"]))
    assert schedule.rows[case["row"] - 1].fee_minor == case["amount"]


def test_a_reducing_balance_has_the_rate_it_is_priced_at():
    schedule = schedule_of(100_000_000, pricing=annual(1200))
    assert schedule.apr_bps == 1200
    assert abs(schedule.apr_percent - 12) < 1


def test_the_market_table_of_grades_comes_to_these_rates():
    rates = [
        schedule_of(100_000_000, pricing={"kind": "flat_monthly", "bps": bps}).apr_bps for bps in (50, 65, 80, 95, 110)
    ]
    assert rates == [1090, 1410, 1727, 2042, 2353]


@pytest.mark.parametrize("bps", [1, 5, 100, 119, 121])
def test_a_very_low_rate_is_not_zero(bps):
    assert schedule_of(10**12, pricing=annual(bps)).apr_bps == bps


@pytest.mark.parametrize("bps", [0, 1, 1_000_000])
@pytest.mark.parametrize("kind", ["flat_monthly", "annual_rate"])
@pytest.mark.parametrize(("amount", "count"), [(60, 60), (10**18, 60), (1, 1), (10**18, 1)])
def test_the_edges_of_every_range_have_rates(kind, bps, amount, count):
    for due in ({"kind": "order"}, {"kind": "bill"}):
        schedule = schedule_of(amount, term_count=count, pricing={"kind": kind, "bps": bps}, due=due)
        assert schedule.apr_bps == round_half_up(irr_annual(schedule.flows_on, "nominal_monthly") * 100)
        assert schedule.effective_apr_bps == round_half_up(irr_annual(schedule.flows_on, "effective") * 100)
