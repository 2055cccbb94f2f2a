"""Undoing the agreement within the legal days: principal back, fees returned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from functions.core.errors import ConflictError
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Notice, return_subsidy
from functions.lending.late import late_charge_minor
from functions.lending.plan import Operation, Plan, PlanState, Row


class WithdrawalClosedError(ConflictError):
    code, title = "withdrawal_closed", "The days for withdrawing are over, or the law gives none"


def withdrawal_until(plan: Plan) -> date | None:
    """The last day on which the agreement can be undone; None where there is no such right."""
    days = plan.rules.withdrawal_days
    return plan.start_on + timedelta(days=days) if days else None


def require_withdrawal(plan: Plan, on: date) -> None:
    """Refuse a withdrawal that comes too late or twice.

    Raises:
        WithdrawalClosedError: Says until when it was possible.
    """
    until = withdrawal_until(plan)
    if until is None or on > until or plan.withdrawn_on or plan.state is not PlanState.ACTIVE:
        raise WithdrawalClosedError(
            f"{plan.id} is {plan.state}; "
            + (f"it could be withdrawn from until {until}" if until else "its jurisdiction has no withdrawal")
        )


def withdraw(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: no fee any more, and all principal left is due as one payment within the legal days.

    Args:
        plan: Settled to the operation's day.
        operation: No amount.
    """
    if plan.state is not PlanState.ACTIVE:
        return plan, Effect()
    on = operation.on
    fee_unpaid, fee_paid = plan.fee_unpaid_minor, sum([row.fee_paid_minor for row in plan.rows])
    late_paid = sum([row.late_paid_minor for row in plan.rows])
    books = Books(plan)
    books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_FEE, fee_unpaid)
    books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_CREDIT_BALANCE, fee_paid)
    books.move(Account.LATE_INCOME, Account.CUSTOMER_CREDIT_BALANCE, late_paid)
    return_subsidy(books, sum([row.subsidy_minor for row in plan.rows]))
    rows = [_without_charges(plan, row, on) for row in plan.rows]
    last = rows[-1]
    rows[-1] = replace(
        last,
        principal_minor=last.principal_paid_minor + plan.principal_unpaid_minor,
        original_minor=max(last.original_minor, plan.principal_unpaid_minor),
        due_on=on + timedelta(days=plan.rules.withdrawal_payment_days),
    )
    new = replace(plan, rows=tuple(rows), withdrawn_on=on)
    return new, Effect(
        credit_balance_minor=fee_paid + late_paid,
        postings=books.postings,
        notices=(Notice("plan.withdrawn"),),
    )


def _without_charges(plan: Plan, row: Row, on: date) -> Row:
    return replace(
        row,
        principal_minor=row.principal_paid_minor,
        fee_minor=0,
        fee_paid_minor=0,
        fee_refunded_minor=row.fee_refunded_minor + row.fee_minor,
        subsidy_minor=0,
        late_paid_minor=0,
        late_waived_minor=late_charge_minor(plan, row, on),
        disputed=False,
    )
