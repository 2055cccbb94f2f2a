"""A merchant gives goods money back: the plan shrinks, and what had been repaid becomes credit balance.

Three parts of a refund, in this order: principal not paid yet, principal already paid, down payment. How the first is
spread over installments is the plan's policy; what happens to their fees follows from policy and price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from functions.core.errors import InvalidError
from functions.core.money import allocate, round_ratio
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Notice, merchant_loss, merchant_side, return_subsidy
from functions.lending.changes.accrual import ANNUAL, with_interest_of
from functions.lending.changes.day_zero import within_quoted_rate
from functions.lending.late import late_charge_minor
from functions.lending.plan import Operation, Plan, PlanState, Row, with_rows
from functions.lending.rules import REFUND_POLICIES


class RefundKind(IntEnum):
    """Why; the stored number never changes."""

    REFUND = 0
    REVERSAL = 1
    DISPUTE = 2


class Bearer(IntEnum):
    """Who pays for what goes back to the customer; the stored number never changes."""

    MERCHANT = 0
    LENDER = 1


class ZeroRefundError(InvalidError):
    code, title = "zero_refund", "A refund is at least one minor unit"


class RefundExceedsRemainderError(InvalidError):
    code, title = "refund_exceeds_remaining", "The refund is over what could still be refunded"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a refund took out of rows. Minor units.

    Args:
        fee_unpaid_minor: Fee that need not be paid any more.
        fee_paid_minor: Fee paid before and now given back.
        late_minor: Late charge paid before and now given back.
        subsidy_minor: Subsidy given back to the merchant.
    """

    fee_unpaid_minor: int
    fee_paid_minor: int
    late_minor: int
    subsidy_minor: int


def require_refund(plan: Plan, amount_minor: int) -> None:
    """Refuse a refund that can't be.

    Raises:
        ZeroRefundError: Below one minor unit.
        RefundExceedsRemainderError: Carries `remaining_minor`.
    """
    if type(amount_minor) is not int or amount_minor < 1:
        raise ZeroRefundError(f"a refund is an int of at least 1 minor unit, not {amount_minor!r}")
    remaining = plan.refundable_minor
    if amount_minor > remaining:
        raise RefundExceedsRemainderError(
            f"{amount_minor} is {amount_minor - remaining} over the {remaining} that can still be refunded",
            remaining_minor=remaining,
        )


def encode_option(policy: str, kind: RefundKind, bearer: Bearer) -> int:
    """The journal's number for how a refund was made."""
    return (REFUND_POLICIES.index(policy) * len(RefundKind) + kind) * len(Bearer) + bearer


def decode_option(option: int) -> tuple[str, RefundKind, Bearer]:
    """Inverse of `encode_option`."""
    rest, bearer = divmod(option, len(Bearer))
    policy, kind = divmod(rest, len(RefundKind))
    return REFUND_POLICIES[policy], RefundKind(kind), Bearer(bearer)


def refund(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: shrink the plan by a refund.

    Args:
        plan: Settled to the operation's day.
        operation: Option: from `encode_option`; the amount is at most `plan.refundable_minor`.
    """
    on = operation.on
    policy, _kind, bearer = decode_option(operation.option)
    financed = min(operation.amount_minor, plan.captured_minor - plan.refunded_minor)
    unpaid = min(financed, plan.principal_unpaid_minor)
    paid = financed - unpaid
    full = financed == plan.captured_minor - plan.refunded_minor
    new = _without_paid(_without_unpaid(plan, unpaid, policy), paid)
    if full:
        new = _without_any_charge(new, on)
    else:
        new = within_quoted_rate(_FEES[_fee_rule(plan, policy)](new, plan, on), on)
    charged_off = plan.state is PlanState.CHARGED_OFF
    new = replace(
        new,
        refunded_minor=plan.refunded_minor + financed,
        returned_minor=plan.returned_minor + paid,
        charged_off_minor=plan.charged_off_minor - (unpaid if charged_off else 0),
        down_payment_returned_minor=plan.down_payment_returned_minor + operation.amount_minor - financed,
    )
    return new, _effect(plan, new, unpaid, operation.amount_minor - unpaid, bearer)


def _without_unpaid(plan: Plan, amount_minor: int, policy: str) -> Plan:
    """Take unpaid principal out of the rows that the policy names."""
    rows = [row for row in plan.rows if row.principal_unpaid_minor]
    unpaid = [row.principal_unpaid_minor for row in rows]
    if not amount_minor:
        return plan
    if policy == "pro_rata":
        shares = list(allocate(amount_minor, unpaid))
    else:
        if policy == "last_first":
            rows, unpaid = rows[::-1], unpaid[::-1]
        shares = []
        for each in unpaid:
            shares.append(min(each, amount_minor))
            amount_minor -= shares[-1]
    return with_rows(
        plan,
        {
            row.number: replace(
                row,
                principal_minor=row.principal_minor - share,
                principal_refunded_minor=row.principal_refunded_minor + share,
            )
            for row, share in zip(rows, shares, strict=True)
            if share
        },
    )


def _without_paid(plan: Plan, amount_minor: int) -> Plan:
    """Take paid principal out of all rows alike, and out of what was paid ahead."""
    if not amount_minor:
        return plan
    *shares, ahead = allocate(amount_minor, [*[row.principal_paid_minor for row in plan.rows], plan.prepaid_minor])
    rows = [
        replace(
            row,
            principal_minor=row.principal_minor - share,
            principal_paid_minor=row.principal_paid_minor - share,
            principal_refunded_minor=row.principal_refunded_minor + share,
        )
        if share
        else row
        for row, share in zip(plan.rows, shares, strict=True)
    ]
    return replace(plan, rows=tuple(rows), prepaid_minor=plan.prepaid_minor - ahead)


def _fee_rule(plan: Plan, policy: str) -> str:
    if plan.terms.pricing.kind == ANNUAL:
        return ANNUAL
    return "alike" if policy == "pro_rata" else "rate_on_rest"


def _interest_ahead(new: Plan, old: Plan, on: date) -> Plan:
    """Annual rate: a principal reduction on its day; interest to date stays."""
    return with_interest_of(new, old, on, subsidy_too=True)


def _alike(new: Plan, old: Plan, _on: date) -> Plan:
    """Fee of unpaid rows shrinks in the proportion in which their principal did; likewise that of paid ones."""
    pairs = [(row, was) for row, was in zip(new.rows, old.rows, strict=True) if was.principal_unpaid_minor]
    whole = sum([was.principal_unpaid_minor for _row, was in pairs])
    kept = sum([row.principal_unpaid_minor for row, _was in pairs])
    unpaid = [was.fee_unpaid_minor for _row, was in pairs]
    # Of a row paid in part, the subsidy on the paid part is used up.
    subsidy = [round_ratio(w.subsidy_minor * w.principal_unpaid_minor, w.principal_minor) for _row, w in pairs]
    fee_cuts, subsidy_cuts = (
        allocate(sum(each) - round_ratio(sum(each) * kept, whole), each) if sum(each) else (0,) * len(pairs)
        for each in (unpaid, subsidy)
    )
    changed = {
        row.number: _with_fee(row, row.fee_minor - cut, row.subsidy_minor - subsidy_cut)
        for (row, _was), cut, subsidy_cut in zip(pairs, fee_cuts, subsidy_cuts, strict=True)
    }
    return _with_paid_fee_share(with_rows(new, changed), old)


def _rate_on_rest(new: Plan, old: Plan, _on: date) -> Plan:
    """Flat price, whole rows taken out: the fee of each kept row is the product's rate on what is left of the sale.

    A row kept in part bears its part, or the rate of a short rest would rise.
    """
    before = old.captured_minor - old.refunded_minor
    after = sum([row.principal_minor for row in new.rows]) + new.prepaid_minor
    changed = {}
    for row, was in zip(new.rows, old.rows, strict=True):
        # Unpaid principal only: what was taken out of paid principal scales through `after` alone.
        gone = min(was.principal_unpaid_minor, row.principal_refunded_minor - was.principal_refunded_minor)
        kept, whole = after, before
        if gone:
            kept, whole = after * (was.principal_minor - gone), before * was.principal_minor
        changed[row.number] = _with_fee(
            row, round_ratio(was.fee_minor * kept, whole), round_ratio(was.subsidy_minor * kept, whole)
        )
    return with_rows(new, changed)


_FEES: Final[Mapping[str, Callable[[Plan, Plan, date], Plan]]] = MappingProxyType(
    {ANNUAL: _interest_ahead, "alike": _alike, "rate_on_rest": _rate_on_rest}
)


def _with_fee(row: Row, fee_minor: int, subsidy_minor: int) -> Row:
    """The row with a lower fee; what was paid above it is given back."""
    fee = min(row.fee_minor, fee_minor)
    return replace(
        row,
        fee_minor=fee,
        fee_paid_minor=min(row.fee_paid_minor, fee),
        fee_refunded_minor=row.fee_refunded_minor + row.fee_minor - fee,
        subsidy_minor=min(row.subsidy_minor, subsidy_minor),
    )


def _with_paid_fee_share(new: Plan, old: Plan) -> Plan:
    """The fee of paid rows goes back in proportion to what of their principal did."""
    changed = {}
    for row, was in zip(new.rows, old.rows, strict=True):
        gone = was.principal_paid_minor - row.principal_paid_minor
        if gone and row.fee_paid_minor:
            left = was.principal_paid_minor - gone
            changed[row.number] = _with_fee(
                row,
                row.fee_unpaid_minor + round_ratio(was.fee_paid_minor * left, was.principal_paid_minor),
                round_ratio(row.subsidy_minor * left, was.principal_paid_minor),
            )
    return with_rows(new, changed)


def _without_any_charge(plan: Plan, on: date) -> Plan:
    """A full refund returns every fee and late charge."""
    return replace(
        plan,
        rows=tuple(
            [
                replace(
                    _with_fee(row, 0, 0),
                    late_paid_minor=0,
                    late_waived_minor=late_charge_minor(plan, row, on),
                )
                for row in plan.rows
            ]
        ),
    )


def _effect(old: Plan, new: Plan, unpaid: int, paid: int, bearer: Bearer) -> Effect:
    returned = _returned(old, new)
    fee_and_late = returned.fee_paid_minor + returned.late_minor
    books = Books(old)
    payer = Account.DISPUTE_LOSS if bearer is Bearer.LENDER else Account.MERCHANT_PAYABLE
    books.move(payer, Account.CUSTOMER_CREDIT_BALANCE, paid)
    if old.state is PlanState.CHARGED_OFF:
        loss = merchant_loss(old, old.charged_off_minor) - merchant_loss(old, old.charged_off_minor - unpaid)
        books.move(payer, Account.RECOVERY, unpaid - loss)
        books.move(Account.RECOVERY, Account.CUSTOMER_CREDIT_BALANCE, fee_and_late)
        return_subsidy(books, returned.subsidy_minor, Account.RECOVERY)
    else:
        uncollected = old.rules.on_collection
        books.move(merchant_side(old) if uncollected else payer, Account.CUSTOMER_PRINCIPAL, unpaid)
        books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_FEE, returned.fee_unpaid_minor)
        books.move(Account.DEFERRED_FEE_INCOME, Account.CUSTOMER_CREDIT_BALANCE, returned.fee_paid_minor)
        books.move(Account.LATE_INCOME, Account.CUSTOMER_CREDIT_BALANCE, returned.late_minor)
        return_subsidy(books, returned.subsidy_minor)
    return Effect(
        credit_balance_minor=paid + fee_and_late,
        postings=books.postings,
        notices=(Notice("refund.created"),),
    )


def _returned(old: Plan, new: Plan) -> Returned:
    pairs = list(zip(old.rows, new.rows, strict=True))
    return Returned(
        sum([a.fee_unpaid_minor - b.fee_unpaid_minor for a, b in pairs]),
        sum([a.fee_paid_minor - b.fee_paid_minor for a, b in pairs]),
        sum([a.late_paid_minor - b.late_paid_minor for a, b in pairs]),
        sum([a.subsidy_minor - b.subsidy_minor for a, b in pairs]),
    )
