"""Annual rates of a credit, from the flows the customer really has.

Each is one root: the rate at which what is lent is worth what is paid back (`lending.figures.root`). The public
functions answer in decimals with more digits than anyone prints; the others are the quick floats
behind a schedule's figures, accurate to 1e-13 of a period's growth, by Newton's method on convex functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from math import exp, expm1, isfinite, log, log1p
from typing import Final

from functions.core.calendar import add_months, require_day
from functions.core.errors import InvalidError
from functions.lending.figures.due_dates import months_and_days
from functions.lending.figures.root import CONTEXT, Flow, NoRootError, decimal_root

Real = int | Fraction | Decimal | float
METHODS: Final = ("nominal_monthly", "effective")
MONTHS_IN_YEAR: Final = 12
DAYS_IN_YEAR: Final = 365
ODD_DAYS_IN_MONTH: Final = 30
_RESULT_DIGITS = 30
_LAST_STEP = 1e-9  # what Newton's next step would change is about its square
_LAST_HALLEY_STEP = 1e-5
_LEAST_LEVEL_RATE = 1e-4  # below it the closed form of a level loan loses digits by cancellation
_LEVEL_STEPS = 20


class InvalidFlowError(InvalidError, ValueError):
    code, title = "invalid_flow", "A flow is an int amount at a known time"


class NoRateError(InvalidError, NoRootError):
    code, title = "no_rate", "No annual rate balances these flows"


def reg_z_apr(
    advances: Iterable[tuple[int, int, Real]],
    payments: Iterable[tuple[int, int, Real]],
    unit_periods_per_year: Real,
) -> Decimal:
    """The nominal annual rate of the actuarial method, in percent.

    Args:
        advances: What is lent: (amount in minor units, whole unit periods from the start, odd fraction of one).
        payments: What is paid back, likewise.
        unit_periods_per_year: 12 for months, 26 for fortnights, 365/days otherwise.

    Returns:
        i × unit periods per year × 100, where Σ A/((1 + f i)(1 + i)^t) = Σ P/((1 + f i)(1 + i)^t); at least 25 digits.

    Raises:
        InvalidFlowError: A negative or fractional amount, a negative time, an odd fraction outside 0 to 1.
        NoRateError: No rate above −100 % per unit period balances them.

    Source: 12 CFR 1026 (Regulation Z), Appendix J (b)(8).
    """
    per_year = _exact(unit_periods_per_year, "unit_periods_per_year")
    if per_year <= 0:
        raise InvalidFlowError("unit_periods_per_year is above 0")
    flows = [_unit_period_flow(flow, 1) for flow in advances] + [_unit_period_flow(flow, -1) for flow in payments]
    return _percent(flows, per_year)


def effective_apr(flows: Iterable[tuple[int, Real]]) -> Decimal:
    """The annual rate with compounding, in percent.

    Args:
        flows: (signed amount in minor units, years from the start): + to the customer, − from the customer. Years of
            the EU annexes: days / 365 (/ 366), weeks / 52 or months / 12.

    Returns:
        X in Σ C / (1 + X)^t = Σ D / (1 + X)^s, at least 25 digits.

    Raises:
        InvalidFlowError: An amount is no int, or a time not finite.
        NoRateError: No rate above −100 % balances them.

    Source: Directive (EU) 2023/2225, Annex III; Directive 2008/48/EC, Annex I.
    """
    timed = [(_amount(amount), _exact(years, "years")) for amount, years in flows]
    start = min((years for _amount_minor, years in timed), default=Fraction(0))
    return _percent([Flow(amount, years - start, Fraction(0)) for amount, years in timed], None)


def irr_annual(flows_on: Sequence[tuple[date, int]], method: str) -> Decimal:
    """The annual rate of dated flows, in percent.

    Args:
        flows_on: (day, signed amount in minor units) in any order: + to the customer, − from the customer.
        method: "nominal_monthly": monthly rate of return × 12, months measured back from each flow to the first day
            and odd days as thirtieths (China; Regulation Z for monthly credit). "effective": compounded on actual
            days / 365 (XIRR).

    Raises:
        InvalidFlowError: An amount is no int, or the method unknown.
        InvalidDateError: Not a calendar day.
        NoRateError: No rate above −100 % (per month or year) balances them.

    Source: PBoC Announcement 2021 No. 3; 12 CFR 1026 Appendix J; Excel's XIRR.
    """
    if method not in METHODS:
        raise InvalidFlowError(f"a method is one of {', '.join(METHODS)}")
    dated = [(require_day(on), _amount(amount)) for on, amount in flows_on]
    start_on = min((on for on, _amount_minor in dated), default=date.min)
    if method == "effective":
        return effective_apr([(amount, Fraction((on - start_on).days, DAYS_IN_YEAR)) for on, amount in dated])
    flows = []
    for on, amount in dated:
        months, days = months_and_days(start_on, on)
        flows.append(Flow(amount, Fraction(months), Fraction(days, ODD_DAYS_IN_MONTH)))
    return _percent(flows, Fraction(MONTHS_IN_YEAR))


def eu_years(start_on: date, on: date) -> Fraction:
    """Years between two days as the EU's rate counts them for monthly credit.

    Months count backwards from the later day, each 1/12 whatever its length; the days that remain count over the
    days of the year that ends where they end.

    Args:
        start_on: Day of the first drawdown.
        on: The flow's day, not before it.

    Raises:
        InvalidDateError: Not calendar days.
        InvalidFlowError: The flow lies before the first drawdown.

    Source: Directive (EU) 2023/2225, Annex III, remark (c); the Commission's guidelines SWD(2012) 128, chapter 4.
    """
    if require_day(on) < require_day(start_on):
        raise InvalidFlowError(f"the flow lies {(start_on - on).days} days before the first drawdown")
    months, days = months_and_days(start_on, on)
    last_on = add_months(on, -months)
    return Fraction(months, MONTHS_IN_YEAR) + Fraction(days, (last_on - add_months(last_on, -12)).days)


def _amount(value: int) -> int:
    if type(value) is not int:
        raise InvalidFlowError(f"an amount is an int of minor units, not {type(value).__name__}")
    return value


def _exact(value: Real, name: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, Fraction, Decimal, float)):
        raise InvalidFlowError(f"{name} is an int, Fraction, Decimal or float, not {type(value).__name__}")
    finite = value.is_finite() if isinstance(value, Decimal) else isfinite(value)
    if not finite:
        raise InvalidFlowError(f"{name} is finite")
    return Fraction(value)


def _unit_period_flow(flow: tuple[int, int, Real], sign: int) -> Flow:
    amount, whole, odd_fraction = flow
    if _amount(amount) < 0:
        raise InvalidFlowError(f"an advance or payment is at least 0, not {amount}")
    if type(whole) is not int or whole < 0:
        raise InvalidFlowError(f"whole unit periods are an int of at least 0, not {whole!r}")
    odd = _exact(odd_fraction, "an odd fraction")
    if not 0 <= odd <= 1:
        raise InvalidFlowError(f"an odd fraction lies within 0 and 1, not at {float(odd)}")
    # A whole odd period is a unit period: 1 + 1 × i.
    return Flow(sign * amount, Fraction(whole + 1 if odd == 1 else whole), Fraction(0) if odd == 1 else odd)


def _percent(flows: Sequence[Flow], per_year: Fraction | None) -> Decimal:
    """The rate of growth per period in percent, times the periods per year unless compounded."""
    try:
        x = decimal_root(flows)
    except NoRootError as error:
        raise NoRateError(str(error)) from None
    with localcontext(CONTEXT) as context:
        percent = (x.exp() - 1) * 100
        if per_year is not None:
            percent = percent * per_year.numerator / per_year.denominator
        context.prec = _RESULT_DIGITS
        return +percent


def regular_rate(financed_minor: int, totals: Sequence[int]) -> float:
    """The rate per unit period of a loan repaid at the end of consecutive unit periods.

    Args:
        financed_minor: Lent at the start, above 0.
        totals: Paid at the end of each unit period, each above 0.
    """
    count, level = len(totals), totals[0]
    if totals[:-1].count(level) == count - 1:
        rate = level_rate(financed_minor, level, totals[-1], count)
        if rate:
            return rate
    v = _discount(financed_minor, totals[::-1], 1 / (1 + _direct_ratio(financed_minor, sum(totals), count)))
    return (1 - v) / v


def _direct_ratio(lent: int, paid: int, count: int) -> float:
    """A rate right to the second order for a level loan, and a start for any other.

    Source: the direct-ratio formula of consumer credit, 6 C / (3 P (n + 1) + C (n − 1)).
    """
    cost = paid - lent
    return 6 * cost / (3 * lent * (count + 1) + cost * (count - 1))


def level_rate(lent: int, level: int, last: int, count: int) -> float:
    """As `regular_rate`, in closed form, for payments alike but for the last.

    Args:
        lent: Above 0.
        level: Each payment but the last.
        last: The last payment.
        count: Payments.

    Returns:
        The rate, or 0 where the closed form would lose digits or does not settle soon.
    """
    rate = _direct_ratio(lent, level * (count - 1) + last, count)
    extra = last - level
    for _ in range(_LEVEL_STEPS):
        if rate < _LEAST_LEVEL_RATE:
            return 0.0
        v = 1 / (1 + rate)
        discount = v**count
        annuity = (1 - discount) / rate
        late = count * discount * v
        gap = level * annuity + extra * discount - lent
        fall = level * (annuity - late) / rate
        bend = (2 * fall - level * late * (count + 1) * v) / rate + extra * late * (count + 1) * v
        fall += extra * late
        # Halley's method: with the second derivative too, the error left is about the cube of the step.
        step = 2 * gap * fall / (2 * fall * fall - gap * bend)
        rate += step
        if -_LAST_HALLEY_STEP < step < _LAST_HALLEY_STEP:
            return rate
    return 0.0


def _discount(lent: float, descending: Sequence[int], v: float) -> float:
    """The discount v = 1 / (1 + rate) where Σ T v^k = lent.

    The sum is convex and rising for v above 0: from any such v Newton's first step ends right of the root or on it,
    and the following come down to it without fail.
    """
    while True:
        value = slope = 0.0
        for total in descending:
            slope = slope * v + value
            value = value * v + total
        # Horner gives Σ T v^(k−1); one more factor v makes the first payment one period away.
        step = (value * v - lent) / (slope * v + value)
        v -= step
        if -_LAST_STEP * v < step < _LAST_STEP * v:
            return v


def odd_first_rate(financed_minor: int, totals: Sequence[int], whole: int, odd_days: int) -> float:
    """As `regular_rate`, where the first period has whole unit periods and odd days (thirtieths of one).

    With v = 1 / (1 + rate), a polynomial in v with coefficients above zero must equal a straight line that is not
    below zero at 0. The difference is convex, so it has one root above 0, left of any v where it is above zero, and
    Newton's method comes down to it from there without fail.

    Args:
        financed_minor: Lent at the start, above 0.
        totals: Paid at the end of the first period and of each unit period after it, each above 0.
        whole: Whole unit periods of the first period.
        odd_days: Its odd days, 0 to 30; above 0 if there is no whole unit period.
    """
    odd = odd_days / ODD_DAYS_IN_MONTH
    descending = totals[::-1]
    v = 1.0
    while True:
        value = slope = 0.0
        for total in descending:
            slope = slope * v + value
            value = value * v + total
        shift = v**whole
        gain = value * shift * v - financed_minor * ((1 - odd) * v + odd)
        rise = shift * (slope * v + (whole + 1) * value) - financed_minor * (1 - odd)
        if rise <= 0:
            v *= 2
            continue
        step = gain / rise
        v -= step
        if -_LAST_STEP * v < step < _LAST_STEP * v:
            return (1 - v) / v


def dated_rate(financed_minor: int, totals: Sequence[int], years: Sequence[float], guess: float) -> float:
    """The effective annual rate of a loan repaid at any times.

    With x = ln(1 + rate), the logarithm of what the payments are worth is convex and falls by no less than the first
    time and no more than the last, so Newton's method finds where it is that of the loan from any start.

    Args:
        financed_minor: Lent at time 0, above 0.
        totals: Paid, each above 0.
        years: When, each above 0.
        guess: Of the rate.
    """
    x = log1p(guess)
    weighted = list(zip(totals, years, strict=True))
    while True:
        worth = moment = 0.0
        for total, time in weighted:
            each = total * exp(-time * x)
            worth += each
            moment += each * time
        step = log(worth / financed_minor) * worth / moment
        x += step
        if -_LAST_STEP < step < _LAST_STEP:
            return expm1(x)
