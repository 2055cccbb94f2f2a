"""The customer contests the goods: what is contested bears no late charge, reminder or delinquency meanwhile."""

from __future__ import annotations

from dataclasses import replace

from functions.core.errors import ConflictError, InvalidError
from functions.lending.cash import Effect
from functions.lending.plan import Operation, Plan, PlanState


class DisputeOpenError(ConflictError):
    code, title = "dispute_open", "The plan has an open dispute already"


class NoDisputeError(ConflictError):
    code, title = "no_dispute", "The plan has no open dispute"


class DisputeExceedsRemainderError(InvalidError):
    code, title = "dispute_exceeds_remaining", "More is disputed than could be refunded"


def require_dispute(plan: Plan, amount_minor: int) -> None:
    """Refuse a dispute over nothing, over more than could be refunded, or beside another one.

    Raises:
        DisputeOpenError: One is open.
        DisputeExceedsRemainderError: Carries `remaining_minor`.
    """
    if plan.disputed_minor:
        raise DisputeOpenError(f"{plan.disputed_minor} of {plan.id} is disputed already")
    if not 1 <= amount_minor <= plan.refundable_minor:
        raise DisputeExceedsRemainderError(
            f"1 to {plan.refundable_minor} can be disputed, not {amount_minor}",
            remaining_minor=plan.refundable_minor,
        )


def open_dispute(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: the earliest unpaid installments that cover the contested amount stand still.

    Args:
        plan: Settled to the operation's day; late charge of that day still counts.
        operation: Amount: goods value contested.
    """
    left, rows = operation.amount_minor, []
    for row in plan.rows:
        takes = left > 0 and row.principal_unpaid_minor > 0 and plan.state is PlanState.ACTIVE
        rows.append(replace(row, disputed=True) if takes else row)
        left -= row.principal_unpaid_minor if takes else 0
    return replace(plan, rows=tuple(rows), disputed_minor=operation.amount_minor), Effect()


def close_dispute(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: the installments go on from here; the days meanwhile never count as past due.

    What fell due meanwhile is due on the day after: the customer could not know before that it would be.

    Args:
        plan: Settled to the operation's day: `settle` has written the days down as paused.
        operation: No amount; where the merchant lost, a refund of kind `dispute` follows.
    """
    rows = []
    for row in plan.rows:
        late_by_one = row.disputed and row.paused_days > 0 and row.counted_from_on == operation.on
        rows.append(replace(row, disputed=False, paused_days=row.paused_days + late_by_one) if row.disputed else row)
    return replace(plan, rows=tuple(rows), disputed_minor=0, resumed_on=operation.on), Effect()
