"""Whether any amount from any start day breaks a cap on the annual rate, without trying them all.

A schedule breaks the cap when its payments, discounted at the cap, are worth more than was lent. That excess is
a × (price − cap) + rounding, and rounding is bounded whatever the amount a. So from some amount on nothing can break
the cap; only smaller amounts, where rounding dominates, are tried one by one. Start days matter only by the lengths of
periods they lead to; days with the same lengths are tried once. tests/property/lending/test_products.py holds the
shortcut against trying everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from math import inf
from operator import mul
from typing import Final, NamedTuple

from functions.core.calendar import DAY_COUNTS
from functions.core.errors import InvalidError
from functions.core.money import BPS, round_ratio
from functions.lending.apr import DAYS_IN_YEAR, ODD_DAYS_IN_MONTH
from functions.lending.figures.due_dates import due_dates, months_and_days
from functions.lending.figures.frame import period_parts
from functions.lending.schedule import build_schedule
from functions.lending.terms import PERIODS_PER_YEAR, PlanTerms, Pricing, require_choice, require_int

CAP_METHODS: Final = ("irr_x12", "effective")
_LEAP_CYCLE: Final = [date(2024, 1, 1) + timedelta(days=day) for day in range(4 * 365 + 1)]
_MAX_TRIALS: Final = 500_000
_MAX_CAP_BPS: Final = 1_000_000
_SHORTEST_MONTH: Final = 28
_TINY: Final = 1e-12  # of a unit: what floating point may lose in these sums


class AprCapBrokenError(InvalidError, ValueError):
    code, title = "apr_cap_broken", "The annual rate is above the cap"


@dataclass(frozen=True, slots=True)
class AprCap:
    """The highest annual rate of a jurisdiction.

    Args:
        method: "irr_x12" (nominal, by unit periods) or "effective" (compounded on actual days / 365).
        annual_bps: Compared with the rate as printed, in whole basis points.
    """

    method: str
    annual_bps: int

    def __post_init__(self) -> None:
        require_choice(self.method, "cap_method", CAP_METHODS)
        require_int(self.annual_bps, "annual_cap_bps", 1, _MAX_CAP_BPS)

    def rate_bps(self, terms: PlanTerms, amount_minor: int, start_on: date) -> int:
        """The rate that the cap looks at."""
        schedule = build_schedule(terms, amount_minor, start_on)
        return schedule.apr_bps if self.method == "irr_x12" else schedule.effective_apr_bps


class Breach(NamedTuple):
    """A schedule above the cap.

    Args:
        amount_minor: Its amount.
        start_on: Its first day.
        rate_bps: Its rate.
    """

    amount_minor: int
    start_on: date
    rate_bps: int


class _Calendar(NamedTuple):
    """What matters of one start day, or the bounds of several.

    Args:
        start_on: One of the days.
        discounts: Worth of 1 at each due day at half a basis point above the cap; the greatest of the days.
        longest: Each period's length in parts of a year; the greatest of the days.
        shortest: The least of the days.
    """

    start_on: date
    discounts: tuple[float, ...]
    longest: tuple[int, ...]
    shortest: tuple[int, ...]


def find_breach(terms: PlanTerms, amounts: tuple[int, int], cap: AprCap) -> Breach | None:
    """A schedule above the cap, for amounts of a range and any start day of a leap cycle.

    Args:
        terms: What would be agreed.
        amounts: Least and greatest amount, in minor units.
        cap: The cap.

    Returns:
        A breach, of the greatest amount if that is one (then the price itself is too high), or None if there is none.

    Raises:
        AprCapBrokenError: The price is so close to the cap that more schedules would have to be tried than is sensible.
        PrincipalTooSmallError: The least amount can't be scheduled.
    """
    least, greatest = amounts
    if terms.pricing.bps == 0 or terms.subsidy_bps == BPS:
        return None
    financed = least - round_ratio(least * terms.down_payment_bps, BPS)
    calendars = _calendars(_without_price(terms), cap)
    if _safe_from(terms, _extremes(calendars)) < financed:
        return None
    safe = [(each, min(_safe_from(terms, each), _safe_from_linear(terms, each))) for each in calendars]
    unsafe = [(each, amount) for each, amount in safe if amount >= financed]
    starts = [each.start_on for each, _amount in unsafe]
    breach = _worst(terms, (greatest,), starts, cap) or _worst(terms, (least,), starts, cap)
    if breach:
        return breach
    # What is financed of an amount a is at least a × (1 − down payment) − 1/2.
    share = 1 - terms.down_payment_bps / BPS
    trials = [(each.start_on, range(least, int(min(greatest, (amount + 1) / share)) + 1)) for each, amount in unsafe]
    if sum(len(tried) for _start_on, tried in trials) > _MAX_TRIALS:
        raise AprCapBrokenError(
            f"the price is too close to the cap of {cap.annual_bps} bps to show that rounding never breaks it"
        )
    found = (_worst(terms, tried, (start_on,), cap) for start_on, tried in trials)
    return next((breach for breach in found if breach), None)


def _worst(terms: PlanTerms, amounts: Iterable[int], starts: Iterable[date], cap: AprCap) -> Breach | None:
    tried = [
        Breach(amount, start_on, cap.rate_bps(terms, amount, start_on)) for start_on in starts for amount in amounts
    ]
    worst = max(tried, key=lambda breach: breach.rate_bps, default=None)
    return worst if worst and worst.rate_bps > cap.annual_bps else None


def _without_price(terms: PlanTerms) -> PlanTerms:
    """The terms that decide the lengths of periods; plans of many prices share them."""
    pricing = Pricing()
    if terms.pricing.kind == "annual_rate":
        pricing = replace(terms.pricing, bps=0)
    return PlanTerms(terms.currency, terms.term_count, terms.period, pricing, due=terms.due)


@lru_cache(maxsize=256)
def _calendars(terms: PlanTerms, cap: AprCap) -> tuple[_Calendar, ...]:
    """One calendar for each pattern of period lengths that a start day of the cycle leads to."""
    day_count = terms.pricing.day_count if terms.pricing.kind == "annual_rate" else ""
    counted = terms.period == "month" or not day_count.startswith("30")
    alike = terms.due.kind == "order" and counted and day_count != "actual/actual-isda"
    found: dict[tuple[object, ...], _Calendar] = {}
    for start_on in _LEAP_CYCLE:
        # An order's due days fall on its own day of the month, or on every nth day: but for short months, all days of
        # a month lead to periods of the same lengths.
        if alike and 1 < start_on.day <= _SHORTEST_MONTH:
            continue
        due_on = due_dates(terms, start_on)
        lengths = tuple(period_parts(terms, start_on, due_on)[0]) if day_count else (0,) * len(due_on)
        times = _times(terms, start_on, due_on, cap.method)
        if (times, lengths) not in found:
            found[times, lengths] = _Calendar(start_on, _discounts(terms, times, cap), lengths, lengths)
    return tuple(found.values())


def _times(terms: PlanTerms, start_on: date, due_on: tuple[date, ...], method: str) -> tuple[int, ...]:
    """What decides discounts: days from the start, or the whole units and odd days of the first period."""
    if method == "effective":
        return tuple([(on - start_on).days for on in due_on])
    return (1, 0) if terms.due.kind == "order" else months_and_days(start_on, due_on[0])


def _discounts(terms: PlanTerms, times: tuple[int, ...], cap: AprCap) -> tuple[float, ...]:
    annual = (cap.annual_bps + 0.5) / BPS
    if cap.method == "effective":
        return tuple([(1 + annual) ** (-days / DAYS_IN_YEAR) for days in times])
    rate = annual / float(PERIODS_PER_YEAR[terms.period])
    whole, odd_days = times
    odd = 1 + rate * odd_days / ODD_DAYS_IN_MONTH
    return tuple([(1 + rate) ** -(whole + k) / odd for k in range(terms.term_count)])


def _extremes(calendars: Sequence[_Calendar]) -> _Calendar:
    return _Calendar(
        calendars[0].start_on,
        tuple(map(max, zip(*[each.discounts for each in calendars], strict=True))),
        tuple(map(max, zip(*[each.longest for each in calendars], strict=True))),
        tuple(map(min, zip(*[each.shortest for each in calendars], strict=True))),
    )


def _safe_from(terms: PlanTerms, calendar: _Calendar) -> float:
    """The financed amount above which no schedule breaks the cap, or infinity if this can't tell."""
    return (
        _flat_safe_from(terms, calendar)
        if terms.pricing.kind == "flat_monthly"
        else _reducing_safe_from(terms, calendar)
    )


def _flat_safe_from(terms: PlanTerms, calendar: _Calendar) -> float:
    """Payments are (1 + fee per unit) a / n each, but for the rounding of the fee and the places of two residuals.

    A residual in the last row only delays payment. In the first it brings forward less than a unit of each other row;
    spread, less than n / 4 units. The fee is rounded up by less than one unit (twice by half, with a subsidy).
    """
    count, first = terms.term_count, calendar.discounts[0]
    months = float(12 * count / PERIODS_PER_YEAR[terms.period])
    fee = terms.pricing.bps * months / BPS * (1 - terms.subsidy_bps / BPS)
    mean = sum(calendar.discounts) / count
    price = (1 + fee) * mean - 1
    forward = {"last": 0.0, "first": (count - 1) * first, "spread": count / 4 * first}[terms.residual]
    return (2 * forward + mean) / -price if price < -_TINY else inf


def _reducing_safe_from(terms: PlanTerms, calendar: _Calendar) -> float:
    """Discounted at the plan's own rate, payments are worth a + Σ (rounding of interest, at most 1/2 each).

    This holds however the payments are made up, so discounted at the cap they are worth at most the greatest ratio of
    the two discounts times as much. A subsidy only makes them less.
    """
    rate = terms.pricing.bps / BPS / DAY_COUNTS[terms.pricing.day_count].year
    growth = accumulate([1 + rate * length for length in calendar.longest], mul)
    ratio = max(map(mul, calendar.discounts, growth))
    rounding = sum(1 / each for each in accumulate([1 + rate * length for length in calendar.shortest], mul)) / 2
    return ratio * rounding / (1 - ratio) if ratio < 1 - _TINY else inf


def _safe_from_linear(terms: PlanTerms, calendar: _Calendar) -> float:
    """As `_safe_from`, for one calendar and a reducing balance of which some period or the gross rate is above the cap.

    Payments are a × (level − subsidy × interest), each off by less than a bound that lets every rounding so far grow
    at the plan's rate. That needs amounts that don't meet the care for rows without principal.
    """
    if terms.pricing.kind != "annual_rate":
        return inf
    rate, subsidy = terms.pricing.bps / BPS / DAY_COUNTS[terms.pricing.day_count].year, terms.subsidy_bps / BPS
    rates = [rate * length for length in calendar.longest]
    growth = list(accumulate([1 + each for each in rates], mul))
    count, annuity = len(rates), sum(1 / each for each in growth)
    off = {"last": 0.5, "first": 0.5 * annuity * growth[0], "spread": 1.0}[terms.residual]  # of a payment
    safe, price, rounding, balance, astray = 0.0, -1.0, 0.0, 1.0, 0.0
    for k, (each, discount) in enumerate(zip(rates, calendar.discounts, strict=True)):
        interest, interest_off = balance * each, astray * each + 0.5
        if k == count - 1:
            off = astray + interest_off
        price += (1 / annuity - subsidy * interest) * discount
        rounding += (off + (subsidy * interest_off + 1 if subsidy else 0)) * discount
        principal = 1 / annuity - interest
        astray += off + interest_off
        balance -= principal
        safe = max(safe, (1 + off + interest_off) / principal)
        if k < count - 1:
            safe = max(safe, (astray + count) / balance)
    return max(safe, rounding / -price) if price < -_TINY else inf
