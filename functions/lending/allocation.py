"""Spreading a repayment over all plans of a customer, and taking it back.

Order of `due`: installments past due of any plan, oldest due day first, then the older plan, then its id; those due
today come last by the same rule. Inside an installment the plan's own waterfall decides. What is over becomes credit
balance, which is drawn the same way on the next due day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from functions.core.errors import InvalidError, NotFoundError
from functions.ledger.accounts import Account, AccountRef, Scope
from functions.ledger.entries import Posting
from functions.lending import life
from functions.lending.cash import NOTHING, SOURCE_ACCOUNTS, Effect, Source
from functions.lending.changes.prepayment import KEEP_TERM
from functions.lending.changes.waterfall import payable, row_due_minor
from functions.lending.journal import key_of, plan_as_of, require_amount
from functions.lending.payoff import PayoffQuote, PayoffShortError
from functions.lending.plan import Plan


class MixedPlansError(InvalidError):
    code, title = "mixed_plans", "These plans are not of one customer and currency"


class UnknownPlanError(NotFoundError):
    title = "The customer has no such plan"


@dataclass(frozen=True, slots=True)
class Due:
    """Pay what is due; the default."""


@dataclass(frozen=True, slots=True)
class Prepay:
    """Pay principal of one plan ahead."""

    plan_id: str
    mode: str = KEEP_TERM


@dataclass(frozen=True, slots=True)
class Payoff:
    """Close the plans that were quoted, in this order."""

    quotes: tuple[PayoffQuote, ...]


Intent = Due | Prepay | Payoff


class Part(NamedTuple):
    """What of a repayment went to one plan; kept with the repayment, and given back to `take_back`."""

    plan_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """A repayment spread.

    Args:
        plans: The plans that changed.
        effects: What it did, by plan id.
        parts: How much went to which plan, in order.
        credit_minor: What became credit balance beside the plans.
        effect: All of it together: the postings of one ledger entry.
    """

    plans: tuple[Plan, ...]
    effects: Mapping[str, Effect]
    parts: tuple[Part, ...]
    credit_minor: int
    effect: Effect


class _Claim(NamedTuple):
    """One installment in the queue; sorts as payments go."""

    due_on: date
    opened_at: datetime
    plan_id: str
    number: int
    amount_minor: int


def allocate_repayment(
    plans: Sequence[Plan],
    amount_minor: int,
    intent: Intent,
    *,
    on: date,
    customer_id: str,
    reference: str,
    source: Source = Source.RAIL,
) -> Allocation:
    """Spread confirmed money of a customer.

    Args:
        plans: All the customer's plans in one currency, in any order.
        amount_minor: At least 1.
        intent: What the customer wants it for.
        on: Value date; an earlier one than a plan's last operation is put in its place there.
        customer_id: Whose credit balance takes the rest.
        reference: The provider's; a plan that knows it is not paid again.
        source: Where the money comes from.

    Raises:
        MixedPlansError: Another customer's plan, or several currencies.
        UnknownPlanError: The intent names a plan that is not among them.
        PayoffShortError: The quotes come to more than the amount; carries what is missing.
        ValuedTooEarlyError: A plan's journal does not reach back to `on`.
    """
    require_amount(amount_minor)
    _require_one_owner(plans, customer_id)
    spread = _INTENTS[type(intent)]
    return spread(_Spread({plan.id: plan for plan in plans}, amount_minor, on, customer_id, reference, source), intent)


class _Spread(NamedTuple):
    plans: dict[str, Plan]
    amount_minor: int
    on: date
    customer_id: str
    reference: str
    source: Source

    def plan(self, plan_id: str) -> Plan:
        try:
            return self.plans[plan_id]
        except KeyError:
            raise UnknownPlanError from None


def _due(spread: _Spread, _intent: Due) -> Allocation:
    left = spread.amount_minor
    shares: dict[str, int] = {}
    for claim in sorted(_claims(spread)):
        part = min(left, claim.amount_minor)
        if part:
            left -= part
            shares[claim.plan_id] = shares.get(claim.plan_id, 0) + part
    done = {
        plan_id: life.repay(spread.plans[plan_id], part, on=spread.on, reference=spread.reference, source=spread.source)
        for plan_id, part in shares.items()
    }
    return _allocation(spread, done, shares, left)


def _claims(spread: _Spread) -> list[_Claim]:
    """What is due as of the value date; a plan that has the payment already claims nothing of it."""
    key = key_of(spread.reference)
    return [
        _Claim(row.due_on, plan.opened_at, plan.id, row.number, row_due_minor(plan, row, spread.on))
        for stored in spread.plans.values()
        if not any(key and line.key == key for line in stored.journal)
        for plan in [plan_as_of(stored, spread.on)]
        for row in payable(plan, spread.on)
    ]


def _prepay(spread: _Spread, intent: Prepay) -> Allocation:
    plan = spread.plan(intent.plan_id)
    done = life.prepay(
        plan, spread.amount_minor, intent.mode, on=spread.on, reference=spread.reference, source=spread.source
    )
    return _allocation(spread, {plan.id: done}, {plan.id: spread.amount_minor}, 0)


def _payoff(spread: _Spread, intent: Payoff) -> Allocation:
    missing = sum([quote.total_minor for quote in intent.quotes]) - spread.amount_minor
    if missing > 0:
        raise PayoffShortError(f"{missing} minor units are missing", missing_minor=missing)
    shares = {quote.plan_id: quote.total_minor for quote in intent.quotes}
    done = {
        quote.plan_id: life.pay_off(
            spread.plan(quote.plan_id),
            quote,
            quote.total_minor,
            reference=spread.reference,
            source=spread.source,
        )
        for quote in intent.quotes
    }
    return _allocation(spread, done, shares, -missing)


_INTENTS: Final[Mapping[type, Callable[..., Allocation]]] = MappingProxyType(
    {Due: _due, Prepay: _prepay, Payoff: _payoff}
)


def _allocation(
    spread: _Spread, done: Mapping[str, tuple[Plan, Effect]], shares: Mapping[str, int], left: int
) -> Allocation:
    effects = {plan_id: effect for plan_id, (_plan, effect) in done.items()}
    own = NOTHING
    if left and spread.source is not Source.CREDIT_BALANCE:
        own = Effect(
            credit_balance_minor=left,
            postings=(
                Posting(
                    _ref(SOURCE_ACCOUNTS[spread.source], spread.customer_id),
                    _ref(Account.CUSTOMER_CREDIT_BALANCE, spread.customer_id),
                    left,
                ),
            ),
        )
    return Allocation(
        tuple([plan for plan, _effect in done.values()]),
        effects,
        tuple([Part(plan_id, part) for plan_id, part in shares.items()]),
        left,
        sum(effects.values(), own),
    )


def take_back(
    plans: Sequence[Plan],
    parts: Sequence[Part],
    credit_minor: int,
    *,
    on: date,
    customer_id: str,
    reference: str,
    credit_available_minor: int,
    since_on: date = date.max,
) -> Allocation:
    """Undo a repayment that the customer's bank has taken back, on every plan it went to.

    What of it became credit balance and has paid something since is owed again there, the newest first.

    Args:
        plans: The customer's, among them all that `parts` name.
        parts: Of the repayment's allocation.
        credit_minor: What of it became credit balance beside the plans.
        on: Day of the reversal.
        customer_id: Whose.
        reference: The repayment's own.
        credit_available_minor: The credit balance now; it gives what is no longer on a plan, and never more.
        since_on: Day from which on the repayment can have paid anything as credit balance.

    Raises:
        UnknownPlanError: A part's plan is not among them.
        ReversalMismatchError: A plan knows the payment with another amount.
    """
    _require_one_owner(plans, customer_id)
    by_id = {plan.id: plan for plan in plans}
    done = _undrawn(by_id, credit_minor - credit_available_minor, on, since_on)
    available = credit_available_minor + sum(effect.credit_balance_minor for _plan, effect in done.values())
    # The part that became credit balance at once comes first: it was never anywhere else.
    credit = min(credit_minor, available)
    available -= credit
    for part in parts:
        if part.plan_id not in by_id:
            raise UnknownPlanError
        plan, earlier = done.get(part.plan_id, (by_id[part.plan_id], NOTHING))
        new, effect = life.reverse_repayment(
            plan, reference, part.amount_minor, on=on, credit_available_minor=available
        )
        available += min(0, effect.credit_balance_minor)
        done[part.plan_id] = (new, earlier + effect)
    own = _taken_from_customer(customer_id, credit, credit_minor - credit)
    effects = {plan_id: effect for plan_id, (_plan, effect) in done.items()}
    return Allocation(
        tuple([plan for plan, _effect in done.values()]),
        effects,
        tuple(parts),
        -credit,
        sum(effects.values(), own),
    )


def _undrawn(plans: Mapping[str, Plan], lack_minor: int, on: date, since_on: date) -> dict[str, tuple[Plan, Effect]]:
    """The plans that owe a credit balance again what it lacks, each with what became of it."""
    drawings = [
        (drawing.on, plan.opened_at, plan.id, place, drawing)
        for plan in plans.values()
        for place, drawing in enumerate(life.drawings_of(plan, since_on))
    ]
    done: dict[str, tuple[Plan, Effect]] = {}
    for *_, name, _place, drawing in sorted(drawings, key=lambda each: each[:4], reverse=True):
        if lack_minor <= 0:
            break
        plan, earlier = done.get(name, (plans[name], NOTHING))
        new, effect = life.take_drawing_back(plan, drawing, on=on)
        lack_minor -= effect.credit_balance_minor
        done[name] = (new, earlier + effect)
    return done


def _taken_from_customer(customer_id: str, credit_minor: int, shortfall_minor: int) -> Effect:
    ends = (
        (Account.CUSTOMER_CREDIT_BALANCE, credit_minor),
        (Account.REPAYMENT_IN_TRANSIT, shortfall_minor),
    )
    return Effect(
        credit_balance_minor=-credit_minor,
        shortfall_minor=shortfall_minor,
        postings=tuple(
            [
                Posting(_ref(account, customer_id), Account.CASH_AT_RAIL.of(), amount)
                for account, amount in ends
                if amount
            ]
        ),
    )


def _ref(account: Account, customer_id: str) -> AccountRef:
    return account.of(customer_id if account.scope is Scope.CUSTOMER else None)


def _require_one_owner(plans: Sequence[Plan], customer_id: str) -> None:
    others = sum(plan.customer_id != customer_id for plan in plans)
    currencies = {plan.terms.currency for plan in plans}
    if others or len(currencies) > 1:
        raise MixedPlansError(f"{others} plans are another customer's; currencies are {', '.join(sorted(currencies))}")
