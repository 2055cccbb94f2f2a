"""When a fee becomes income: monthly by the effective rate, and no more while 90 days past due.

A flat fee is charged evenly, but the money it is charged for shrinks; income follows the money. Each period's share is
its interest at the plan's own rate on what is carried (lent, plus what was earned, less what was due), scaled so that
the shares come to the whole fee, subsidy included. An annual rate's interest is its own share already.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from functions.core.money import allocate
from functions.ledger.accounts import Account
from functions.lending.apr import irr_annual
from functions.lending.cash import NOTHING, Books, Effect
from functions.lending.changes.accrual import ANNUAL, elapsed_part
from functions.lending.plan import Plan, PlanState, days_past_due

NON_ACCRUAL_DAYS: Final = 90
_WEIGHT_DIGITS: Final = 6
_MONTHS_IN_YEAR: Final = 12


def earn(plan: Plan, on: date) -> tuple[Plan, Effect]:
    """Take into income what a plan has earned by a day and not taken in yet.

    Changes nothing but `deferred_minor`, so it needs no line in the journal and voids no payoff quote.

    Args:
        plan: As stored.
        on: Usually a month's end; a second run for the same day finds nothing left.

    Source: IFRS 9 B5.4.1 (effective interest); US call report instructions, nonaccrual status at 90 days.
    """
    if plan.state is not PlanState.ACTIVE or days_past_due(plan, on) >= NON_ACCRUAL_DAYS:
        return plan, NOTHING
    gross = sum([row.fee_minor + row.subsidy_minor for row in plan.rows])
    amount = min(plan.deferred_minor, earned_by(plan, on) - (gross - plan.deferred_minor))
    if amount <= 0:
        return plan, NOTHING
    books = Books(plan)
    books.move(Account.DEFERRED_FEE_INCOME, Account.FEE_INCOME, amount)
    return replace(plan, deferred_minor=plan.deferred_minor - amount), Effect(postings=books.postings)


def earned_by(plan: Plan, on: date) -> int:
    """The part of the whole fee, subsidy included, that belongs to the time up to a day; rounded down.

    Args:
        plan: As stored.
        on: Any day.
    """
    shares = income_by_period(plan)
    return sum(
        [int(share * elapsed_part(plan, row, on)) for share, row in zip(shares, plan.rows, strict=True) if share]
    )


def income_by_period(plan: Plan) -> tuple[int, ...]:
    """Each period's part of the whole fee, subsidy included; they sum to it.

    Args:
        plan: As stored; prepaid principal counts as never lent.
    """
    gross = [row.fee_minor + row.subsidy_minor for row in plan.rows]
    principal = [row.principal_minor for row in plan.rows]
    if plan.terms.pricing.kind == ANNUAL or not sum(gross) or not sum(principal):
        return tuple(gross)
    lent = sum(principal)
    dues = [own + fee for own, fee in zip(principal, gross, strict=True)]
    flows = [(plan.start_on, lent), *[(row.due_on, -due) for row, due in zip(plan.rows, dues, strict=True)]]
    monthly = irr_annual(flows, "nominal_monthly") / 100 / _MONTHS_IN_YEAR
    carried, weights = Decimal(lent), []
    for due in dues:
        interest = carried * monthly
        weights.append(int(max(interest, Decimal(0)).scaleb(_WEIGHT_DIGITS)))
        carried += interest - due
    return allocate(sum(gross), weights) if any(weights) else tuple(gross)
