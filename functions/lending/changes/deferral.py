"""Hardship: the next due days move, the cost is shown first, and who asked is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from functions.core.errors import ConflictError, InvalidError
from functions.core.money import BPS, round_half_up
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Notice
from functions.lending.changes.accrual import ANNUAL, balances_ahead, period_start_on, year_part
from functions.lending.plan import Operation, Plan, PlanState, Row, with_rows

ASKED_BY: Final = ("customer", "staff", "policy")
MAX_DEFERRAL_DAYS: Final = 92


class DeferralLimitError(ConflictError):
    code, title = "deferral_limit", "The plan can't be deferred again"


class DeferralRefusedError(InvalidError):
    code, title = "deferral_refused", "These due days can't move like this"


def encode_option(installments: int, asked_by: str) -> int:
    """The journal's number for how many due days move and who asked."""
    return installments * len(ASKED_BY) + ASKED_BY.index(asked_by)


def require_deferral(plan: Plan, installments: int, days: int, asked_by: str, on: date) -> None:
    """Refuse a deferral that the rules or the calendar don't allow.

    Raises:
        DeferralLimitError: The plan is not active, or was deferred as often as its rules allow.
        DeferralRefusedError: Nothing is due next, too many days, or a due day would overtake the one after it.
    """
    if plan.state is not PlanState.ACTIVE or plan.deferrals >= plan.rules.deferrals_max:
        raise DeferralLimitError(
            f"{plan.id} is {plan.state} and was deferred {plan.deferrals} of {plan.rules.deferrals_max} times",
            deferrals=plan.deferrals,
            deferrals_max=plan.rules.deferrals_max,
        )
    if asked_by not in ASKED_BY:
        raise DeferralRefusedError(f"asked_by is one of {', '.join(ASKED_BY)}")
    if not 1 <= days <= MAX_DEFERRAL_DAYS:
        raise DeferralRefusedError(f"a deferral is 1 to {MAX_DEFERRAL_DAYS} days, not {days}")
    moved = next_rows(plan, installments, on)
    if not 1 <= installments <= len(moved):
        raise DeferralRefusedError(f"{len(moved)} of the next {installments} installments are still to pay")
    after = plan.rows[moved[-1].number :]
    last = moved[-1].due_on + timedelta(days=days)
    if after and last > after[0].due_on:
        raise DeferralRefusedError(
            f"installment {moved[-1].number} would be due {(last - after[0].due_on).days} days after the next one"
        )


def next_rows(plan: Plan, installments: int, on: date) -> tuple[Row, ...]:
    """The first installments due on a day or later that are still to pay."""
    return tuple([row for row in plan.rows if row.due_on >= on and row.unpaid_minor][: max(0, installments)])


def defer(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: move the next due days; at an annual rate the longer use of the money costs its interest.

    Args:
        plan: Settled to the operation's day.
        operation: Amount: days; option: from `encode_option`.
    """
    installments, _asked_by = divmod(operation.option, len(ASKED_BY))
    moved = next_rows(plan, installments, operation.on)
    step = timedelta(days=operation.amount_minor)
    if plan.state is not PlanState.ACTIVE:
        return plan, Effect()
    new = with_rows(plan, {row.number: replace(row, due_on=row.due_on + step) for row in moved})
    if plan.terms.pricing.kind == ANNUAL and moved:
        new = _with_interest(new, plan, moved[0].number)
    books = Books(plan)
    books.move(Account.CUSTOMER_FEE, Account.DEFERRED_FEE_INCOME, new.fee_unpaid_minor - plan.fee_unpaid_minor)
    notice = Notice("plan.deferred", tuple([row.number for row in moved]))
    return replace(new, deferrals=plan.deferrals + 1), Effect(postings=books.postings, notices=(notice,))


def _with_interest(new: Plan, old: Plan, first: int) -> Plan:
    """Interest follows the lengths of the periods, each on the principal that was to come."""
    balances = balances_ahead(new.rows, new.rows[first - 1].due_on - timedelta(days=1))
    share_bps = BPS - old.terms.subsidy_bps
    changed = {}
    for row, was in zip(new.rows[first - 1 :], old.rows[first - 1 :], strict=True):
        longer = year_part(new, period_start_on(new, row), row.due_on) - year_part(
            old, period_start_on(old, was), was.due_on
        )
        extra = round_half_up(balances[row.number] * longer * share_bps / BPS)
        changed[row.number] = replace(row, fee_minor=max(row.fee_paid_minor, row.fee_minor + extra))
    return with_rows(new, changed)
