"""A refund on the day of purchase may not make what is left dearer than quoted, even where rounding weighs heavily."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from functions.core.money import allocate
from functions.lending.apr import ODD_DAYS_IN_MONTH, reg_z_apr
from functions.lending.figures.due_dates import months_and_days
from functions.lending.plan import Plan
from functions.lending.terms import PERIODS_PER_YEAR

TOLERANCE_BPS: Final = 12  # 1/8 of a percentage point, less the half basis point by which the quoted rate is rounded


def within_quoted_rate(plan: Plan, on: date) -> Plan:
    """The plan, its fee lowered by the few units that rounding would put above the quoted rate.

    Args:
        plan: After a refund.
        on: Day of the refund; the plan itself unless it is the day of purchase and nothing was repaid.

    Source: 12 CFR 1026.22(a)(2): an annual rate is accurate within 1/8 of a percentage point.
    """
    fees = [row.fee_minor for row in plan.rows]
    if on != plan.start_on or plan.repaid_minor or not any(fees) or _within(plan, fees):
        return plan
    fits, breaks = 0, sum(fees)
    while breaks - fits > 1:
        middle = (fits + breaks) // 2
        if _within(plan, allocate(middle, fees)):
            fits = middle
        else:
            breaks = middle
    lower = allocate(fits, fees)
    rows = [
        replace(row, fee_minor=fee, fee_refunded_minor=row.fee_refunded_minor + row.fee_minor - fee)
        for row, fee in zip(plan.rows, lower, strict=True)
    ]
    return replace(plan, rows=tuple(rows))


def _within(plan: Plan, fees: list[int] | tuple[int, ...]) -> bool:
    return day_zero_apr(plan, fees) * 100 <= plan.apr_bps + TOLERANCE_BPS


def day_zero_apr(plan: Plan, fees: list[int] | tuple[int, ...]) -> Decimal:
    """Nominal annual rate in percent of a plan with nothing repaid, counted as its schedule's was.

    Args:
        plan: Its principal, as it stands.
        fees: Fee of each row.
    """
    order = plan.terms.due.kind == "order"
    whole, odd = (1, 0) if order else months_and_days(plan.start_on, plan.rows[0].due_on)
    odd_part = Fraction(odd, ODD_DAYS_IN_MONTH)
    principal = [row.principal_minor for row in plan.rows]
    payments = [(own + fee, whole + k, odd_part) for k, (own, fee) in enumerate(zip(principal, fees, strict=True))]
    return reg_z_apr([(sum(principal), 0, 0)], payments, PERIODS_PER_YEAR[plan.terms.period])
