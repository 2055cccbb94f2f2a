"""A payment at a till as its shop sees it."""

from __future__ import annotations

from typing import Any, Final

from functions.checkout.instore.receipt import Slip, receipt_lines
from functions.core.clock import from_epoch_ms, isoformat
from functions.lending.products.service import find_product
from functions.merchants.service import get_merchant
from functions.payments import till
from functions.payments.authorization import Status
from functions.payments.service import due_of
from functions.payments.store import AuthorizationItem, capture_id, to_value
from functions.platform.container import container

REVERSED: Final = "reversed"
NO_CURRENCY: Final = "XXX"
"""ISO 4217 for none: what a payment that never came was in."""

_STATUS: Final = {
    Status.APPROVED: "approved",
    Status.HELD: "held",
    Status.AWAITING_CONFIRMATION: "awaiting_confirmation",
    Status.DECLINED: "declined",
    Status.VOIDED: REVERSED,
    Status.EXPIRED: "expired",
    Status.CAPTURED: "captured",
    Status.PARTIALLY_CAPTURED: "partially_captured",
}


def present_payment(item: AuthorizationItem, refund: str | None = None) -> dict[str, Any]:
    """The payment as JSON values.

    Args:
        item: As read; a wait that is over counts as declined, whether or not that has been written.
        refund: Id of its reversal, if it was reversed after its capture.
    """
    value, due, now = to_value(item), due_of(item), container().clock.now()
    over = till.is_over(value, due, now)
    status = "declined" if over else REVERSED if refund else _STATUS[value.status]
    code = till.DECLINE_CODES[value.status] if over else value.decline_code
    came = item.currency != NO_CURRENCY
    count = find_product(item.product, item.product_version).terms.term_count if came and item.product_version else None
    return {
        "object": "in_store_payment",
        "reference": item.reference,
        "status": status,
        "amount_minor": item.amount if came else None,
        "currency": item.currency if came else None,
        "terminal_id": item.terminal,
        "authorization_id": item.pk,
        "product_id": item.product if count else None,
        "term_count": count,
        "capture_id": _capture(item),
        "refund_id": refund,
        "decline": {"code": code} if code else None,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
        "due_at": isoformat(due) if due and not over and value.status in till.WAITS else None,
        "receipt": _receipt(item, status, count) if count else [],
    }


def _capture(item: AuthorizationItem) -> str | None:
    made = item.capture_ids
    return capture_id(container().secrets.key("ids"), item.pk, made[-1]) if made else None


def _receipt(item: AuthorizationItem, status: str, count: int) -> list[str]:
    merchant = get_merchant(item.merchant_id)
    return receipt_lines(
        Slip(
            shop=merchant.name,
            terminal=item.terminal or "",
            reference=item.reference,
            status=status,
            amount_minor=item.amount,
            currency=item.currency,
            count=count,
            at=from_epoch_ms(item.created_at_ms),
            zone=merchant.zone,
            authorization_id=item.pk,
            language=item.language or "en",
        )
    )
