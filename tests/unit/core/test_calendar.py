"""Days: months from the anchor, day counts, business days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from functions.core.calendar import (
    DAY_COUNTS,
    InvalidDateError,
    UnknownCalendarError,
    UnknownDayCountError,
    UnknownRollError,
    add_months,
    day_count_fraction,
    next_business_day,
)
from functions.core.clock import local_date


@pytest.mark.pain(3)
@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
        (date(2100, 1, 30), 1, date(2100, 2, 28)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_count_from_the_anchor_and_end_with_the_month(start, months, end):
    assert add_months(start, months) == end


@pytest.mark.parametrize(
    ("start", "months"),
    [
        (date(9999, 12, 1), 1),
        (date(1, 1, 1), -1),
        (date(2026, 1, 1), 1.0),
        (datetime(2026, 1, 1, tzinfo=UTC), 1),
        ("2026-01-01", 1),
    ],
)
def test_months_refuse_what_is_no_day_or_lies_outside_the_calendar(start, months):
    with pytest.raises(InvalidDateError):
        add_months(start, months)


@pytest.mark.pain(4)
def test_a_period_over_a_leap_day_counts_it():
    assert day_count_fraction(date(2023, 12, 15), date(2024, 3, 15), "actual/365") == Fraction(91, 365)
    assert day_count_fraction(date(2022, 12, 15), date(2023, 3, 15), "actual/365") == Fraction(90, 365)
    leap = Fraction(17, 365) + Fraction(74, 366)
    assert day_count_fraction(date(2023, 12, 15), date(2024, 3, 15), "actual/actual-isda") == leap


def test_many_years_by_actual_actual_are_whole_years():
    assert day_count_fraction(date(2019, 1, 1), date(2026, 1, 1), "actual/actual-isda") == 7


@pytest.mark.parametrize("convention", list(DAY_COUNTS))
def test_no_time_is_no_part_of_a_year(convention):
    assert day_count_fraction(date(2024, 2, 29), date(2024, 2, 29), convention) == 0


def test_a_period_that_ends_before_it_starts_says_by_how_much():
    with pytest.raises(InvalidDateError, match="30 days before"):
        day_count_fraction(date(2026, 1, 31), date(2026, 1, 1), "actual/365")


@pytest.mark.parametrize("convention", ["30/365", "ACT/365", "", None, 360])
def test_an_unknown_day_count_lists_the_known_ones(convention):
    with pytest.raises(UnknownDayCountError, match="actual/actual-isda"):
        day_count_fraction(date(2026, 1, 1), date(2026, 2, 1), convention)


@pytest.mark.parametrize(
    ("on", "calendar", "roll", "day"),
    [
        (date(2026, 10, 1), "CN", "following", date(2026, 10, 8)),  # National Day week
        (date(2026, 10, 10), "CN", "following", date(2026, 10, 10)),  # a Saturday worked for it
        (date(2026, 5, 30), "US", "following", date(2026, 6, 1)),
        (date(2026, 5, 30), "US", "modified_following", date(2026, 5, 29)),
        (date(2026, 5, 25), "US", "preceding", date(2026, 5, 22)),  # Memorial Day
        (date(2026, 12, 25), "ECB", "following", date(2026, 12, 28)),
        (date(2026, 1, 6), "DE", "following", date(2026, 1, 6)),
        (date(2026, 1, 6), "DE-BY", "following", date(2026, 1, 7)),  # Epiphany in Bavaria
        (date(2026, 11, 25), "CN", "preceding", date(2026, 11, 25)),
    ],
)
def test_a_planned_day_rolls_to_a_business_day(on, calendar, roll, day):
    assert next_business_day(on, calendar, roll) == day


@pytest.mark.parametrize("calendar", ["ATLANTIS", "DE-XX", "", None, 7])
def test_an_unknown_calendar_is_refused(calendar):
    with pytest.raises(UnknownCalendarError):
        next_business_day(date(2026, 1, 1), calendar, "following")


def test_an_unknown_roll_is_refused():
    with pytest.raises(UnknownRollError):
        next_business_day(date(2026, 1, 1), "CN", "nearest")


@pytest.mark.pain(24)
def test_the_day_is_the_customers_not_utcs():
    at = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)
    assert (local_date(at, "Asia/Shanghai"), local_date(at, "America/New_York")) == (
        date(2026, 11, 11),
        date(2026, 11, 10),
    )
