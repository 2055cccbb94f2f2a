"""Paying principal ahead: the installments to come shrink, and with them the fee not earned yet.

`keep_term` keeps the due days and lowers each payment; `keep_payment` keeps the payment and ends sooner. A flat fee is
a price per month on what is financed, so paying part of that early lowers it in proportion from the next period on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from functions.core.money import allocate, round_ratio
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Source
from functions.lending.changes.accrual import (
    ANNUAL,
    accrued_fee_minor,
    balances_ahead,
    elapsed_part,
    row_on_balance,
    with_interest_of,
)
from functions.lending.changes.waterfall import Paid, book_payment, pay_due, with_principal_repaid
from functions.lending.plan import Operation, Plan, PlanState, Row, with_rows

KEEP_TERM, KEEP_PAYMENT = "keep_term", "keep_payment"
PREPAY_MODES: Final = (KEEP_TERM, KEEP_PAYMENT)


def rows_ahead(plan: Plan, on: date) -> tuple[Row, ...]:
    """Installments not due yet that still have principal; a charged-off plan has none, its debt is due whole."""
    if plan.state is not PlanState.ACTIVE:
        return ()
    return tuple([row for row in plan.rows if row.due_on > on and row.principal_unpaid_minor])


def prepay(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: pay what is due, then principal ahead; what is over becomes credit balance.

    Args:
        plan: Settled to the operation's day.
        operation: Option: `Source` × 2 + index into `PREPAY_MODES`.
    """
    source, mode = divmod(operation.option, len(PREPAY_MODES))
    new, paid = pay_due(plan, operation.amount_minor, operation.on)
    left = operation.amount_minor - paid.total_minor
    ahead_minor = min(left, sum([row.principal_unpaid_minor for row in rows_ahead(new, operation.on)]))
    paid += Paid(principal_minor=ahead_minor)
    fee_before = new.fee_unpaid_minor
    new = with_principal_ahead(new, ahead_minor, operation.on, PREPAY_MODES[mode])
    books = Books(plan)
    books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_FEE, fee_before - new.fee_unpaid_minor)
    return new, book_payment(books, plan, paid, left - ahead_minor, Source(source))


def with_principal_ahead(plan: Plan, amount_minor: int, on: date, mode: str) -> Plan:
    """The plan after principal was paid ahead.

    Args:
        plan: Settled, with nothing due left in front of it.
        amount_minor: At most the principal of `rows_ahead`.
        on: Value date.
        mode: One of `PREPAY_MODES`.
    """
    if not amount_minor:
        return plan
    shrink = _shorter if mode == KEEP_PAYMENT else _lower
    new = shrink(plan, amount_minor, on)
    new = replace(new, prepaid_minor=new.prepaid_minor + amount_minor)
    return with_principal_repaid(new, amount_minor, on)


def _lower(plan: Plan, amount_minor: int, on: date) -> Plan:
    """Every coming installment shrinks alike."""
    ahead = rows_ahead(plan, on)
    unpaid = [row.principal_unpaid_minor for row in ahead]
    shares = allocate(amount_minor, unpaid)
    new = with_rows(
        plan,
        {
            row.number: replace(row, principal_minor=row.principal_minor - share)
            for row, share in zip(ahead, shares, strict=True)
        },
    )
    if plan.terms.pricing.kind == ANNUAL:
        return with_interest_of(new, plan, on, subsidy_too=False)
    whole = sum(unpaid)
    return _with_fee_ahead(new, on, whole - amount_minor, whole)


def _with_fee_ahead(plan: Plan, on: date, kept: int, whole: int) -> Plan:
    """Fee of the time to come scaled to kept / whole; fee to date stays."""
    rows = [row for row in plan.rows if row.due_on > on and row.fee_unpaid_minor]
    changed = {}
    later = []
    for row in rows:
        if elapsed_part(plan, row, on):
            earned = max(accrued_fee_minor(plan, row, on), row.fee_paid_minor)
            changed[row.number] = _with_fee(row, earned + round_ratio((row.fee_minor - earned) * kept, whole))
        else:
            later.append(row)
    ahead = [row.fee_minor - max(row.fee_paid_minor, accrued_fee_minor(plan, row, on)) for row in later]
    if any(ahead):
        cuts = allocate(sum(ahead) - round_ratio(sum(ahead) * kept, whole), ahead)
        changed |= {row.number: _with_fee(row, row.fee_minor - cut) for row, cut in zip(later, cuts, strict=True)}
    return with_rows(plan, changed)


def _with_fee(row: Row, fee_minor: int) -> Row:
    return replace(row, fee_minor=max(row.fee_paid_minor, fee_minor))


def _shorter(plan: Plan, amount_minor: int, on: date) -> Plan:
    """Each installment costs what it did, less of it fee and more principal, until the principal is paid."""
    whole = sum([row.principal_unpaid_minor for row in rows_ahead(plan, on)])
    balance = whole - amount_minor
    annual = plan.terms.pricing.kind == ANNUAL
    was = balances_ahead(plan.rows, on)
    cheaper = plan if annual else _with_fee_ahead(plan, on, balance, whole)
    changed = {}
    for before, now in zip(plan.rows, cheaper.rows, strict=True):
        if before.number not in was:
            continue
        row = row_on_balance(plan, now, was[now.number], balance, on, subsidy_too=False) if annual else now
        if row.principal_unpaid_minor:
            full = before.unpaid_minor - row.fee_unpaid_minor
            part = min(balance, full)
            balance -= part
            if not annual and part < full:
                # A flat fee is for a month of a full part; a last, smaller one bears its share.
                fee = row.fee_unpaid_minor
                row = _with_fee(row, row.fee_paid_minor + round_ratio(fee * part, full))
            row = replace(row, principal_minor=row.principal_paid_minor + part)
        changed[row.number] = row
    return with_rows(plan, changed)
