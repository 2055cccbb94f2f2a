"""A reversal that came before its payment: what it leaves, so that the payment, when it comes, pays nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from functions.checkout.authorize_service import ReferenceInUseError
from functions.checkout.instore.present import NO_CURRENCY, REVERSED
from functions.checkout.instore.schemas import PaymentRequest
from functions.core.clock import epoch_ms
from functions.core.ids import ID_BYTES, id_bytes
from functions.payments.authorization import Status
from functions.payments.store import MAX_ATTEMPTS, AuthorizationItem, first_attempts, status_code
from functions.platform.container import container
from functions.platform.web.context import Command

LIFE: Final = timedelta(hours=24)
_NOBODY: Final = bytes(ID_BYTES)
_NOTHING: Final = "-"


def is_tombstone(item: AuthorizationItem) -> bool:
    """Whether an attempt is the trace of a reversal that found nothing to reverse."""
    return bool(item.currency == NO_CURRENCY)


def is_fresh(item: AuthorizationItem, now: datetime) -> bool:
    """Whether it still stops payments; business time."""
    return is_tombstone(item) and (item.due_at_ms or 0) > epoch_ms(now)


def tombstone(merchant_id: str, reference: str, number: int, command: Command) -> AuthorizationItem:
    """The trace, in the place of the attempt that would come next: whichever is written first wins.

    It tells nobody anything: nothing has happened.
    """
    now = container().clock.now()
    item = _attempt(merchant_id, reference, number, command, now)
    item.status, item.void_reason = status_code(Status.VOIDED), REVERSED
    item.amount, item.currency, item.category = 0, NO_CURRENCY, _NOTHING
    item.due_at_ms = epoch_ms(now + LIFE)
    item.content = command.key
    return item


def refusal(  # noqa: PLR0917  what a declined attempt is made of
    merchant_id: str, body: PaymentRequest, category: str, number: int, command: Command, content: bytes
) -> AuthorizationItem:
    """The payment that came after its reversal: declined, whoever's code it was."""
    item = _attempt(merchant_id, body.reference, number, command, container().clock.now())
    item.status, item.decline_code = status_code(Status.DECLINED), REVERSED
    item.amount, item.currency, item.category = body.amount_minor, body.currency, category
    item.terminal, item.content = body.terminal_id, content
    return item


def _attempt(merchant_id: str, reference: str, number: int, command: Command, now: datetime) -> AuthorizationItem:
    if number > MAX_ATTEMPTS:
        raise ReferenceInUseError(f"an order is tried at most {MAX_ATTEMPTS} times")
    return AuthorizationItem(
        pk=first_attempts(container().secrets.key("ids"), merchant_id, reference, 1, number)[0],
        merchant=id_bytes(merchant_id),
        customer=_NOBODY,
        reference=reference,
        attempt=number,
        product=_NOTHING,
        product_version=0,
        grade=_NOTHING,
        channel="in_store",
        created_at_ms=epoch_ms(now),
        expires_at_ms=epoch_ms(now + LIFE),
        key=command.key,
        body=command.body,
    )
