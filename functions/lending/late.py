"""Late charge: a function of dates, computed when asked and posted when paid.

Due on the 10th with 3 days of grace: paid by the 13th costs nothing, on the 14th one day. A charged day takes the
daily rate of what is unpaid of that installment (principal + fee, never a late charge) at its start. The sum is
exact and rounded half up once per installment, within the lifetime cap.

`settle` writes down the unit-days counted so far, so that what is unpaid may change; it is the first thing every
operation does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from functions.core.money import BPS, round_half_up
from functions.lending.plan import Plan, PlanState, Row


def settle(plan: Plan, on: date) -> Plan:
    """The plan with late charge counted to the end of a day.

    Args:
        plan: As of its last operation.
        on: Not before `plan.settled_on`; that day itself counts nothing more.
    """
    if on <= plan.settled_on:
        return plan
    rows = plan.rows
    if plan.state is PlanState.ACTIVE and rows[0].due_on < on:
        rows = tuple([_settled(plan, row, on) if row.due_on < on else row for row in rows])
    return replace(plan, rows=rows, settled_on=on)


def _settled(plan: Plan, row: Row, on: date) -> Row:
    if not row.unpaid_minor:
        return row
    if row.disputed:
        paused = (on - max(plan.settled_on, row.due_on)).days
        return replace(row, paused_days=row.paused_days + paused)
    days = _charged_days(plan, row, on)
    if not days:
        return row
    return replace(row, overdue_minor_days=row.overdue_minor_days + days * row.unpaid_minor)


def _charged_days(plan: Plan, row: Row, on: date) -> int:
    """Days after grace up to `on`, without those already counted."""
    free_through = row.counted_from_on.toordinal() + plan.rules.grace_days
    return max(0, on.toordinal() - max(plan.settled_on.toordinal(), free_through))


def late_cap_minor(plan: Plan, row: Row) -> int:
    """The most an installment's late charge may come to over its life."""
    return row.original_minor * plan.rules.late_cap_bps // BPS


def late_charge_minor(plan: Plan, row: Row, on: date) -> int:
    """All late charge of an installment by a day, paid and waived included.

    Args:
        plan: As of its last operation.
        row: One of its rows.
        on: A day not before `plan.settled_on`; an earlier one is answered as of that day.
    """
    unit_days = row.overdue_minor_days
    if plan.state is PlanState.ACTIVE and not row.disputed and row.due_on < on:
        unit_days += _charged_days(plan, row, on) * row.unpaid_minor
    if not unit_days:
        return 0
    return min(late_cap_minor(plan, row), round_half_up(unit_days * plan.rules.late_daily_rate))


def late_due_minor(plan: Plan, row: Row, on: date) -> int:
    """Late charge of an installment still to pay on a day; never negative, whatever was paid or waived."""
    charge = late_charge_minor(plan, row, on)
    return max(0, charge - row.late_paid_minor - row.late_waived_minor) if charge else 0


def plan_late_due_minor(plan: Plan, on: date) -> int:
    """Late charge of the whole plan still to pay on a day: the memo line of a statement."""
    return sum([late_due_minor(plan, row, on) for row in plan.rows])
