"""Calendar days: months from an anchor, day counts as exact fractions, business days."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from functions.core.errors import InvalidError

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_ONE_DAY = timedelta(days=1)


class InvalidDateError(InvalidError, ValueError):
    code, title = "invalid_date", "This day can't be used here"


class UnknownDayCountError(InvalidError, ValueError):
    code, title = "unknown_day_count", "No such day count convention"


class UnknownCalendarError(InvalidError, ValueError):
    code, title = "unknown_calendar", "No such business calendar"


class UnknownRollError(InvalidError, ValueError):
    code, title = "unknown_roll", "No such way to move to a business day"


def require_day(value: date) -> date:
    """The day itself, if it is a calendar day and not an instant.

    Raises:
        InvalidDateError: It is a datetime, whose day depends on a time zone, or no date at all.
    """
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidDateError(f"a calendar day is a date, not a {type(value).__name__}")
    return value


def days_in_month(year: int, month: int) -> int:
    """28 to 31.

    Args:
        year: Gregorian.
        month: 1 to 12.
    """
    return 29 if month == _FEBRUARY and isleap(year) else _DAYS[month - 1]


def add_months(start_on: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter.

    Always count from the anchor: 31 Jan + 1 is 28 Feb, 31 Jan + 2 is 31 Mar. Chaining would stick at the 28th.

    Args:
        start_on: The anchor.
        months: May be negative.

    Raises:
        InvalidDateError: The result lies outside years 1 to 9999, or the anchor is no day.
    """
    require_day(start_on)
    if type(months) is not int:
        raise InvalidDateError(f"months are counted in int, not {type(months).__name__}")
    year, month = divmod(start_on.year * 12 + start_on.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise InvalidDateError(f"{months} months from the anchor lie outside years 1 to 9999")
    day = start_on.day
    if day > 28:  # noqa: PLR2004  the length of the shortest month
        day = min(day, days_in_month(year, month + 1))
    return date(year, month + 1, day)


def _bond_days(start_on: date, end_on: date) -> int:
    first = min(start_on.day, 30)
    last = end_on.day
    if last == 31 and first == 30:  # noqa: PLR2004  the rule's own numbers
        last = 30
    return _thirty_day_months(start_on, end_on) + last - first


def _eurobond_days(start_on: date, end_on: date) -> int:
    return _thirty_day_months(start_on, end_on) + min(end_on.day, 30) - min(start_on.day, 30)


def _thirty_day_months(start_on: date, end_on: date) -> int:
    return ((end_on.year - start_on.year) * 12 + end_on.month - start_on.month) * 30


def _actual_days(start_on: date, end_on: date) -> int:
    return end_on.toordinal() - start_on.toordinal()


def _actual_actual_parts(start_on: date, end_on: date) -> int:
    """Parts of 1/(365 × 366) year: a day of a leap year is 365 of them, another day 366."""
    if start_on.year == end_on.year:
        return _actual_days(start_on, end_on) * (365 if isleap(end_on.year) else 366)
    whole_years = end_on.year - start_on.year - 1
    head = _actual_actual_parts(start_on, date(start_on.year, 12, 31)) + (365 if isleap(start_on.year) else 366)
    return head + whole_years * 365 * 366 + _actual_actual_parts(date(end_on.year, 1, 1), end_on)


class DayCount(NamedTuple):
    """A convention in integers: `parts(start, end)` of 1/`year` of a year each."""

    parts: Callable[[date, date], int]
    year: int


DAY_COUNTS: Mapping[str, DayCount] = MappingProxyType(
    {
        "30/360": DayCount(_bond_days, 360),
        "30E/360": DayCount(_eurobond_days, 360),
        "actual/365": DayCount(_actual_days, 365),
        "actual/360": DayCount(_actual_days, 360),
        "actual/actual-isda": DayCount(_actual_actual_parts, 365 * 366),
    }
)


def require_day_count(convention: str) -> DayCount:
    """The convention of that name.

    Raises:
        UnknownDayCountError: There is none; the known names are listed.
    """
    if not isinstance(convention, str) or convention not in DAY_COUNTS:
        raise UnknownDayCountError(f"a day count is one of {', '.join(DAY_COUNTS)}")
    return DAY_COUNTS[convention]


def day_count_fraction(start_on: date, end_on: date, convention: str) -> Fraction:
    """The part of a year between two days, exactly.

    Args:
        start_on: First day, counted.
        end_on: Last day, not counted; not before the first.
        convention: "30/360" (bond basis), "30E/360" (Eurobond), "actual/365" (fixed), "actual/360" or
            "actual/actual-isda".

    Raises:
        InvalidDateError: The end lies before the start.
        UnknownDayCountError: No such convention.

    Source: 2006 ISDA Definitions, section 4.16 (b), (d), (e), (f), (g).
    """
    parts, year = require_day_count(convention)
    if require_day(end_on) < require_day(start_on):
        raise InvalidDateError(f"the period ends {(start_on - end_on).days} days before it starts")
    return Fraction(parts(start_on, end_on), year)


@lru_cache(maxsize=64)
def _business_calendar(name: str) -> HolidayBase:
    """A country ("CN"), a part of one ("DE-BY") or a market ("ECB", "XNYS")."""
    import holidays

    country, _, subdivision = name.partition("-")
    try:
        if name in holidays.list_supported_financial(include_aliases=True):
            return holidays.financial_holidays(name)
        return holidays.country_holidays(country, subdiv=subdivision or None)
    except (NotImplementedError, AttributeError, TypeError):
        raise UnknownCalendarError(
            "a business calendar is a country (CN), a part of one (DE-BY) or a market (ECB)"
        ) from None


def _seek(days: HolidayBase, on: date, step: timedelta) -> date:
    while not days.is_working_day(on):
        on += step
    return on


def next_business_day(on: date, calendar: str, roll: str) -> date:
    """The business day on which something planned for a day happens.

    A weekend day that the country declares a working day (as China does around long holidays) is one.

    Args:
        on: The planned day; it is its own answer when it is a business day.
        calendar: ISO 3166 code ("CN"), with a part if it matters ("DE-BY"), or a market ("ECB", "XNYS").
        roll: "following", "preceding", or "modified_following" (following, unless that is in the next month).

    Raises:
        UnknownCalendarError: No such calendar.
        UnknownRollError: No such roll.
        InvalidDateError: Not a calendar day.

    Source: 2006 ISDA Definitions, section 4.12; the `holidays` package for the days.
    """
    require_day(on)
    if roll not in ("following", "modified_following", "preceding"):
        raise UnknownRollError("a roll is one of following, modified_following, preceding")
    if not isinstance(calendar, str):
        raise UnknownCalendarError("a business calendar is named by text, for example CN")
    days = _business_calendar(calendar)
    if roll == "preceding":
        return _seek(days, on, -_ONE_DAY)
    rolled = _seek(days, on, _ONE_DAY)
    if roll == "modified_following" and rolled.month != on.month:
        return _seek(days, on, -_ONE_DAY)
    return rolled
