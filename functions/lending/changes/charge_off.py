"""Giving up on a debt in the books, not towards the customer: the claim stays, and later money is a recovery."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from functions.core.errors import ConflictError
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, merchant_loss
from functions.lending.plan import Operation, Plan, PlanState, days_past_due


class ChargeOffTooEarlyError(ConflictError):
    code, title = "charge_off_too_early", "The plan is not overdue long enough to be charged off"


def require_charge_off(plan: Plan, on: date) -> None:
    """Refuse a charge-off before its day.

    Raises:
        ChargeOffTooEarlyError: Carries the days still to go.
    """
    missing = plan.rules.charge_off_days - days_past_due(plan, on)
    if plan.state is not PlanState.ACTIVE or missing > 0:
        raise ChargeOffTooEarlyError(
            f"{plan.id} is {plan.state} and {days_past_due(plan, on)} days past due; "
            f"charge-off is at {plan.rules.charge_off_days}",
            days_missing=max(0, missing),
        )


def charge_off(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: principal becomes an expense and a claim; unpaid fee leaves income.

    It is final: where a replay finds the plan paid before that day, it is charged off with nothing left to claim.

    Args:
        plan: Settled to the operation's day.
        operation: No amount: all that is outstanding.
    """
    amount = plan.outstanding_minor
    loss = merchant_loss(plan, amount) if plan.rules.on_collection else 0
    books = Books(plan)
    books.move(Account.CHARGE_OFF, Account.CUSTOMER_PRINCIPAL, amount - loss)
    books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_FEE, plan.fee_unpaid_minor)
    if plan.rules.on_collection:
        # The lender's part of the loss is paid to the merchant now; the merchant's part never will be.
        books.move(Account.MERCHANT_UNCOLLECTED, Account.MERCHANT_PAYABLE, amount - loss)
        books.move(Account.MERCHANT_UNCOLLECTED, Account.CUSTOMER_PRINCIPAL, loss)
    new = replace(
        plan,
        state=PlanState.CHARGED_OFF,
        charged_off_minor=amount,
        written_off_minor=plan.written_off_minor + amount,
        charged_off_on=operation.on,
    )
    return new, Effect(postings=books.postings)
