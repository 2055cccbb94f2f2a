"""After a till's yes: look at it, complete it, undo it."""

from __future__ import annotations

from typing import Any, Final

from functions.checkout.authorize_service import AttemptTakenError, ReferenceInUseError, taken
from functions.checkout.instore.agreement import agreement_of, plan_agreed
from functions.checkout.instore.present import REVERSED, present_payment
from functions.checkout.instore.tombstone import is_fresh, is_tombstone, tombstone
from functions.core.clock import isoformat, parse_instant
from functions.core.errors import ConflictError, NotFoundError, UnavailableError
from functions.lending.refund import ZeroRefundError
from functions.merchants.service import get_merchant
from functions.payments import authorization as rules
from functions.payments.authorization import DEAD, Status
from functions.payments.capture_service import capture_sale, read_capture, sale_command
from functions.payments.refund_service import find_refund, reverse_capture
from functions.payments.service import latest_attempt
from functions.payments.store import AuthorizationItem, capture_id, plan_new, to_value
from functions.payments.till_service import plan_given_back, plan_reversed
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call

_TRIES: Final = 6
_RELEASABLE: Final = frozenset({Status.APPROVED, Status.HELD, Status.AWAITING_CONFIRMATION, Status.PARTIALLY_CAPTURED})


class ReverseWindowClosedError(ConflictError):
    code, title = "reverse_window_closed", "The settlement day is over; make a refund"


class AlreadyRefundedError(ConflictError):
    code, title = "already_refunded", "Refunds have given all of it back"


def read_payment(reference: str, merchant_id: str) -> dict[str, Any]:
    """The latest payment under a reference.

    Raises:
        NotFoundError: None, or an order that no till made.
    """
    return _shown(_latest(reference, merchant_id, consistent=False))


def complete(reference: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Capture an approved payment now, instead of after the reversal window.

    Returns:
        The payment, and whether this command was done before.

    Raises:
        NotFoundError: No such payment.
        AuthorizationStateError, AuthorizationSuspendedError, AuthorizationExpiredError: It can't be captured.
    """
    command = call.command()
    item = _latest(reference, call.who.id, consistent=True)
    if is_replay(item.commands, command):
        return _shown(item), True
    captured, before = finish(item, call)
    return _shown(captured), before and is_replay(captured.commands, command)


def finish(
    item: AuthorizationItem, asked_by: Call | None = None, request_id: str = ""
) -> tuple[AuthorizationItem, bool]:
    """Keep the agreement and capture the sale, once whoever asks; whether it was captured before.

    Raises:
        AuthorizationStateError, AuthorizationSuspendedError, AuthorizationExpiredError: Nothing is written.
    """
    agreed = item.agreement
    if not agreed:
        value = to_value(item)
        rules.capture(value, value.remaining_minor, final=True, now=container().clock.now())
        agreement = agreement_of(item)
        commit(container().tables, plan_agreed(item, agreement))
        agreed = agreement.sha256
    asked = asked_by.command() if asked_by else None
    return capture_sale(item.pk, agreed, asked_by.request_id if asked_by else request_id, asked)


def reverse(reference: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Undo a payment: before it came, before its capture, or after it until the settlement day ends.

    Returns:
        The payment as it is then, and whether this command was done before.

    Raises:
        ReverseWindowClosedError: Captured, and the settlement day is over; carries when it ended.
        ReferenceInUseError: The order under this reference was not made at a till.
    """
    command = call.command()
    for _ in range(_TRIES):
        item = latest_attempt(reference, call.who.id, consistent=True)
        if item is not None and (item.key == command.key or is_replay(item.commands, command)):
            if item.key == command.key:
                same_body(item.body, command)
            return _shown(item), True
        try:
            done = _undone(item, reference, call)
        except (ConditionFailedError, AttemptTakenError):
            continue
        if done is not None:
            count("in_store_reversed")
            return _shown(done), False
    raise UnavailableError("the payment is busy", retry_after_s=1)


def _undone(item: AuthorizationItem | None, reference: str, call: Call) -> AuthorizationItem | None:
    """One step of undoing; None if there is another to take."""
    status = to_value(item).status if item else None
    if item is None or _stops_nothing(item):
        return _stone(item.attempt + 1 if item else 1, reference, call)
    if status is Status.VOIDED:
        return item  # undone before, under another key
    if not item.terminal:
        raise ReferenceInUseError(current_status=str(status))
    if status in _RELEASABLE:
        if not item.capture_ids:
            item.commands = remember(item.commands, call.command())
        commit(container().tables, plan_reversed(item, container().clock.now(), call.request_id))
        return None if item.capture_ids else item
    _give_back(item, call)
    done = plan_given_back(item, call.command(), container().clock.now(), call.request_id)
    commit(container().tables, done)
    return item


def _stops_nothing(item: AuthorizationItem) -> bool:
    """Whether a payment that came now would be a new attempt, and is to be stopped."""
    if is_tombstone(item):
        return not is_fresh(item, container().clock.now())
    return to_value(item).status in DEAD and item.void_reason != REVERSED


def _stone(number: int, reference: str, call: Call) -> AuthorizationItem:
    """Nothing to undo: what comes later is stopped by a trace in its place."""
    stone = tombstone(call.who.id, reference, number, call.command())
    commit(container().tables, plan_new(stone, taken))
    return stone


def _give_back(item: AuthorizationItem, call: Call) -> None:
    """Reverse every capture of a sale, each once."""
    secret, now = container().secrets.key("ids"), container().clock.now()
    merchant = get_merchant(item.merchant_id)
    for number, made in enumerate(item.capture_ids):
        capture = capture_id(secret, item.pk, made)
        command = sale_command(item.pk, f"reverse {number}")
        if find_refund(command) is not None:
            continue
        closes_at = merchant.cutoff_after(parse_instant(read_capture(capture, merchant.id)["created_at"]))
        if now >= closes_at:
            raise ReverseWindowClosedError(closed_at=isoformat(closes_at))
        try:
            reverse_capture(capture, call.who, command, call.request_id)
        except ZeroRefundError:
            raise AlreadyRefundedError from None


def _latest(reference: str, merchant_id: str, *, consistent: bool) -> AuthorizationItem:
    item = latest_attempt(reference, merchant_id, consistent=consistent)
    if item is None or not (item.terminal or is_tombstone(item)):
        raise NotFoundError
    return item


def _shown(item: AuthorizationItem) -> dict[str, Any]:
    made = item.capture_ids
    refund = find_refund(sale_command(item.pk, f"reverse {len(made) - 1}")) if made else None
    return present_payment(item, refund)
