"""The service was rendered: of what the merchant's money waits for, that much waits no more.

How much is held back is a function of the plan (`functions.lending.cash.holdback_minor`); here is only the goods value
that has been rendered. A fulfilment moves nothing for the customer.
"""

from __future__ import annotations

from dataclasses import replace

from functions.core.errors import ConflictError, InvalidError
from functions.lending.cash import Effect, Notice
from functions.lending.changes.dispute import DisputeOpenError
from functions.lending.plan import Operation, Plan


class NothingHeldBackError(ConflictError):
    code, title = "nothing_held_back", "Nothing of this sale waits for its service"


class FulfilmentExceedsRemainderError(InvalidError):
    code, title = "fulfilment_exceeds_remaining", "More than what was not rendered yet"


def require_fulfilment(plan: Plan, amount_minor: int) -> None:
    """Refuse a fulfilment of nothing, of more than is left, or of what is contested.

    Raises:
        NothingHeldBackError: The sale has no holdback, or all of it is rendered or refunded.
        DisputeOpenError: Whether it was rendered is just what is asked.
        FulfilmentExceedsRemainderError: Carries `remaining_minor`.
    """
    if not plan.rules.holdback_bps or not plan.unfulfilled_minor:
        raise NothingHeldBackError(f"{plan.id} holds nothing back")
    if plan.disputed_minor:
        raise DisputeOpenError(f"{plan.disputed_minor} of {plan.id} is disputed: answer with evidence")
    if not 1 <= amount_minor <= plan.unfulfilled_minor:
        raise FulfilmentExceedsRemainderError(
            f"1 to {plan.unfulfilled_minor} can be rendered, not {amount_minor}",
            remaining_minor=plan.unfulfilled_minor,
        )


def fulfil(plan: Plan, operation: Operation) -> tuple[Plan, Effect]:
    """Transform: goods value rendered.

    Args:
        plan: Settled to the operation's day.
        operation: Amount: goods value; a refund put before it by value date may have left less.
    """
    rendered = min(operation.amount_minor, plan.unfulfilled_minor)
    new = replace(plan, fulfilled_minor=plan.fulfilled_minor + rendered)
    return new, Effect(notices=(Notice("capture.fulfilled"),))
