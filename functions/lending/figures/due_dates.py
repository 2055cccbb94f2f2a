"""On which days a plan's installments fall due. Due dates never roll: a holiday moves the bank, not the debt."""

from __future__ import annotations

from datetime import date, timedelta

from functions.core.calendar import InvalidDateError, add_months, days_in_month, require_day
from functions.lending.terms import PERIOD_DAYS, PlanTerms

MIN_FIRST_PERIOD_DAYS = 20
_SHORTEST_MONTH = 28


def due_dates(terms: PlanTerms, start_on: date) -> tuple[date, ...]:
    """The due day of each installment, first to last.

    Args:
        terms: Period, count and due mode.
        start_on: The day the money is lent (capture), where the customer is.

    Raises:
        InvalidDateError: A due day would lie after year 9999.
    """
    require_day(start_on)
    try:
        if terms.due.kind == "bill":
            first = _first_bill_month(start_on, terms.due.bill_day, terms.due.due_day)
            return _monthly(first, terms.due.due_day, terms.term_count)
        if terms.period == "month":
            return _monthly(start_on.year * 12 + start_on.month, start_on.day, terms.term_count)
        step = PERIOD_DAYS[terms.period]
        return tuple([start_on + timedelta(days=step * k) for k in range(1, terms.term_count + 1)])
    except (OverflowError, ValueError):
        raise InvalidDateError("the last due day would lie after year 9999") from None


def _monthly(first: int, day: int, count: int) -> tuple[date, ...]:
    """`count` months from month number `first` (year × 12 + month − 1), each on `day` or its last day."""
    months = range(first, first + count)
    if day <= _SHORTEST_MONTH:
        return tuple([date(month // 12, month % 12 + 1, day) for month in months])
    return tuple([_clamped(month, day) for month in months])


def _clamped(month: int, day: int) -> date:
    year, index = divmod(month, 12)
    return date(year, index + 1, min(day, days_in_month(year, index + 1)))


def _first_bill_month(start_on: date, bill_day: int, due_day: int) -> int:
    """Month number of the first due day.

    A purchase before the bill day is on that bill, on it or after it on the next. A due day that is not after the
    bill day is the next month's. Too short a first period would raise the rate, so it moves one cycle on.
    """
    month = start_on.year * 12 + start_on.month - 1
    if start_on >= _clamped(month, bill_day):
        month += 1
    if due_day <= bill_day:
        month += 1
    if (_clamped(month, due_day) - start_on).days < MIN_FIRST_PERIOD_DAYS:
        month += 1
    return month


def months_and_days(start_on: date, end_on: date) -> tuple[int, int]:
    """The time between two days as months measured back from the later one, and the days that remain.

    Args:
        start_on: The earlier day.
        end_on: The later day, or the same.

    Source: 12 CFR 1026 Appendix J (b)(3)(iv), (b)(5)(iv): all months are equal, full months run between the same
    dates or between month ends, and are measured back from the later date.
    """
    months = (end_on.year - start_on.year) * 12 + end_on.month - start_on.month
    if add_months(start_on, months) == end_on:
        return months, 0
    while add_months(end_on, -months) < start_on:
        months -= 1
    return months, (add_months(end_on, -months) - start_on).days
