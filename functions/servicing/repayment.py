"""A repayment: its states, what a customer may ask, and how money that has come is spread. Pure.

Asking is judged strictly, before the rail is called. Money that has come is never refused: where the plan has changed
meanwhile, it goes where the same money would go today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from functions.lending.allocation import Allocation, Due, Part, Prepay, allocate_repayment
from functions.lending.cash import Source
from functions.lending.changes.prepayment import KEEP_TERM
from functions.lending.journal import key_of, perform
from functions.lending.payoff import payoff_quote, require_payoff
from functions.lending.plan import Operation, OperationKind, Plan, PlanState
from functions.lending.plans.drawing import oldest_first, value_day
from functions.servicing.ports import RailStatus

DUE, PREPAY, PAYOFF = "due", "prepay", "payoff"
INTENTS: Final = (DUE, PREPAY, PAYOFF)


class NothingToRepayError(ConflictError):
    code, title = "nothing_to_repay", "There is no plan to pay"


class CurrencyMismatchError(InvalidError):
    code, title = "currency_mismatch", "The plan is in another currency"


class PlanNotActiveError(ConflictError):
    code, title = "plan_not_active", "The plan is not active"


class Status(StrEnum):
    """Where a repayment stands."""

    PENDING = "pending"
    RECEIVED = "received"
    FAILED = "failed"
    REVERSED = "reversed"


_START: Final = {
    RailStatus.PENDING: Status.PENDING,
    RailStatus.CONFIRMED: Status.RECEIVED,
    RailStatus.FAILED: Status.FAILED,
    RailStatus.REVERSED: Status.REVERSED,
}
TRANSITIONS: Final[Mapping[Status | None, Mapping[RailStatus, Status]]] = MappingProxyType(
    {
        None: _START,
        Status.PENDING: {word: after for word, after in _START.items() if word is not RailStatus.PENDING},
        Status.FAILED: {RailStatus.CONFIRMED: Status.RECEIVED, RailStatus.REVERSED: Status.REVERSED},
        Status.RECEIVED: {RailStatus.REVERSED: Status.REVERSED},
        Status.REVERSED: {},
    }
)
"""State → what the rail says → next state; what is not in the table is old news, and changes nothing.

A reversal that overtakes its confirmation ends the repayment before any money was counted.
"""

EVENTS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.RECEIVED: "repayment.received",
        Status.FAILED: "repayment.failed",
        Status.REVERSED: "repayment.reversed",
    }
)


def next_status(status: Status | None, said: RailStatus) -> Status | None:
    """Where a repayment goes by what the rail says; None where that is nothing new.

    Args:
        status: None for one not written yet.
        said: By the rail.
    """
    return TRANSITIONS[status].get(said)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants done with an amount.

    Args:
        customer_id: Whose money.
        amount_minor: At least 1.
        currency: ISO 4217 code.
        intent: "due", "prepay" or "payoff".
        plan_id: The plan it is for; with "due" it may be None: past due of any plan first.
        mode: Of a prepayment: "keep_term" or "keep_payment".
        value_on: The customer's day when they asked.
        asked_at: Business time.
        plan_ids: The plans it may go to, as far as they are known.
        key: 8 bytes; of the command.
        body: 8 bytes; of the command.
    """

    customer_id: str
    amount_minor: int
    currency: str
    intent: str
    plan_id: str | None
    mode: str
    value_on: date
    asked_at: datetime
    plan_ids: tuple[str, ...]
    key: bytes
    body: bytes


def require_possible(wish: Wish, plans: Sequence[Plan]) -> None:
    """Refuse what the rail should not be asked for.

    Args:
        wish: What the customer wants.
        plans: Those of `wish.plan_ids`.

    Raises:
        NotFoundError: It names a plan that is not the customer's.
        CurrencyMismatchError: It names a plan in another currency.
        PlanNotActiveError: Only an active plan is paid ahead.
        NothingToRepayError: No plan in this currency is open.
        PayoffShortError: Less than the payoff quote; carries what is missing.
        NothingToPayOffError: Nothing is left on the plan.
    """
    if any(plan.customer_id != wish.customer_id for plan in plans):
        raise NotFoundError
    if wish.plan_id is None:
        if not any(_is_open(plan) for plan in plans):
            raise NothingToRepayError(f"no plan in {wish.currency} is open")
        return
    plan = next((each for each in plans if each.id == wish.plan_id), None)
    if plan is None:
        raise NotFoundError
    if plan.terms.currency != wish.currency:
        raise CurrencyMismatchError(
            f"the plan is in {plan.terms.currency}",
            errors=(FieldError("/currency", "mismatch", "the currency of the plan"),),
        )
    if wish.intent == PAYOFF:
        require_payoff(plan, payoff_quote(plan, max(wish.value_on, plan.settled_on)), wish.amount_minor)
    elif wish.intent == PREPAY and plan.state is not PlanState.ACTIVE:
        raise PlanNotActiveError(
            f"only an active plan is paid ahead; this one is {plan.state}", current_status=str(plan.state)
        )
    elif not _is_open(plan):
        raise NothingToRepayError(f"the plan is {plan.state}")


def _is_open(plan: Plan) -> bool:
    return plan.state in {PlanState.ACTIVE, PlanState.CHARGED_OFF}


def counts_on(plans: Sequence[Plan], value_on: date, today: date) -> date:
    """The day of which money pays that was on its way before anything was due: the first on which something is.

    It would have waited as credit balance until then; where it comes later, that is no fault of the customer's.

    Args:
        plans: Those it may go to.
        value_on: The customer's day when they asked.
        today: Where the customer is.
    """
    days = [
        row.counted_from_on for plan in plans if plan.state is PlanState.ACTIVE for row in plan.rows if row.unpaid_minor
    ]
    first_on = min(days, default=value_on)
    return first_on if value_on < first_on <= today else value_on


def spread(wish: Wish, plans: Sequence[Plan], amount_minor: int, reference: str, today: date) -> Allocation:
    """Spread money that has come.

    Args:
        wish: What the customer wanted.
        plans: Those of `wish.plan_ids`, as they are now.
        amount_minor: Confirmed by the rail.
        reference: The repayment's id; a plan that knows it is not paid again.
        today: Where the customer is.
    """
    chosen = oldest_first([plan for plan in plans if wish.plan_id in {None, plan.id}])
    asked_on = counts_on(chosen, wish.value_on, today) if wish.intent == DUE else wish.value_on
    on = value_day(chosen, asked_on)
    if wish.intent == PAYOFF:
        [plan] = chosen
        operation = Operation(OperationKind.PAYOFF, on, amount_minor, Source.RAIL, key_of(reference))
        after, effect = perform(plan, operation)
        return Allocation((after,), {plan.id: effect}, (Part(plan.id, amount_minor),), 0, effect)
    intent = Prepay(wish.plan_id or "", wish.mode) if wish.intent == PREPAY else Due()
    return allocate_repayment(chosen, amount_minor, intent, on=on, customer_id=wish.customer_id, reference=reference)


__all__ = [
    "DUE",
    "EVENTS",
    "INTENTS",
    "KEEP_TERM",
    "PAYOFF",
    "PREPAY",
    "TRANSITIONS",
    "NothingToRepayError",
    "Status",
    "Wish",
    "next_status",
    "require_possible",
    "spread",
]
