"""A customer's credit balance pays what is due: after a refund, and on every due day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from functions.lending.allocation import Allocation, Due, allocate_repayment
from functions.lending.cash import Source
from functions.lending.plan import Plan

MOST_PLANS: Final = 24
"""In one transaction and one ledger entry; the rest of a balance pays on the next due day."""


def oldest_first(plans: Sequence[Plan]) -> list[Plan]:
    """The plans whose debts are oldest, no more than one entry holds.

    Args:
        plans: In any order.
    """

    def oldest(plan: Plan) -> tuple[date, datetime, str]:
        due = [row.due_on for row in plan.rows if row.unpaid_minor]
        return min(due, default=date.max), plan.opened_at, plan.id

    return sorted(plans, key=oldest)[:MOST_PLANS]


def earliest_on(plan: Plan) -> date:
    """The first day on which money can be valued on a plan: where its journal begins."""
    return plan.base.settled_on if plan.base else plan.settled_on


def value_day(plans: Sequence[Plan], on: date) -> date:
    """A value date that every one of some plans can take: the wanted one, or the first that their journals reach."""
    return max([on, *[earliest_on(plan) for plan in plans]])


def draw_credit(
    plans: Sequence[Plan], available_minor: int, *, on: date, customer_id: str, reference: str
) -> Allocation:
    """Spread a credit balance over what is due, as a repayment with intent `due` would be.

    Args:
        plans: A customer's open plans in one currency.
        available_minor: Their credit balance, at least 1.
        on: Today where the customer is.
        customer_id: Whose.
        reference: Names this drawing; a plan that knows it is not paid again.

    Returns:
        What was paid; nothing is left to say about the rest, which stays where it is.
    """
    chosen = oldest_first(plans)
    return allocate_repayment(
        chosen,
        available_minor,
        Due(),
        on=value_day(chosen, on),
        customer_id=customer_id,
        reference=reference,
        source=Source.CREDIT_BALANCE,
    )
