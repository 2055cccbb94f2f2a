"""Doing operations on a plan, and doing them again: the journal replays to the plan of today.

An operation valued on or after the last one is simply done. One valued earlier (a repayment confirmed late) is put in
its place, everything from there on is done again, and the effect is the difference: what had been posted is taken back
once, what should have been posted is posted once. The result is the plan that would have been, had it come on time.

A journal that has grown too long gives its oldest operation to `base`; nothing can be valued before `base` then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from functions.core.errors import ConflictError, InvalidError
from functions.lending import payoff, refund
from functions.lending.cash import NOTHING, Effect, Notice, concluded, netted
from functions.lending.changes import (
    charge_off,
    deferral,
    dispute,
    fulfilment,
    prepayment,
    replan,
    reversal,
    waiver,
    waterfall,
    withdrawal,
)
from functions.lending.late import plan_late_due_minor, settle
from functions.lending.plan import KEY_BYTES, Operation, OperationKind, Plan, PlanState

JOURNAL_LIMIT: Final = 40

Transform = Callable[[Plan, Operation], tuple[Plan, Effect]]

_TRANSFORMS: Final[Mapping[OperationKind, Transform]] = MappingProxyType(
    {
        OperationKind.REPAY: waterfall.repay,
        OperationKind.PREPAY: prepayment.prepay,
        OperationKind.PAYOFF: payoff.pay_off,
        OperationKind.REFUND: refund.refund,
        OperationKind.WAIVE_LATE: waiver.waive_late,
        OperationKind.DEFER: deferral.defer,
        OperationKind.DISPUTE_OPEN: dispute.open_dispute,
        OperationKind.DISPUTE_CLOSE: dispute.close_dispute,
        OperationKind.CHARGE_OFF: charge_off.charge_off,
        OperationKind.WITHDRAW: withdrawal.withdraw,
        OperationKind.RELEASE: waiver.release,
        OperationKind.FULFIL: fulfilment.fulfil,
        OperationKind.REPLAN: replan.replan,
    }
)

_STATE_NOTICES: Final[Mapping[tuple[PlanState, PlanState], str]] = MappingProxyType(
    {
        (PlanState.ACTIVE, PlanState.PAID_OFF): "plan.paid_off",
        (PlanState.ACTIVE, PlanState.REFUNDED): "plan.refunded",
        (PlanState.PAID_OFF, PlanState.REFUNDED): "plan.refunded",
        (PlanState.ACTIVE, PlanState.CHARGED_OFF): "plan.charged_off",
        (PlanState.PAID_OFF, PlanState.ACTIVE): "plan.reopened",
    }
)


_QUIET: Final = frozenset({OperationKind.RELEASE, OperationKind.FULFIL})
"""These move nothing for the customer, so they void no payoff quote."""
_CLOSES_JOURNAL: Final = OperationKind.REPLAN
"""A new agreement with other rows: what was before it is not done again."""


class ValuedTooEarlyError(ConflictError):
    code, title = "valued_too_early", "The journal does not reach back to this day"


class InvalidMoneyError(InvalidError):
    code, title = "invalid_amount", "This is not an amount of money"


@dataclass(frozen=True, slots=True)
class _Step:
    """An operation done: the plan after it and its effect."""

    plan: Plan
    effect: Effect


def key_of(reference: str) -> bytes:
    """What the journal remembers of an outside reference; an empty reference is not remembered."""
    return sha256(reference.encode()).digest()[:KEY_BYTES] if reference else b""


def require_amount(amount_minor: int) -> None:
    """Refuse what is no amount.

    Raises:
        InvalidMoneyError: Not an int of at least one minor unit.
    """
    if type(amount_minor) is not int or amount_minor < 1:
        raise InvalidMoneyError(f"an amount is an int of at least 1 minor unit, not {amount_minor!r}")


def perform(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Do an operation, in its place by value date.

    Args:
        plan: As stored.
        operation: One whose key the journal holds already is not done again.

    Returns:
        The new plan, its journal one line longer, and the whole effect.

    Raises:
        ValuedTooEarlyError: Carries `earliest_on`, the first day that can still be used.
    """
    if operation.key and any(line.key == operation.key for line in plan.journal):
        return plan, replace(NOTHING, repeated=True)
    if operation.on < plan.settled_on:
        new, effect = _inserted(plan, operation)
    else:
        payments = _payments_of(plan) if operation.kind is OperationKind.REVERSE else {}
        step = _do(plan, operation, payments)
        new, effect = step.plan, step.effect
        if operation.kind is _CLOSES_JOURNAL:
            new = replace(new, base=None, journal=())
        else:
            new = replace(new, base=plan.base or _bare(plan), journal=(*plan.journal, operation))
    new, effect = concluded(plan, new, effect)
    notices = effect.notices + tuple(_consequences(plan, new, operation))
    new = replace(new, revision=plan.revision + (operation.kind not in _QUIET))
    while len(new.journal) > JOURNAL_LIMIT:
        new = fold_oldest(new)
    return new.require_sound(), replace(effect, notices=notices)


def _bare(plan: Plan) -> Plan:
    """A plan as a journal's base: what is not replayed is left at its start."""
    return replace(plan, base=None, journal=(), revision=0, done_through=None, deferred_minor=0)


def _do(plan: Plan, operation: Operation, payments: dict[bytes, reversal.Payment]) -> _Step:
    before = settle(plan, operation.on)
    if operation.kind is OperationKind.REVERSE:
        target = payments.get(reversal.target_key(operation))
        after, effect = reversal.reverse(before, operation, target)
    else:
        after, effect = _TRANSFORMS[operation.kind](before, operation)
    after = replace(after, state=_state(after))
    if operation.kind in reversal.PAYMENTS and operation.key:
        payments[operation.key] = reversal.Payment(operation, before, after)
    return _Step(after, effect)


def _state(plan: Plan) -> PlanState:
    """A plan is over when nothing is left to pay; charged off it stays whatever comes in."""
    if plan.state is PlanState.CHARGED_OFF:
        return plan.state
    if any(row.unpaid_minor for row in plan.rows) or plan_late_due_minor(plan, plan.settled_on):
        return PlanState.ACTIVE
    return PlanState.REFUNDED if plan.refunded_minor == plan.captured_minor else PlanState.PAID_OFF


def _replay(base: Plan, journal: Iterable[Operation]) -> tuple[Plan, list[Effect], dict[bytes, reversal.Payment]]:
    plan, effects = base, []
    payments: dict[bytes, reversal.Payment] = {}
    for operation in journal:
        step = _do(plan, operation, payments)
        plan = step.plan
        effects.append(step.effect)
    return plan, effects, payments


def _payments_of(plan: Plan) -> dict[bytes, reversal.Payment]:
    return _replay(plan.base, plan.journal)[2] if plan.base else {}


def _inserted(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    base = plan.base or _bare(plan)
    if operation.on < base.settled_on:
        raise ValuedTooEarlyError(
            f"{plan.id} can't take anything valued before {base.settled_on}", earliest_on=base.settled_on.isoformat()
        )
    place = sum(line.on <= operation.on for line in plan.journal)
    journal = (*plan.journal[:place], operation, *plan.journal[place:])
    _same, was, _payments = _replay(base, plan.journal)
    new, effects, _payments = _replay(base, journal)
    own = effects[place].notices
    total = sum([*effects, *[effect.undone() for effect in was]], NOTHING)
    kept = replace(
        new,
        base=base,
        journal=journal,
        deferred_minor=plan.deferred_minor,
        done_through=plan.done_through,
    )
    return kept, replace(total, postings=netted(total.postings), notices=own, repeated=False)


def _consequences(old: Plan, new: Plan, operation: Operation) -> Iterable[Notice]:
    if operation.kind in reversal.PAYMENTS:
        paid = tuple(
            [
                now.number
                for was, now in zip(old.rows, new.rows, strict=True)
                if was.unpaid_minor and not now.unpaid_minor and now.principal_paid_minor > was.principal_paid_minor
            ]
        )
        if paid:
            yield Notice("installment.paid", paid)
    change = _STATE_NOTICES.get((old.state, new.state))
    if change:
        yield Notice(change)


def fold_oldest(plan: Plan) -> Plan:
    """The same plan with its oldest operation given to `base`, and with it every reversal of one given away.

    Args:
        plan: With at least one operation in its journal.
    """
    assert plan.base is not None, "a journal has a base"
    count, folded = 1, {plan.journal[0].key}
    for place, line in enumerate(plan.journal):
        if line.kind is OperationKind.REVERSE and reversal.target_key(line) in folded:
            count = max(count, place + 1)
            folded |= {each.key for each in plan.journal[:count]}
    base, _effects, _payments = _replay(plan.base, plan.journal[:count])
    return replace(plan, base=_bare(base), journal=plan.journal[count:])


def plan_as_of(plan: Plan, on: date) -> Plan:
    """The plan as it stood at the end of a day.

    Args:
        plan: As stored.
        on: Not before the journal's base.

    Raises:
        ValuedTooEarlyError: Carries `earliest_on`.
    """
    if on >= plan.settled_on:
        return settle(plan, on)
    base = plan.base or _bare(plan)
    if on < base.settled_on:
        raise ValuedTooEarlyError(
            f"{plan.id} is not known before {base.settled_on}", earliest_on=base.settled_on.isoformat()
        )
    then = _replay(base, [line for line in plan.journal if line.on <= on])[0]
    return settle(replace(then, base=base, revision=plan.revision), on)
