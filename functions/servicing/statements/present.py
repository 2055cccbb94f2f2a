"""What a customer reads of a statement, and what its event tells."""

from __future__ import annotations

from typing import Any

from functions.core.clock import from_epoch_ms, isoformat
from functions.servicing.statements.statement import Due, Line, Statement
from functions.servicing.statements.store import CycleItem, StatementItem


def figures_of(
    made: Statement, *, currency: str, bill_day: int, limit_minor: int, credit_balance_minor: int
) -> dict[str, Any]:
    """A statement's figures as JSON values.

    Args:
        made: As composed.
        currency: Of all amounts.
        bill_day: Of the cycle.
        limit_minor: Of the line at the cut.
        credit_balance_minor: Money of the customer's that pays what falls due.
    """
    return {
        "currency": currency,
        "bill_day": bill_day,
        "cut_on": made.cut_on.isoformat(),
        "previous_cut_on": made.previous_on.isoformat(),
        "next_cut_on": made.next_on.isoformat(),
        "due_on": made.due_on.isoformat() if made.due_on else None,
        "bill_minor": made.bill_minor,
        "paid_minor": made.paid_minor,
        "due_minor": made.due_minor,
        "past_due_minor": made.past_due_minor,
        "late_minor": made.late_minor,
        "minimum_minor": made.minimum_minor,
        "days_past_due": made.days_past_due,
        "months_late": made.months_late,
        "limit_minor": limit_minor,
        "credit_balance_minor": credit_balance_minor,
        "apr_bps": made.apr_bps,
        "plans": [_line(line) for line in made.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "plan_id": line.plan_id,
        "merchant_id": line.merchant_id,
        "product_id": line.product_id,
        "apr_bps": line.apr_bps,
        "outstanding_minor": line.outstanding_minor,
        "due_minor": line.due_minor,
        "minimum_minor": line.minimum_minor,
        "installments": [_due(due) for due in line.dues],
    }


def _due(due: Due) -> dict[str, Any]:
    return {
        "number": due.number,
        "due_on": due.due_on.isoformat(),
        "principal_minor": due.principal_minor,
        "fee_minor": due.fee_minor,
        "late_minor": due.late_minor,
        "total_minor": due.total_minor,
    }


def present_statement(item: StatementItem) -> dict[str, Any]:
    """A statement as its customer reads it."""
    return {
        "id": item.pk,
        "object": "statement",
        "version": item.version,
        "issued_at": isoformat(from_epoch_ms(item.issued_at_ms)),
        **item.figures,
    }


def present_issued(item: StatementItem) -> dict[str, Any]:
    """A statement as its event tells it: every figure, without the plans one by one."""
    return {name: value for name, value in present_statement(item).items() if name != "plans"}


def present_bill_day(cycle: CycleItem) -> dict[str, Any]:
    """When a customer is billed."""
    return {
        "object": "bill_day",
        "currency": cycle.currency,
        "bill_day": cycle.bill_day,
        "next_cut_on": cycle.next_on.isoformat() if cycle.next_on else None,
    }
