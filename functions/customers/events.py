"""What customers tell, and what this slice is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.customers.identity import Identity
from functions.customers.sign_in import MESSAGE_KIND, resolve_code
from functions.customers.store import CustomerItem
from functions.messaging.service import deliver, request_alone
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a customer event; never personal data."""
    item = CustomerItem.from_raw_data(dict(image))
    found = Identity.unpack(item.identity)
    data: dict[str, Any] = {"status": item.status, "country": item.country, "language": item.language}
    if told.type in {"customer.created", "customer.identity_decided"}:
        data |= {"reasons": list(found.reasons), "provider": found.provider.partition(":")[0]}
    if told.type == "customer.consents_changed":
        data["consents"] = dict(told.note)
    return Rendered(object_id=item.pk, data=data, customer_id=item.pk)


def handles(body: Mapping[str, Any]) -> bool:
    """Whether a message of the messages queue is this slice's."""
    return body.get("kind") == MESSAGE_KIND


def on_message(body: Mapping[str, Any]) -> None:
    """Send what the messages queue asks for; may be called again with the same message.

    Args:
        body: {"kind": "sign_in_code", "challenge_id": "cha_…"}.
    """
    deliver(request_alone(MESSAGE_KIND, body["challenge_id"], at=container().clock.now()), resolve_code)
