"""What of a fee belongs to which time: elapsed parts of a period, and interest when the balance ahead changes.

Interest of a period is on the principal of its own and all later installments: on principal whose due day has passed,
ordinary interest has ended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from functions.core.calendar import day_count_fraction
from functions.core.money import BPS, round_half_up
from functions.lending.plan import Plan, Row

ANNUAL = "annual_rate"


def period_start_on(plan: Plan, row: Row) -> date:
    """The due day of the installment before, or the capture day; of the first of a re-plan, its day."""
    if plan.replanned_on and row.number == plan.replanned_from:
        return plan.replanned_on
    return plan.rows[row.number - 2].due_on if row.number > 1 else plan.start_on


def elapsed_part(plan: Plan, row: Row, on: date) -> Fraction:
    """How much of an installment's period has passed on a day, 0 to 1: by days, or by an annual rate's day count."""
    start_on = period_start_on(plan, row)
    if on >= row.due_on:
        return Fraction(1)
    if on <= start_on:
        return Fraction(0)
    if plan.terms.pricing.kind != ANNUAL:
        return Fraction((on - start_on).days, (row.due_on - start_on).days)
    convention = plan.terms.pricing.day_count
    whole = day_count_fraction(start_on, row.due_on, convention)
    return min(Fraction(1), day_count_fraction(start_on, on, convention) / whole) if whole else Fraction(1)


def accrued_fee_minor(plan: Plan, row: Row, on: date) -> int:
    """The part of an installment's fee that belongs to the time up to a day, half up."""
    carried = _carried_minor(plan, row)
    return carried + round_half_up((row.fee_minor - carried) * elapsed_part(plan, row, on))


def _carried_minor(plan: Plan, row: Row) -> int:
    """What of an installment's fee is of the time before a re-plan."""
    if not plan.carried_minor or row.number < plan.replanned_from:
        return 0
    share, rest = divmod(plan.carried_minor, len(plan.rows) - plan.replanned_from + 1)
    return min(row.fee_minor, share + (row.number - plan.replanned_from < rest))


def year_part(plan: Plan, start_on: date, end_on: date) -> Fraction:
    """Interest per unit of principal between two days, before any subsidy."""
    pricing = plan.terms.pricing
    if end_on <= start_on:
        return Fraction(0)
    return day_count_fraction(start_on, end_on, pricing.day_count) * Fraction(pricing.bps, BPS)


def balances_ahead(rows: tuple[Row, ...], on: date) -> dict[int, int]:
    """Unpaid principal on which each coming period's interest runs, by row number."""
    balance, out = 0, {}
    for row in reversed(rows):
        if row.due_on <= on:
            break
        balance += row.principal_unpaid_minor
        out[row.number] = balance
    return out


def with_interest_of(plan: Plan, before: Plan, on: date, *, subsidy_too: bool) -> Plan:
    """The plan with interest to come made to fit a balance that has changed today; interest to date stays.

    Args:
        plan: Annual-rate plan with its new principal.
        before: The same plan before the change.
        on: The day of it.
        subsidy_too: Whether the merchant's part changes with it.
    """
    was, now = balances_ahead(before.rows, on), balances_ahead(plan.rows, on)
    rows = tuple(
        [
            row_on_balance(plan, row, was[row.number], now[row.number], on, subsidy_too=subsidy_too)
            if row.number in now and now[row.number] != was.get(row.number)
            else row
            for row in plan.rows
        ]
    )
    return replace(plan, rows=rows)


def row_on_balance(plan: Plan, row: Row, was_minor: int, now_minor: int, on: date, *, subsidy_too: bool) -> Row:
    """An annual-rate installment not due yet, its interest made to fit another balance from today on.

    Rounding never lifts what a lower balance costs.

    Args:
        plan: Gives price and period.
        row: With the interest of the old balance.
        was_minor: Principal its period's interest ran on.
        now_minor: Principal it runs on from `on`.
        on: The day of the change.
        subsidy_too: Whether the merchant's part changes with it.
    """
    start_on = period_start_on(plan, row)
    whole = year_part(plan, start_on, row.due_on)
    rest = whole - year_part(plan, start_on, on)

    def changed(today_minor: int, share_bps: int) -> int:
        share = Fraction(share_bps, BPS)
        if on <= start_on:
            anew = round_half_up(now_minor * share * whole)
        else:
            anew = today_minor - round_half_up((was_minor - now_minor) * share * rest)
        return max(0, min(today_minor, anew) if now_minor < was_minor else max(today_minor, anew))

    carried = _carried_minor(plan, row)
    fee = carried + changed(row.fee_minor - carried, BPS - plan.terms.subsidy_bps)
    subsidy = changed(row.subsidy_minor, plan.terms.subsidy_bps) if subsidy_too else row.subsidy_minor
    return replace(row, fee_minor=max(row.fee_paid_minor, fee), subsidy_minor=subsidy)
