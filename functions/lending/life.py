"""All that can happen to a plan, on one screen: each verb takes a plan and gives a new one with the effect.

A verb checks what a caller may ask for, then the journal does it. Previews are the same calls, not stored. Days are
the customer's own; amounts are minor units; `reference` names the request outside (a provider's id, a refund's id)
and counts once.
"""

from __future__ import annotations

from datetime import date

from functions.core.money import BPS
from functions.lending.cash import NOTHING, Effect, Source
from functions.lending.changes import charge_off as charge_offs
from functions.lending.changes import deferral, dispute, fulfilment, reversal, waiver, withdrawal
from functions.lending.changes import replan as replans
from functions.lending.changes.prepayment import PREPAY_MODES
from functions.lending.journal import ValuedTooEarlyError, key_of, perform, require_amount
from functions.lending.payoff import PayoffQuote, require_payoff
from functions.lending.plan import Operation, OperationKind, Plan
from functions.lending.refund import Bearer, RefundKind, encode_option, require_refund
from functions.lending.terms import require_choice


def repay(
    plan: Plan, amount_minor: int, *, on: date, reference: str = "", source: Source = Source.RAIL
) -> tuple[Plan, Effect]:
    """Pay what is due, oldest installment first; the rest becomes credit balance.

    Args:
        plan: Of any state; a charged-off plan's payments are recoveries.
        amount_minor: Confirmed money.
        on: Value date: the customer-local day of initiation; an earlier one than the last is put in its place.
        reference: The provider's; seen before, it does nothing again.
        source: Where the money comes from.
    """
    require_amount(amount_minor)
    return perform(plan, Operation(OperationKind.REPAY, on, amount_minor, source, key_of(reference)))


def prepay(
    plan: Plan, amount_minor: int, mode: str, *, on: date, reference: str = "", source: Source = Source.RAIL
) -> tuple[Plan, Effect]:
    """Pay what is due, then principal ahead; the fee not earned yet shrinks.

    Args:
        plan: Active.
        amount_minor: Confirmed money.
        mode: "keep_term" or "keep_payment".
        on: Value date.
        reference: The provider's.
        source: Where the money comes from.
    """
    require_amount(amount_minor)
    require_choice(mode, "mode", PREPAY_MODES)
    option = source * len(PREPAY_MODES) + PREPAY_MODES.index(mode)
    return perform(plan, Operation(OperationKind.PREPAY, on, amount_minor, option, key_of(reference)))


def pay_off(
    plan: Plan, quote: PayoffQuote, amount_minor: int, *, reference: str = "", source: Source = Source.RAIL
) -> tuple[Plan, Effect]:
    """Close a plan by what was quoted; more than that becomes credit balance.

    Args:
        plan: As quoted.
        quote: From `functions.lending.payoff.payoff_quote`; its day is the value date.
        amount_minor: Confirmed money.
        reference: The provider's.
        source: Where the money comes from.

    Raises:
        QuoteVoidError: The plan has changed since.
        PayoffShortError: Carries what is missing.
    """
    operation = Operation(OperationKind.PAYOFF, quote.on, amount_minor, source, key_of(reference))
    if not any(operation.key and line.key == operation.key for line in plan.journal):
        require_payoff(plan, quote, amount_minor)
    return perform(plan, operation)


def refund(
    plan: Plan,
    amount_minor: int,
    *,
    on: date,
    policy: str | None = None,
    kind: RefundKind = RefundKind.REFUND,
    bearer: Bearer = Bearer.MERCHANT,
    reference: str = "",
) -> tuple[Plan, Effect]:
    """Give goods money back; what had been repaid becomes credit balance.

    Args:
        plan: Of any state.
        amount_minor: Goods value, 1 … `plan.refundable_minor`.
        on: Day of the refund.
        policy: One of `REFUND_POLICIES`; the plan's own if None.
        kind: Why.
        bearer: Who pays for what goes back to the customer.
        reference: The refund's.

    Raises:
        ZeroRefundError: Below one unit.
        RefundExceedsRemainderError: Carries `remaining_minor`.
    """
    option = encode_option(policy or plan.rules.refund, kind, bearer)
    operation = Operation(OperationKind.REFUND, on, amount_minor, option, key_of(reference))
    if not any(operation.key and line.key == operation.key for line in plan.journal):
        require_refund(plan, amount_minor)
    return perform(plan, operation)


def reverse_repayment(
    plan: Plan, reference: str, amount_minor: int, *, on: date, credit_available_minor: int = 0
) -> tuple[Plan, Effect]:
    """Take back a payment that the customer's bank has taken back.

    Args:
        plan: Of any state; `paid_off` becomes `active` again.
        reference: The payment's own.
        amount_minor: What of it went to this plan.
        on: Day of the reversal.
        credit_available_minor: The customer's credit balance, which gives what is no longer on the plan.

    Raises:
        ReversalMismatchError: The journal knows the payment with another amount.
    """
    require_amount(amount_minor)
    key = key_of(reference)
    _require_now(plan, on)
    known = [line.amount_minor for line in plan.journal if line.key == key and line.kind in reversal.PAYMENTS]
    if known and known[0] != amount_minor:
        raise reversal.ReversalMismatchError(f"the payment was {known[0]}, not {amount_minor}", payment_minor=known[0])
    option = max(0, credit_available_minor)
    return perform(plan, Operation(OperationKind.REVERSE, on, amount_minor, option, reversal.reversal_key(key)))


def drawings_of(plan: Plan, since_on: date) -> list[Operation]:
    """What a credit balance has paid on a plan since a day and was not taken back, oldest first."""
    taken = {reversal.target_key(line) for line in plan.journal if line.kind is OperationKind.REVERSE}
    return [
        line
        for line in plan.journal
        if line.kind is OperationKind.REPAY
        and line.option == Source.CREDIT_BALANCE
        and line.on >= since_on
        and line.key
        and line.key not in taken
    ]


def take_drawing_back(plan: Plan, drawing: Operation, *, on: date) -> tuple[Plan, Effect]:
    """Let a credit balance have again what it paid on a plan, which owes it again.

    Args:
        plan: Of any state.
        drawing: One of `drawings_of`.
        on: Today.
    """
    _require_now(plan, on)
    key = reversal.reversal_key(drawing.key)
    return perform(plan, Operation(OperationKind.REVERSE, on, drawing.amount_minor, 0, key))


def waive_late(plan: Plan, amount_minor: int, *, on: date, reference: str = "") -> tuple[Plan, Effect]:
    """Forgive late charge that is due.

    Raises:
        NothingToWaiveError: Carries what is due.
    """
    _require_now(plan, on)
    waiver.require_waiver(plan, amount_minor, on)
    return perform(plan, Operation(OperationKind.WAIVE_LATE, on, amount_minor, 0, key_of(reference)))


def defer(
    plan: Plan, installments: int, days: int, *, on: date, asked_by: str, reference: str = ""
) -> tuple[Plan, Effect]:
    """Move the next due days; the rise of `fee_unpaid_minor` is what it costs.

    Args:
        plan: Active.
        installments: How many due days move, from the next one on.
        days: By how much.
        on: Today.
        asked_by: "customer", "staff" or "policy".
        reference: The request's.

    Raises:
        DeferralLimitError: Not active, or deferred too often.
        DeferralRefusedError: Says what can't move.
    """
    _require_now(plan, on)
    deferral.require_deferral(plan, installments, days, asked_by, on)
    option = deferral.encode_option(installments, asked_by)
    return perform(plan, Operation(OperationKind.DEFER, on, days, option, key_of(reference)))


def replan(plan: Plan, term: replans.NewTerm, *, on: date) -> tuple[Plan, Effect]:
    """Spread what is left over a new term; `functions.lending.changes.replan` says at which price.

    Args:
        plan: Active.
        term: What is asked for.
        on: Today.

    Raises:
        ReplanLimitError: Not active, or re-planned too often.
        ReplanRefusedError: Says what is not possible.
    """
    _require_now(plan, on)
    replans.require_replan(plan, term, on)
    return perform(plan, Operation(OperationKind.REPLAN, on, *replans.encode(term, on)))


def open_dispute(plan: Plan, amount_minor: int, *, on: date, reference: str = "") -> tuple[Plan, Effect]:
    """Let contested installments stand still.

    Raises:
        DisputeOpenError: One is open.
        DisputeExceedsRemainderError: Carries `remaining_minor`.
    """
    _require_now(plan, on)
    dispute.require_dispute(plan, amount_minor)
    return perform(plan, Operation(OperationKind.DISPUTE_OPEN, on, amount_minor, 0, key_of(reference)))


def close_dispute(
    plan: Plan, *, on: date, lost_minor: int = 0, bearer: Bearer = Bearer.MERCHANT, reference: str = ""
) -> tuple[Plan, Effect]:
    """End a dispute; what the merchant lost is a refund of kind `dispute`.

    Args:
        plan: With an open dispute.
        on: Day of the decision.
        lost_minor: Goods value the customer gets back; 0 where the merchant won.
        bearer: The lender, where the merchant is insolvent; what is held back for service not rendered goes first.
        reference: The dispute's.

    Raises:
        NoDisputeError: None is open.
        RefundExceedsRemainderError: Carries `remaining_minor`.
    """
    _require_now(plan, on)
    if not plan.disputed_minor:
        raise dispute.NoDisputeError(f"{plan.id} has no open dispute")
    if lost_minor:
        require_refund(plan, lost_minor)
    new, effect = perform(plan, Operation(OperationKind.DISPUTE_CLOSE, on))
    ahead = lost_minor
    if bearer is Bearer.LENDER:
        ahead = min(lost_minor, plan.unfulfilled_minor * plan.rules.holdback_bps // BPS)
    for payer, part in ((Bearer.MERCHANT, ahead), (bearer, lost_minor - ahead)):
        if part:
            how = f"{reference}:{payer}" if reference else ""
            new, refunded = refund(new, part, on=on, kind=RefundKind.DISPUTE, bearer=payer, reference=how)
            effect += refunded
    return new, effect


def fulfil(plan: Plan, amount_minor: int, *, on: date, reference: str = "") -> tuple[Plan, Effect]:
    """Release the holdback on service that was rendered.

    Args:
        plan: With a holdback.
        amount_minor: Goods value rendered, 1 … `plan.unfulfilled_minor`.
        on: Day of the report.
        reference: The fulfilment's.

    Raises:
        NothingHeldBackError, DisputeOpenError: Nothing waits, or it is contested.
        FulfilmentExceedsRemainderError: Carries `remaining_minor`.
    """
    _require_now(plan, on)
    fulfilment.require_fulfilment(plan, amount_minor)
    return perform(plan, Operation(OperationKind.FULFIL, on, amount_minor, 0, key_of(reference)))


def charge_off(plan: Plan, *, on: date) -> tuple[Plan, Effect]:
    """Give up on an overdue plan in the books; the claim stays.

    Raises:
        ChargeOffTooEarlyError: Carries the days still to go.
    """
    _require_now(plan, on)
    charge_offs.require_charge_off(plan, on)
    return perform(plan, Operation(OperationKind.CHARGE_OFF, on))


def withdraw(plan: Plan, *, on: date) -> tuple[Plan, Effect]:
    """Undo the agreement within the legal days.

    Raises:
        WithdrawalClosedError: Says until when it was possible.
    """
    _require_now(plan, on)
    withdrawal.require_withdrawal(plan, on)
    return perform(plan, Operation(OperationKind.WITHDRAW, on))


def release(plan: Plan, *, on: date) -> tuple[Plan, Effect]:
    """End the line's hold on repaid principal whose day has come."""
    on = max(on, plan.settled_on)
    if not any(each.on <= on for each in plan.releases):
        return plan, NOTHING
    return perform(plan, Operation(OperationKind.RELEASE, on))


def _require_now(plan: Plan, on: date) -> None:
    """Only money can be valued in the past."""
    if on < plan.settled_on:
        raise ValuedTooEarlyError(
            f"{plan.id} has changed on {plan.settled_on}, after {on}", earliest_on=plan.settled_on.isoformat()
        )
