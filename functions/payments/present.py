"""What a merchant sees of an authorization, in answers and events: states and money, never a reason of credit."""

from __future__ import annotations

from typing import Any

from functions.core.clock import from_epoch_ms, isoformat
from functions.core.ids import id_text
from functions.payments.authorization import Status
from functions.payments.store import AuthorizationItem, capture_id, to_value
from functions.platform.container import container

_PROTECTED = frozenset({Status.PARTIALLY_CAPTURED, Status.CAPTURED})


def present(item: AuthorizationItem, secret: bytes) -> dict[str, Any]:
    """The authorization as JSON values.

    Args:
        item: As stored.
        secret: Key of ids, to name its captures.
    """
    value = to_value(item)
    body: dict[str, Any] = {
        "id": item.pk,
        "object": "authorization",
        "status": str(value.status),
        "version": value.version,
        "reference": item.reference,
        "attempt": item.attempt,
        "amount_minor": value.amount_minor,
        "currency": item.currency,
        "captured_minor": value.captured_minor,
        "released_minor": value.released_minor,
        "remaining_minor": value.remaining_minor,
        "product_id": item.product,
        "category": item.category,
        "channel": item.channel,
        "checkout_id": id_text("chk", item.checkout) if item.checkout is not None else None,
        "captures": [capture_id(secret, item.pk, key) for key in item.capture_ids],
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
        "expires_at": isoformat(value.expires_at),
        "extended": value.extended,
        "suspension": None,
        "decline": None,
        "merchant_protected": value.status in _PROTECTED,
    }
    if value.suspension is not None:
        body["suspension"] = {
            "case_id": value.suspension.case_id,
            "since": isoformat(value.suspension.since_at),
            "until": isoformat(value.suspension.until_at),
        }
    if value.decline_code is not None:
        body["decline"] = {"code": value.decline_code}
        if value.decline_code == "step_up_required" and item.checkout is not None:
            body["decline"]["url"] = f"{container().settings.public_url}/checkout/{id_text('chk', item.checkout)}"
    if value.void_reason is not None:
        body["void_reason"] = value.void_reason
    if item.terminal is not None:
        body["terminal_id"] = item.terminal
    return body
