"""All of a schedule that does not depend on its amount: due days, each period's rate, what a level payment is worth.

A shop quotes many amounts by the same terms on the same day, so frames are kept.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from functions.core.calendar import DAY_COUNTS
from functions.core.money import BPS, round_ratio
from functions.lending.figures.due_dates import due_dates
from functions.lending.terms import PlanTerms

_SHORTEST_MONTH = 28
_KEPT = 1024


class Growth(NamedTuple):
    """What consecutive rates do to 1, in integers.

    Args:
        double_rates: A period's rate is `double_rate / double_unit`; doubled, because half up is (2 a + b) // 2 b.
        unit: What the rates are parts of.
        double_unit: Twice that.
        highest_double_rate: Of any period.
        owed: What 1 lent grows to, over unit^count.
        double_owed: Twice that.
        paid: What 1 paid at the end of every period grows to, over unit^count. So owed / paid of an amount is the
            exact level payment.
        double_paid: Twice that.
        first: What 1 paid at the end of the first period grows to, over unit^count.
    """

    double_rates: tuple[int, ...]
    unit: int
    double_unit: int
    highest_double_rate: int
    owed: int
    double_owed: int
    paid: int
    double_paid: int
    first: int


@lru_cache(maxsize=_KEPT)
def growth_of(rates: tuple[int, ...], unit: int) -> Growth:
    """Compound the rates `rate / unit` of consecutive periods, exactly."""
    common = gcd(unit, *rates)
    unit //= common
    rates = tuple([rate // common for rate in rates])
    owed, paid, power = 1, 0, 1
    for rate in rates:
        power *= unit
        owed *= unit + rate
        paid = paid * (unit + rate) + power
    first = owed // (unit + rates[0]) * unit
    doubled = tuple([2 * rate for rate in rates])
    return Growth(doubled, unit, 2 * unit, max(doubled), owed, 2 * owed, paid, 2 * paid, first)


class Frame(NamedTuple):
    """The amount-free part of a schedule.

    Args:
        due_on: Due day of each period.
        periods: (number, due day, double rate) of each period.
        growth: What the periods' rates do; all zero unless priced by "annual_rate".
        residual: Where rounding goes.
    """

    due_on: tuple[date, ...]
    periods: tuple[tuple[int, date, int], ...]
    growth: Growth
    residual: str

    def payments(self, financed_minor: int) -> list[int]:
        """What each row should pay in all so that the balance ends at zero, before interest is rounded.

        "last" and "first" round the level payment once, and "first" puts into the first payment what that rounding
        is worth on its day. "spread" rounds the sum of the payments so far, so that no residual grows. What rounding
        interest leaves is always the last row's.
        """
        growth = self.growth
        count, owed = len(self.due_on), growth.owed * financed_minor
        if self.residual == "spread":
            sums = [0, *[round_ratio(owed * k, growth.paid) for k in range(1, count + 1)]]
            return [later - sooner for sooner, later in pairwise(sums)]
        level = round_ratio(owed, growth.paid)
        if self.residual == "last":
            return [level] * count
        others = level * (growth.paid - growth.first)
        return [round_ratio(owed - others, growth.first), *[level] * (count - 1)]


@lru_cache(maxsize=_KEPT)
def frame_of(terms: PlanTerms, start_on: date) -> Frame:
    """The frame of all schedules by these terms from this day.

    Args:
        terms: What was agreed.
        start_on: The day the money is lent.

    Raises:
        InvalidDateError: Not a calendar day, or the last due day lies after year 9999.
    """
    due_on = due_dates(terms, start_on)
    growth = _no_growth(terms.term_count)
    if terms.pricing.kind == "annual_rate":
        parts, year = period_parts(terms, start_on, due_on)
        growth = growth_of(tuple([terms.pricing.bps * part for part in parts]), year * BPS)
    periods = tuple(zip(range(1, terms.term_count + 1), due_on, growth.double_rates, strict=True))
    return Frame(due_on, periods, growth, terms.residual)


def _no_growth(count: int) -> Growth:
    return growth_of((0,) * count, 1)


def period_parts(terms: PlanTerms, start_on: date, due_on: tuple[date, ...]) -> tuple[list[int], int]:
    """Each period's length in parts of a year by the agreed day count, and the parts in a year."""
    name = terms.pricing.day_count
    parts, year = DAY_COUNTS[name]
    same_day = terms.period == "month" and terms.due.kind == "order" and start_on.day <= _SHORTEST_MONTH
    if same_day and name.startswith("30"):
        return [30] * len(due_on), year  # what `parts` says of the same day in the next month, sooner
    return list(map(parts, (start_on, *due_on[:-1]), due_on)), year
