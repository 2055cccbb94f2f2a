"""Hardship: what is left of a debt is spread anew over another number of installments, at the annual rate it has.

Principal still to pay and the fee of the time so far go into new rows; the fee of the time to come is given up, and
interest at the plan's own nominal annual rate takes its place, on the balance as it falls. So the rate never rises,
whatever the price was counted by, and a plan without a cost stays without one. Late charge is left as it is: it stays
due on the rows that brought it.

A re-plan is a new agreement: the journal before it is closed, and nothing is valued before its day any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from typing import Final

from functions.core.calendar import add_months, day_count_fraction
from functions.core.errors import ConflictError, InvalidError
from functions.core.money import BPS, allocate, round_half_up
from functions.ledger.accounts import Account
from functions.lending.cash import Books, Effect, Notice
from functions.lending.changes.accrual import ANNUAL, accrued_fee_minor
from functions.lending.changes.deferral import ASKED_BY
from functions.lending.plan import Operation, Plan, PlanState, Row
from functions.lending.terms import MAX_TERM_COUNT, PERIOD_DAYS

MAX_FIRST_DAYS: Final = 62
"""The first new due day is at most this many days away."""
_UNIT_DAYS: Final = {"14d": 26 * 14, "30d": 365}
"""Days that make a year of the periods counted in days."""


class ReplanLimitError(ConflictError):
    code, title = "replan_limit", "The plan can't be re-planned again"


class ReplanRefusedError(InvalidError):
    code, title = "replan_refused", "The plan can't be re-planned like this"


@dataclass(frozen=True, slots=True)
class NewTerm:
    """What is asked for.

    Args:
        installments: How many, 1 to 60 with the rows that stay.
        first_due_on: The first of them; the others follow by the plan's own period.
        asked_by: One of `ASKED_BY`.
    """

    installments: int
    first_due_on: date
    asked_by: str


def encode(term: NewTerm, on: date) -> tuple[int, int]:
    """A new term as the journal's amount and option."""
    return term.installments, (term.first_due_on - on).days * len(ASKED_BY) + ASKED_BY.index(term.asked_by)


def require_replan(plan: Plan, term: NewTerm, on: date) -> None:
    """Refuse a new term that the rules or the calendar don't allow.

    Raises:
        ReplanLimitError: The plan is not active, or was re-planned as often as its rules allow.
        ReplanRefusedError: Contested, undone or of today; or too many installments, or a first due day too far off.
    """
    rules = plan.rules
    if plan.state is not PlanState.ACTIVE or plan.replans >= rules.replans_max:
        raise ReplanLimitError(
            f"{plan.id} is {plan.state} and was re-planned {plan.replans} of {rules.replans_max} times",
            replans=plan.replans,
            replans_max=rules.replans_max,
        )
    if term.asked_by not in ASKED_BY:
        raise ReplanRefusedError(f"asked_by is one of {', '.join(ASKED_BY)}")
    if plan.disputed_minor or plan.withdrawn_on or on <= plan.start_on or not plan.principal_unpaid_minor:
        raise ReplanRefusedError("a plan is re-planned from its second day on, while nothing is contested or undone")
    most = min(MAX_TERM_COUNT - _kept(plan, on), plan.principal_unpaid_minor)
    if not 1 <= term.installments <= most:
        raise ReplanRefusedError(f"1 to {most} installments are possible, not {term.installments}")
    days = (term.first_due_on - on).days
    if not 1 <= days <= MAX_FIRST_DAYS:
        raise ReplanRefusedError(f"the first due day is 1 to {MAX_FIRST_DAYS} days away, not {days}")


def replan(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: close the rows that are there, and put new ones behind them.

    Args:
        plan: Settled to the operation's day.
        operation: Amount and option: from `encode`.
    """
    if plan.state is not PlanState.ACTIVE:
        return plan, Effect()
    on, days = operation.on, operation.option // len(ASKED_BY)
    carried = carried_fee_minor(plan, on)
    kept = tuple([_closed(row, on) for row in plan.rows[: _kept(plan, on)]])
    ahead = _new_rows(plan, carried, (operation.amount_minor, len(kept)), on, on + timedelta(days=days))
    new = replace(
        plan,
        rows=(*kept, *ahead),
        replans=plan.replans + 1,
        replanned_on=on,
        replanned_from=len(kept) + 1,
        carried_minor=carried,
    )
    books = Books(plan)
    books.move(Account.CUSTOMER_FEE, Account.DEFERRED_FEE_INCOME, new.fee_unpaid_minor - plan.fee_unpaid_minor)
    notice = Notice("plan.replanned", tuple([row.number for row in ahead]))
    return new, Effect(postings=books.postings, notices=(notice,))


def _kept(plan: Plan, on: date) -> int:
    """How many rows, from the first, have a past that must stay."""
    past = [row.number for row in plan.rows if row.due_on <= on or _has_past(row)]
    return max(past, default=0)


def _has_past(row: Row) -> bool:
    paid = row.principal_paid_minor or row.fee_paid_minor or row.late_paid_minor
    return bool(paid or row.late_waived_minor or row.overdue_minor_days or row.paused_days)


def _closed(row: Row, on: date) -> Row:
    """A row of which nothing is left to pay but its late charge."""
    return replace(
        row, due_on=min(row.due_on, on), principal_minor=row.principal_paid_minor, fee_minor=row.fee_paid_minor
    )


def carried_fee_minor(plan: Plan, on: date) -> int:
    """Fee that belongs to the time up to a day and is not paid: it moves into the new rows as it is.

    Args:
        plan: Active.
        on: Day of the re-plan.
    """
    return sum([max(0, accrued_fee_minor(plan, row, on) - row.fee_paid_minor) for row in plan.rows])


def _new_rows(plan: Plan, carried: int, place: tuple[int, int], on: date, first_due_on: date) -> list[Row]:
    many, behind = place
    dues = [_periods_on(plan, first_due_on, k) for k in range(many)]
    lent = level_parts(plan.principal_unpaid_minor, period_rates(plan, on, dues))
    # the merchant's part of the fee was agreed with the merchant: it is not changed, and stands in the new rows
    subsidies = allocate(sum([row.subsidy_minor for row in plan.rows[behind:]]), [1] * many)
    return [
        Row(behind + k, due_on, principal, interest + fee, subsidy, principal + interest + fee)
        for k, (due_on, (principal, interest), fee, subsidy) in enumerate(
            zip(dues, lent, allocate(carried, [1] * many), subsidies, strict=True), start=1
        )
    ]


def _periods_on(plan: Plan, due_on: date, periods: int) -> date:
    days = PERIOD_DAYS.get(plan.terms.period)
    return add_months(due_on, periods) if days is None else due_on + timedelta(days=days * periods)


def next_due_on(plan: Plan, on: date) -> date:
    """The first due day after a day that is still to pay; once all have passed, the next by the plan's own period."""
    ahead = [row.due_on for row in plan.rows if row.due_on > on and row.unpaid_minor]
    last_on = plan.rows[-1].due_on
    return min(ahead) if ahead else next(day for k in count(1) if (day := _periods_on(plan, last_on, k)) > on)


def period_rates(plan: Plan, on: date, dues: Sequence[date]) -> list[Fraction]:
    """Interest of each new period per unit of principal, at the plan's nominal annual rate.

    Args:
        plan: Gives rate, period and day count.
        on: Day of the re-plan; the first period begins on it.
        dues: New due days, ascending.
    """
    year = Fraction(max(0, plan.apr_bps), BPS)
    return [year * _part_of_year(plan, start, due) for start, due in zip([on, *dues], dues, strict=False)]


def _part_of_year(plan: Plan, start_on: date, end_on: date) -> Fraction:
    unit_days = _UNIT_DAYS.get(plan.terms.period)
    if unit_days:
        return Fraction((end_on - start_on).days, unit_days)
    pricing = plan.terms.pricing
    return day_count_fraction(start_on, end_on, pricing.day_count if pricing.kind == ANNUAL else "30/360")


def level_parts(principal_minor: int, rates: Sequence[Fraction]) -> Iterator[tuple[int, int]]:
    """Principal and interest of payments that are all alike but the last, which takes what rounding leaves.

    Args:
        principal_minor: At least one unit for each payment.
        rates: Interest of each period per unit of the balance.
    """
    worth, growth = Fraction(0), Fraction(1)
    for rate in reversed(rates):
        worth += growth
        growth *= 1 + rate
    level = round_half_up(principal_minor * growth / worth)
    balance, left = principal_minor, len(rates)
    for rate in rates:
        left -= 1
        interest = round_half_up(balance * rate)
        part = min(max(level - interest, 1), balance - left) if left else balance
        balance -= part
        yield part, interest
