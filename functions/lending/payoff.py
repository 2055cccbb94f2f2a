"""Closing a plan early: remaining principal, fee to the day, late charge; paying exactly that closes it at zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from functions.core.errors import ConflictError, InvalidError
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Source
from functions.lending.changes.accrual import accrued_fee_minor
from functions.lending.changes.prepayment import PREPAY_MODES, prepay
from functions.lending.changes.waterfall import Paid, book_payment, with_principal_repaid
from functions.lending.late import late_due_minor, settle
from functions.lending.plan import Operation, Plan, PlanState, Row


class QuoteVoidError(ConflictError):
    code, title = "payoff_quote_void", "This payoff quote is no longer valid"


class PayoffShortError(InvalidError):
    code, title = "payoff_short", "This does not pay the plan off"


class NothingToPayOffError(ConflictError):
    code, title = "nothing_to_pay_off", "The plan has nothing left to pay off"


@dataclass(frozen=True, slots=True)
class PayoffQuote:
    """What closes a plan on one day. Minor units.

    Args:
        plan_id: Of which plan.
        on: The day it is valid, where the customer is.
        revision: Of the plan; any operation after it voids the quote.
        principal_minor: All principal left.
        fee_minor: Fee to the day, less what of it was paid.
        late_minor: Late charge to the day.
        saved_minor: Fee that need not be paid any more.
    """

    plan_id: str
    on: date
    revision: int
    principal_minor: int
    fee_minor: int
    late_minor: int
    saved_minor: int

    @property
    def total_minor(self) -> int:
        """What to pay."""
        return self.principal_minor + self.fee_minor + self.late_minor


def payoff_quote(plan: Plan, on: date) -> PayoffQuote:
    """What closes a plan on a day.

    Args:
        plan: Active, or charged off: then all that is still claimed.
        on: Value date of the payment, not before the plan's last operation.

    Raises:
        NothingToPayOffError: Nothing is left to pay.
        QuoteVoidError: The day is before the plan's last operation.

    Source: fee of the installments due by the day, and the current one's by elapsed days over its period's days.
    """
    if on < plan.settled_on:
        raise QuoteVoidError(f"the plan has changed on {plan.settled_on}; a payoff can't be quoted for {on}")
    plan = settle(plan, on)
    fees = {row.number: _fee_to_day(plan, row, on) for row in plan.rows}
    fee_minor = sum([fees[row.number] - row.fee_paid_minor for row in plan.rows])
    quote = PayoffQuote(
        plan.id,
        on,
        plan.revision,
        plan.principal_unpaid_minor,
        fee_minor,
        sum([late_due_minor(plan, row, on) for row in plan.rows]),
        plan.fee_unpaid_minor - fee_minor,
    )
    if not quote.total_minor:
        raise NothingToPayOffError(f"{plan.id} is {plan.state} and has nothing left to pay")
    return quote


def _fee_to_day(plan: Plan, row: Row, on: date) -> int:
    if plan.state is PlanState.CHARGED_OFF or plan.rules.payoff == "all_remaining":
        return row.fee_minor
    return max(row.fee_paid_minor, accrued_fee_minor(plan, row, on))


def require_payoff(plan: Plan, quote: PayoffQuote, amount_minor: int) -> None:
    """Refuse a payoff that is not the one quoted.

    Raises:
        QuoteVoidError: The plan has changed since the quote.
        PayoffShortError: Less than the quote; carries how much is missing.
    """
    if quote.plan_id != plan.id or quote.revision != plan.revision:
        raise QuoteVoidError("the plan has changed since it was quoted; ask for a new quote")
    missing = quote.total_minor - amount_minor
    if missing > 0:
        raise PayoffShortError(
            f"{missing} minor units are missing to pay the plan off",
            missing_minor=missing,
            total_minor=quote.total_minor,
        )


def pay_off(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: close the plan; what is over becomes credit balance.

    When an earlier payment was taken away and the amount no longer suffices (only a replay can bring that), it pays
    what is due and then principal ahead.

    Args:
        plan: Settled to the operation's day.
        operation: Option: its `Source`.
    """
    on, amount, source = operation.on, operation.amount_minor, Source(operation.option)
    books = Books(plan)
    try:
        quote = payoff_quote(plan, on)
    except NothingToPayOffError:
        return plan, book_payment(books, plan, Paid(), amount, source)
    if amount < quote.total_minor:
        return prepay(plan, replace(operation, option=source * len(PREPAY_MODES)))
    new = with_principal_repaid(_closed(plan, on), quote.principal_minor, on)
    if plan.state is not PlanState.CHARGED_OFF:
        books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_FEE, quote.saved_minor)
    paid = Paid(quote.principal_minor, quote.fee_minor, quote.late_minor)
    return new, book_payment(books, plan, paid, amount - quote.total_minor, source)


def _closed(plan: Plan, on: date) -> Plan:
    rows = []
    for row in plan.rows:
        fee = _fee_to_day(plan, row, on)
        rows.append(
            replace(
                row,
                fee_minor=fee,
                fee_paid_minor=fee,
                principal_paid_minor=row.principal_minor,
                late_paid_minor=row.late_paid_minor + late_due_minor(plan, row, on),
                disputed=False,
            )
        )
    return replace(plan, rows=tuple(rows))
