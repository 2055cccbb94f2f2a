"""The installments of a plan: exact sums, exactly as many rows as agreed, dates counted from the anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import accumulate
from operator import add, sub
from types import MappingProxyType
from typing import Any, NamedTuple

from functions.core.calendar import require_day
from functions.core.errors import InvalidError
from functions.core.money import BPS, allocate, round_half_up, round_ratio
from functions.lending import apr
from functions.lending.figures.due_dates import due_dates, months_and_days
from functions.lending.figures.frame import Frame, frame_of
from functions.lending.terms import PERIODS_PER_YEAR, Due, PlanTerms, Pricing

__all__ = [
    "Due",
    "InvalidPrincipalError",
    "PlanTerms",
    "Pricing",
    "PrincipalTooSmallError",
    "Schedule",
    "ScheduleRow",
    "build_schedule",
    "due_dates",
    "split_evenly",
]

MAX_PRINCIPAL_MINOR = 10**18
_DAYS_IN_YEAR = 365
_FLOAT_ERROR_BPS = 1e-6  # a rate found in floating point is closer than this (tests/property/lending/test_apr.py)
_FLOAT_LIMIT_BPS = 1e6  # unless it is so large that its relative error tells


class InvalidPrincipalError(InvalidError, ValueError):
    code, title = "invalid_principal", "This principal can't be scheduled"


class PrincipalTooSmallError(InvalidPrincipalError):
    code, title = "principal_too_small", "Each installment needs at least one unit of principal"


class ScheduleRow(NamedTuple):
    """One due amount. Minor units.

    Args:
        number: 1 to the plan's count; 0 for a down payment.
        due_on: Due day.
        principal_minor: Part of the amount repaid.
        fee_minor: What the customer pays for credit with this row.
        subsidy_minor: What the merchant pays of this row's gross fee.
        total_minor: What the customer pays: principal + fee.
        balance_minor: Principal still owed after this row.
    """

    number: int
    due_on: date
    principal_minor: int
    fee_minor: int
    subsidy_minor: int
    total_minor: int
    balance_minor: int


class Schedule(NamedTuple):
    """What the customer owes and when, with its price.

    Args:
        terms: What was agreed.
        start_on: The day the money is lent.
        rows: By number; row 0 only with a down payment.
        financed_minor: The amount lent: all principal without the down payment.
        fee_minor: All that the customer pays for it.
        subsidy_minor: All that the merchant pays for it.
        apr_bps: Nominal annual rate by unit periods with the odd first period, half up to a basis point: Regulation
            Z's, and for regular months the monthly rate of return × 12 (China).
    """

    terms: PlanTerms
    start_on: date
    rows: tuple[ScheduleRow, ...]
    financed_minor: int
    fee_minor: int
    subsidy_minor: int
    apr_bps: int

    @property
    def down_payment_minor(self) -> int:
        """Paid on the first day; outside the credit and its rate."""
        return self.rows[0].principal_minor if self.rows[0].number == 0 else 0

    @property
    def principal_minor(self) -> int:
        """The amount of the purchase: financed + down payment."""
        return self.financed_minor + self.down_payment_minor

    @property
    def total_cost_minor(self) -> int:
        """All that the customer pays: principal, down payment and fee."""
        return self.principal_minor + self.fee_minor

    @property
    def installments(self) -> tuple[ScheduleRow, ...]:
        """The rows without the down payment."""
        return self.rows[1:] if self.rows[0].number == 0 else self.rows

    @property
    def flows_on(self) -> tuple[tuple[date, int], ...]:
        """Dated amounts as the customer has them: + the loan, − each installment."""
        return ((self.start_on, self.financed_minor), *((row.due_on, -row.total_minor) for row in self.installments))

    @property
    def effective_apr_bps(self) -> int:
        """Annual rate with compounding on actual days / 365, half up to a basis point."""
        start = self.start_on.toordinal()
        rows = self.installments
        years = [(row[1].toordinal() - start) / _DAYS_IN_YEAR for row in rows]
        nominal = min(self.apr_bps / BPS, 1.0)
        rate = apr.dated_rate(self.financed_minor, [row[5] for row in rows], years, nominal + nominal * nominal / 2)
        bps = _nearest(rate * BPS)
        return _nearest_exact(self.effective_apr_percent) if bps is None else bps

    @property
    def apr_percent(self) -> Decimal:
        """The rate of `apr_bps` with all its digits."""
        return _apr_percent(self.terms, self.financed_minor, self.installments, self.start_on)

    @property
    def effective_apr_percent(self) -> Decimal:
        """The rate of `effective_apr_bps` with all its digits."""
        return apr.irr_annual(self.flows_on, "effective")


def _apr_bps(terms: PlanTerms, financed_minor: int, rows: Sequence[ScheduleRow], start_on: date) -> int:
    totals = [row[5] for row in rows]
    if terms.due.kind == "order":
        rate = apr.regular_rate(financed_minor, totals)
    else:
        rate = apr.odd_first_rate(financed_minor, totals, *months_and_days(start_on, rows[0].due_on))
    bps = _nearest(rate * terms.annual_bps)
    return _nearest_exact(_apr_percent(terms, financed_minor, rows, start_on)) if bps is None else bps


def _apr_percent(terms: PlanTerms, financed_minor: int, rows: Sequence[ScheduleRow], start_on: date) -> Decimal:
    # An order's first period is one unit by construction, whatever the month's length.
    whole, odd_days = (1, 0) if terms.due.kind == "order" else months_and_days(start_on, rows[0].due_on)
    odd = Fraction(odd_days, apr.ODD_DAYS_IN_MONTH)
    payments = [(row.total_minor, whole + k, odd) for k, row in enumerate(rows)]
    return apr.reg_z_apr([(financed_minor, 0, 0)], payments, PERIODS_PER_YEAR[terms.period])


def _nearest(bps: float) -> int | None:
    """The nearest whole number, unless floating point can't tell the side of a half."""
    shifted = bps + 0.5
    floor = int(shifted)
    return floor if _FLOAT_ERROR_BPS < shifted - floor < 1 - _FLOAT_ERROR_BPS and shifted < _FLOAT_LIMIT_BPS else None


def _nearest_exact(percent: Decimal) -> int:
    return round_half_up(percent * 100)


def split_evenly(total_minor: int, count: int, residual: str) -> list[int]:
    """Equal shares in whole units, with what is left over where `residual` says.

    Args:
        total_minor: At least 0.
        count: At least 1.
        residual: "last", "first" or "spread" (one unit more to each of the earliest).
    """
    share, rest = divmod(total_minor, count)
    if not rest:
        return [share] * count
    if residual == "last":
        return [*[share] * (count - 1), share + rest]
    if residual == "first":
        return [share + rest, *[share] * (count - 1)]
    return [share + 1] * rest + [share] * (count - rest)


class _Columns(NamedTuple):
    """Rows turned on their side, without the down payment."""

    principal: list[int]
    fee: list[int]
    subsidy: list[int]


def _gross_fee(terms: PlanTerms, financed_minor: int) -> int:
    """The flat fee of a plan: its price per month of 1/12 year; n periods are 12 n / periods-per-year months."""
    per_year = PERIODS_PER_YEAR[terms.period]
    months = 12 * terms.term_count * per_year.denominator
    return round_ratio(financed_minor * terms.pricing.bps * months, BPS * per_year.numerator)


def _flat(terms: PlanTerms, financed_minor: int, _frame: Frame) -> _Columns:
    count, residual = terms.term_count, terms.residual
    principal = split_evenly(financed_minor, count, residual)
    if not terms.pricing.bps:
        nothing = [0] * count
        return _Columns(principal, nothing, nothing)
    gross = _gross_fee(terms, financed_minor)
    subsidy = round_ratio(gross * terms.subsidy_bps, BPS)
    # Each part is split on its own, so no row's subsidy can exceed its gross fee.
    return _Columns(principal, split_evenly(gross - subsidy, count, residual), split_evenly(subsidy, count, residual))


def _reducing(terms: PlanTerms, financed_minor: int, frame: Frame) -> _Columns:
    unit, double_unit = frame.growth.unit, frame.growth.double_unit
    principal, interest = [], []
    balance, left = financed_minor, terms.term_count
    for (_number, _due_on, double_rate), payment in zip(frame.periods, frame.payments(financed_minor), strict=True):
        left -= 1
        charge = (balance * double_rate + unit) // double_unit
        # Rounding must leave a unit of principal for this row and for each of the rows after it.
        part = min(max(payment - charge, 1), balance - left) if left else balance
        balance -= part
        principal.append(part)
        interest.append(charge)
    if not terms.subsidy_bps:
        return _Columns(principal, interest, [0] * terms.term_count)
    # By largest remainder each share is at most the interest it is a part of.
    gross = sum(interest)
    subsidy = list(allocate(round_ratio(gross * terms.subsidy_bps, BPS), interest)) if gross else interest
    return _Columns(principal, list(map(sub, interest, subsidy)), subsidy)


_SPLITS: Mapping[str, Callable[[PlanTerms, int, Frame], _Columns]] = MappingProxyType(
    {"none": _flat, "flat_monthly": _flat, "annual_rate": _reducing}
)
_new = tuple.__new__
_row: Callable[[Iterable[Any]], ScheduleRow] = partial(_new, ScheduleRow)


def _rows(terms: PlanTerms, financed_minor: int, frame: Frame) -> list[ScheduleRow]:
    principal, fee, subsidy = _SPLITS[terms.pricing.kind](terms, financed_minor, frame)
    balances = [financed_minor - repaid for repaid in accumulate(principal)]
    totals = map(add, principal, fee)
    numbers = range(1, terms.term_count + 1)
    return list(map(_row, zip(numbers, frame.due_on, principal, fee, subsidy, totals, balances, strict=True)))


def _flat_level(terms: PlanTerms, financed_minor: int, frame: Frame) -> list[ScheduleRow]:
    """What `_flat` makes without a subsidy and with the residual last, in one loop for speed."""
    part, rest = divmod(financed_minor, terms.term_count)
    fee, fee_rest = divmod(_gross_fee(terms, financed_minor), terms.term_count)
    level, balance, rows = part + fee, financed_minor, []
    for number, due_on, _rate in frame.periods:
        balance -= part
        rows.append(_new(ScheduleRow, (number, due_on, part, fee, 0, level, balance)))
    rows[-1] = ScheduleRow(number, due_on, part + rest, fee + fee_rest, 0, level + rest + fee_rest, 0)
    return rows


def _reducing_level(_terms: PlanTerms, financed_minor: int, frame: Frame) -> list[ScheduleRow]:
    """What `_reducing` makes without a subsidy and with the residual last, in one loop for speed.

    Returns:
        The rows, or none where an amount is so small that rounding needs more care.
    """
    growth = frame.growth
    level = (financed_minor * growth.double_owed + growth.paid) // growth.double_paid
    unit, double_unit = growth.unit, growth.double_unit
    balance, rows = financed_minor, []
    for number, due_on, double_rate in frame.periods:
        charge = (balance * double_rate + unit) // double_unit
        part = level - charge
        balance -= part
        rows.append(_new(ScheduleRow, (number, due_on, part, charge, 0, level, balance)))
    part += balance
    # A payment above the interest of the whole amount shrinks the balance in every row; where something is left for
    # the last row too, every row has principal.
    if level <= financed_minor * growth.highest_double_rate // double_unit + 1 or part < 1:
        return []
    rows[-1] = _new(ScheduleRow, (number, due_on, part, charge, 0, part + charge, 0))
    return rows


_LEVELS: Mapping[str, Callable[[PlanTerms, int, Frame], list[ScheduleRow]]] = MappingProxyType(
    {"none": _flat_level, "flat_monthly": _flat_level, "annual_rate": _reducing_level}
)


def _level_schedule(terms: PlanTerms, financed_minor: int, start_on: date, frame: Frame) -> Schedule | None:
    """The commonest terms: no subsidy, residual last, no down payment. All payments but the last are alike.

    Returns:
        What the general way makes of it, or None where that is needed.
    """
    rows = _LEVELS[terms.pricing.kind](terms, financed_minor, frame)
    if not rows:
        return None
    count, level, last = terms.term_count, rows[0][5], rows[-1][5]
    fee_minor = level * (count - 1) + last - financed_minor
    rate = apr.level_rate(financed_minor, level, last, count) if terms.due.kind == "order" else 0.0
    bps = _nearest(rate * terms.annual_bps) if rate or not fee_minor else None
    if bps is None:
        bps = _apr_bps(terms, financed_minor, rows, start_on)
    return Schedule(terms, start_on, tuple(rows), financed_minor, fee_minor, 0, bps)


def build_schedule(terms: PlanTerms, principal_minor: int, start_on: date) -> Schedule:
    """Make the installments of an amount.

    Args:
        terms: What was agreed.
        principal_minor: Amount of the purchase, with any down payment.
        start_on: The day the money is lent, where the customer is.

    Returns:
        Exactly `terms.term_count` rows from number 1 (and row 0 for a down payment). Principal sums to the amount;
        fee and subsidy sum to the gross fee; every row has principal above 0 and nothing below 0.

    Raises:
        InvalidPrincipalError: Not an int, or outside 1 to 10^18.
        PrincipalTooSmallError: Less than one unit per installment is financed; carries the smallest amount.
        InvalidDateError: Not a calendar day, or the last due day lies after year 9999.
    """
    if not isinstance(terms, PlanTerms):
        raise InvalidPrincipalError("terms are PlanTerms; PlanTerms.from_dict reads plain ones")
    if type(principal_minor) is not int or not 1 <= principal_minor <= MAX_PRINCIPAL_MINOR:
        raise InvalidPrincipalError(f"a principal is an int from 1 to 10^18 minor units, not {principal_minor!r}")
    count = terms.term_count
    down_minor = round_ratio(principal_minor * terms.down_payment_bps, BPS) if terms.down_payment_bps else 0
    financed_minor = principal_minor - down_minor
    if financed_minor < count:
        raise PrincipalTooSmallError(
            f"{financed_minor} minor units can't be spread over {count} installments of at least one each",
            minimum_minor=count,
        )
    frame = frame_of(terms, start_on if type(start_on) is date else require_day(start_on))
    if terms.is_level and (schedule := _level_schedule(terms, financed_minor, start_on, frame)):
        return schedule
    rows = _rows(terms, financed_minor, frame)
    fee_minor, subsidy_minor = sum([row[3] for row in rows]), sum([row[4] for row in rows])
    bps = _apr_bps(terms, financed_minor, rows, start_on)
    if down_minor:
        rows.insert(0, ScheduleRow(0, start_on, down_minor, 0, 0, down_minor, financed_minor))
    return Schedule(terms, start_on, tuple(rows), financed_minor, fee_minor, subsidy_minor, bps)
