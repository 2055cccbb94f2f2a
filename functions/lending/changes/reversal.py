"""The customer's bank takes a repayment back: the debt it had paid reopens; the merchant is untouched.

What the payment did to the plan is known from the journal (the plan before and after it) and is taken back figure by
figure from the plan of today, so fee saved by a payoff or prepayment is owed again. Days already charged stay as they
were: late charge on what reopens counts from the day after.

Of the payment's money some may not be on the plan any more: it became credit balance at once, or later through a
refund. That part is taken from the credit balance as far as it is still there, and is a claim on the customer
beyond. So no balance ever goes below zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from functions.core.errors import InvalidError
from functions.ledger.accounts import Account
from functions.lending.cash import SOURCE_ACCOUNTS, Books, Effect, Notice, Source, merchant_loss
from functions.lending.changes.prepayment import PREPAY_MODES
from functions.lending.changes.waterfall import Paid
from functions.lending.plan import Operation, OperationKind, Plan, PlanState, Release, Row, with_rows
from functions.lending.rules import FEE, LATE, PRINCIPAL, WATERFALLS

PAYMENTS = frozenset({OperationKind.REPAY, OperationKind.PREPAY, OperationKind.PAYOFF})


class ReversalMismatchError(InvalidError):
    code, title = "reversal_mismatch", "The repayment had another amount"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment in the journal, with the plan around it.

    Args:
        operation: The payment.
        before: The plan just before it, settled to its day.
        after: The plan just after it.
    """

    operation: Operation
    before: Plan
    after: Plan


@dataclass(frozen=True, slots=True)
class Undone:
    """A plan with a payment taken out, and how much of it was found there."""

    plan: Plan
    paid: Paid
    fee_restored_minor: int


def target_key(operation: Operation) -> bytes:
    """Key of the payment that a reversal is about; the reversal's own key is its complement, so each is unique."""
    return bytes(255 - byte for byte in operation.key)


def reversal_key(key: bytes) -> bytes:
    """Inverse of `target_key`."""
    return bytes(255 - byte for byte in key)


def _goes_back_to(operation: Operation) -> Source:
    """Where a payment's money goes back to: the bank takes it from the rail, whatever account it first came through."""
    prepaid = operation.kind is OperationKind.PREPAY
    source = Source(operation.option // len(PREPAY_MODES) if prepaid else operation.option)
    return source if source in {Source.CREDIT_BALANCE, Source.GOODWILL} else Source.RAIL


def reverse(plan: Plan, operation: Operation, payment: Payment | None) -> tuple[Plan, Effect]:
    """Transform: take a payment back.

    Args:
        plan: Settled to the operation's day.
        operation: Amount: of the payment; option: what the credit balance can give; key: from `reversal_key`.
        payment: The payment as the journal holds it; None when the journal no longer does.
    """
    undone = undo(plan, payment) if payment else undo_newest(plan, operation.amount_minor)
    source = _goes_back_to(payment.operation) if payment else Source.RAIL
    paid, charged_off = undone.paid, plan.state is PlanState.CHARGED_OFF
    from_credit = source is Source.CREDIT_BALANCE
    # What was drawn from the credit balance and is no longer on the plan has gone back to it before.
    rest = 0 if from_credit else operation.amount_minor - paid.total_minor
    credit = min(rest, operation.option)
    given_back = max(0, min(credit, plan.returned_minor, _principal_of(payment) - paid.principal_minor))
    new = replace(
        undone.plan,
        reversed_minor=plan.reversed_minor + paid.principal_minor + given_back,
        returned_minor=plan.returned_minor - given_back,
        releases=_without_held(plan, paid.principal_minor),
        charged_off_minor=plan.charged_off_minor + (paid.principal_minor if charged_off else 0),
    )
    recovered = charged_off and (payment is None or payment.before.state is PlanState.CHARGED_OFF)
    if charged_off and not recovered:
        new = replace(new, written_off_minor=new.written_off_minor + paid.principal_minor)
    books = Books(plan)
    _book(books, plan, undone, source, recovered=recovered)
    books.move(Account.CUSTOMER_CREDIT_BALANCE, SOURCE_ACCOUNTS[source], credit)
    books.move(Account.REPAYMENT_IN_TRANSIT, SOURCE_ACCOUNTS[source], rest - credit)
    return new, Effect(
        principal_minor=-paid.principal_minor,
        fee_minor=-paid.fee_minor,
        late_minor=-paid.late_minor,
        credit_balance_minor=paid.total_minor if from_credit else -credit,
        shortfall_minor=rest - credit,
        postings=books.postings,
        notices=(Notice("repayment.reversed"),),
    )


def _principal_of(payment: Payment | None) -> int:
    return payment.after.repaid_minor - payment.before.repaid_minor if payment else 0


def _book(books: Books, plan: Plan, undone: Undone, source: Source, *, recovered: bool) -> None:
    """Post what reopens; where the plan is charged off it is charged off with it, or the recovery falls."""
    cash, paid = SOURCE_ACCOUNTS[source], undone.paid
    if plan.state is PlanState.CHARGED_OFF:
        loss = merchant_loss(plan, plan.charged_off_minor + paid.principal_minor) - merchant_loss(
            plan, plan.charged_off_minor
        )
        books.move(Account.MERCHANT_PAYABLE, cash, loss)
        owed = paid.principal_minor - loss
        books.move(Account.RECOVERY if recovered else Account.CHARGE_OFF, cash, owed)
        books.move(Account.RECOVERY if recovered else Account.FEE_INCOME, cash, paid.fee_minor)
        books.move(Account.RECOVERY if recovered else Account.LATE_INCOME, cash, paid.late_minor)
        return
    books.move(Account.CUSTOMER_PRINCIPAL, cash, paid.principal_minor)
    books.move(Account.CUSTOMER_FEE, cash, paid.fee_minor)
    books.move(Account.LATE_INCOME, cash, paid.late_minor)
    books.move(Account.CUSTOMER_FEE, Account.DEFERRED_FEE_INCOME, undone.fee_restored_minor)
    if plan.rules.on_collection:
        books.move(Account.MERCHANT_PAYABLE, Account.MERCHANT_UNCOLLECTED, paid.principal_minor)


def _without_held(plan: Plan, amount_minor: int) -> tuple[Release, ...]:
    """What reopens first takes what the line still holds of repayments, newest first."""
    kept = []
    for each in reversed(plan.releases):
        taken = min(amount_minor, each.amount_minor)
        amount_minor -= taken
        if taken < each.amount_minor:
            kept.append(replace(each, amount_minor=each.amount_minor - taken))
    return tuple(reversed(kept))


def undo(plan: Plan, payment: Payment) -> Undone:
    """Take a payment out of a plan, figure by figure.

    Args:
        plan: Of today, settled.
        payment: Which.
    """
    before, after = payment.before, payment.after
    # A full refund or a withdrawal has ended all fees for good.
    charged = plan.withdrawn_on is None and plan.refunded_minor < plan.captured_minor
    rows, paid, restored = [], Paid(), 0
    for row, was, then in zip(plan.rows, before.rows, after.rows, strict=True):
        principal = min(row.principal_paid_minor, then.principal_paid_minor - was.principal_paid_minor)
        fee = min(row.fee_paid_minor, then.fee_paid_minor - was.fee_paid_minor)
        late = min(row.late_paid_minor, then.late_paid_minor - was.late_paid_minor)
        saved = was.fee_minor - then.fee_minor if charged else 0
        owed = max(row.fee_paid_minor - fee, row.fee_minor + saved)
        restored += owed - row.fee_minor
        paid += Paid(principal, fee, late)
        rows.append(
            replace(
                row,
                principal_minor=row.principal_minor + was.principal_minor - then.principal_minor,
                principal_paid_minor=row.principal_paid_minor - principal,
                fee_minor=owed,
                fee_paid_minor=row.fee_paid_minor - fee,
                late_paid_minor=row.late_paid_minor - late,
            )
        )
    ahead = after.prepaid_minor - before.prepaid_minor
    found = min(ahead, plan.prepaid_minor)
    rows = _even(rows, found - ahead)
    new = replace(plan, rows=tuple(rows), prepaid_minor=plan.prepaid_minor - found)
    return Undone(new, paid + Paid(principal_minor=found), restored)


def _even(rows: list[Row], excess: int) -> list[Row]:
    """Rows whose principal covers what they paid, with `excess` added; what one lacks another gives, last first."""
    lack = -excess
    out = []
    for row in rows:
        short = max(0, row.principal_paid_minor - row.principal_minor)
        lack += short
        out.append(replace(row, principal_minor=row.principal_minor + short) if short else row)
    for place in range(len(out) - 1, -1, -1):
        gives = min(lack, out[place].principal_unpaid_minor)
        if gives > 0:
            lack -= gives
            out[place] = replace(out[place], principal_minor=out[place].principal_minor - gives)
    return out


def undo_newest(plan: Plan, amount_minor: int) -> Undone:
    """Take an amount out of what was paid last: for a payment older than the journal.

    Args:
        plan: Of today, settled.
        amount_minor: Of the payment.
    """
    changed, total, left = {}, Paid(), amount_minor
    for row in reversed(plan.rows):
        owed = {PRINCIPAL: row.principal_paid_minor, FEE: row.fee_paid_minor, LATE: row.late_paid_minor}
        taken = {}
        for part in reversed(WATERFALLS[plan.rules.waterfall]):
            taken[part] = min(left, owed[part])
            left -= taken[part]
        paid = Paid(taken[PRINCIPAL], taken[FEE], taken[LATE])
        if paid.total_minor:
            total += paid
            changed[row.number] = replace(
                row,
                principal_paid_minor=row.principal_paid_minor - paid.principal_minor,
                fee_paid_minor=row.fee_paid_minor - paid.fee_minor,
                late_paid_minor=row.late_paid_minor - paid.late_minor,
            )
    new = with_rows(plan, changed)
    ahead = min(left, plan.prepaid_minor)
    if ahead:
        last = new.rows[-1]
        new = with_rows(new, {last.number: replace(last, principal_minor=last.principal_minor + ahead)})
        new = replace(new, prepaid_minor=new.prepaid_minor - ahead)
    return Undone(new, total + Paid(principal_minor=ahead), 0)
