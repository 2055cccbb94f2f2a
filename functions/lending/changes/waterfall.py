"""How a payment flows through one plan: installments by due day, and inside each the plan's waterfall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from functions.ledger.accounts import Account
from functions.lending.cash import SOURCE_ACCOUNTS, Books, Effect, Source, merchant_loss
from functions.lending.late import late_due_minor
from functions.lending.plan import Operation, Plan, PlanState, Release, Row, with_rows
from functions.lending.rules import FEE, LATE, PRINCIPAL, WATERFALLS


@dataclass(frozen=True, slots=True)
class Paid:
    """How much of a payment each part took. Minor units."""

    principal_minor: int = 0
    fee_minor: int = 0
    late_minor: int = 0

    @property
    def total_minor(self) -> int:
        """All three."""
        return self.principal_minor + self.fee_minor + self.late_minor

    def __add__(self, other: Paid) -> Paid:
        return Paid(
            self.principal_minor + other.principal_minor,
            self.fee_minor + other.fee_minor,
            self.late_minor + other.late_minor,
        )


_OWED: Final[Mapping[str, Callable[[Plan, Row, date], int]]] = MappingProxyType(
    {
        LATE: late_due_minor,
        FEE: lambda _plan, row, _on: row.fee_unpaid_minor,
        PRINCIPAL: lambda _plan, row, _on: row.principal_unpaid_minor,
    }
)


def row_due_minor(plan: Plan, row: Row, on: date) -> int:
    """All that paying an installment takes on a day: principal, fee and late charge."""
    return row.unpaid_minor + late_due_minor(plan, row, on)


def payable(plan: Plan, on: date) -> tuple[Row, ...]:
    """The installments a payment may go to on a day, oldest due day first.

    Those due on or before it that no open dispute covers; every one of a charged-off plan, whose debt is due whole.

    Args:
        plan: As of its last operation.
        on: Value date.
    """
    all_due = plan.state is PlanState.CHARGED_OFF
    # Whatever moves due days keeps their order, so the rows' own order is that of their due days.
    return tuple(
        [
            row
            for row in plan.rows
            if (all_due or row.due_on <= on) and not row.disputed and row_due_minor(plan, row, on)
        ]
    )


def pay_due(plan: Plan, amount_minor: int, on: date) -> tuple[Plan, Paid]:
    """Pay what is due, as far as the amount goes.

    Args:
        plan: Settled to `on`.
        amount_minor: Money at hand.
        on: Value date.
    """
    left, paid, changed = amount_minor, Paid(), {}
    for row in payable(plan, on):
        if not left:
            break
        part = _split(plan, row, left, on)
        left -= part.total_minor
        paid += part
        changed[row.number] = replace(
            row,
            principal_paid_minor=row.principal_paid_minor + part.principal_minor,
            fee_paid_minor=row.fee_paid_minor + part.fee_minor,
            late_paid_minor=row.late_paid_minor + part.late_minor,
        )
    return with_principal_repaid(with_rows(plan, changed), paid.principal_minor, on), paid


def _split(plan: Plan, row: Row, amount_minor: int, on: date) -> Paid:
    shares = {}
    for part in WATERFALLS[plan.rules.waterfall]:
        shares[part] = min(amount_minor, _OWED[part](plan, row, on))
        amount_minor -= shares[part]
    return Paid(shares[PRINCIPAL], shares[FEE], shares[LATE])


def with_principal_repaid(plan: Plan, amount_minor: int, on: date) -> Plan:
    """Count principal as repaid; it leaves the claim of a charged-off plan, and may stay held on the line a while.

    Args:
        plan: Its rows already say so.
        amount_minor: Principal.
        on: Value date; the release hold counts from it.
    """
    if not amount_minor:
        return plan
    repaid = plan.repaid_minor + amount_minor
    if plan.state is PlanState.CHARGED_OFF:
        return replace(plan, repaid_minor=repaid, charged_off_minor=plan.charged_off_minor - amount_minor)
    releases = plan.releases
    if plan.rules.release_hold_days:
        until = on + timedelta(days=plan.rules.release_hold_days)
        releases = (*releases, Release(until, amount_minor))
    return replace(plan, repaid_minor=repaid, releases=releases)


def book_payment(books: Books, plan: Plan, paid: Paid, credit_minor: int, source: Source) -> Effect:
    """Post a payment and what of it becomes credit balance.

    Args:
        books: Of this operation.
        plan: Before the payment; a charged-off plan's payments are recoveries.
        paid: What the plan took.
        credit_minor: What it did not take.
        source: Where the money comes from.
    """
    cash = SOURCE_ACCOUNTS[source]
    if plan.state is PlanState.CHARGED_OFF:
        merchant_minor = merchant_loss(plan, plan.charged_off_minor) - merchant_loss(
            plan, plan.charged_off_minor - paid.principal_minor
        )
        books.move(cash, Account.MERCHANT_PAYABLE, merchant_minor)
        books.move(cash, Account.RECOVERY, paid.total_minor - merchant_minor)
    else:
        books.move(cash, Account.CUSTOMER_PRINCIPAL, paid.principal_minor)
        books.move(cash, Account.CUSTOMER_FEE, paid.fee_minor)
        books.move(cash, Account.LATE_INCOME, paid.late_minor)
        if plan.rules.on_collection:
            books.move(Account.MERCHANT_UNCOLLECTED, Account.MERCHANT_PAYABLE, paid.principal_minor)
    from_credit = source is Source.CREDIT_BALANCE
    if not from_credit:
        books.move(cash, Account.CUSTOMER_CREDIT_BALANCE, credit_minor)
    return Effect(
        principal_minor=paid.principal_minor,
        fee_minor=paid.fee_minor,
        late_minor=paid.late_minor,
        credit_balance_minor=-paid.total_minor if from_credit else credit_minor,
        postings=books.postings,
    )


def repay(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: pay what is due; the rest becomes credit balance.

    Args:
        plan: Settled to the operation's day.
        operation: Option: its `Source`.
    """
    new, paid = pay_due(plan, operation.amount_minor, operation.on)
    credit = operation.amount_minor - paid.total_minor
    return new, book_payment(Books(plan), plan, paid, credit, Source(operation.option))
