"""Forgiving late charge, and the end of a release hold: changes that move no money in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from functions.core.errors import InvalidError
from functions.lending.cash import Effect, Notice
from functions.lending.late import late_due_minor, plan_late_due_minor, settle
from functions.lending.plan import Operation, Plan, with_rows


class NothingToWaiveError(InvalidError):
    code, title = "nothing_to_waive", "Less late charge is due than would be waived"


def require_waiver(plan: Plan, amount_minor: int, on: date) -> None:
    """Refuse to waive nothing, or more than is due.

    Raises:
        NothingToWaiveError: Carries what is due.
    """
    due = plan_late_due_minor(settle(plan, on), on)
    if not 1 <= amount_minor <= due:
        raise NothingToWaiveError(f"{due} of late charge is due, {amount_minor} was to be waived", late_minor=due)


def waive_late(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: forgive late charge, oldest installment first; it was never income, so nothing is posted.

    Args:
        plan: Settled to the operation's day.
        operation: Amount: late charge forgiven.
    """
    left, changed = operation.amount_minor, {}
    for row in plan.rows:
        part = min(left, late_due_minor(plan, row, operation.on))
        if part:
            left -= part
            changed[row.number] = replace(row, late_waived_minor=row.late_waived_minor + part)
    return with_rows(plan, changed), Effect(notices=(Notice("late_charge.waived", tuple(changed)),))


def release(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: repaid principal whose hold has ended becomes available on the line.

    Args:
        plan: Settled to the operation's day.
        operation: No amount: all whose day has come.
    """
    return replace(plan, releases=tuple([each for each in plan.releases if each.on > operation.on])), Effect()
