"""What endpoints tell, and the webhooks queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.stream import BatchAnswer
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.webhooks.delivery_service import DELIVERY_KIND, deliver
from functions.webhooks.event_service import keep
from functions.webhooks.store import EndpointItem

AT_ONCE: Final = 10
"""A whole batch side by side: one slow receiver keeps nobody waiting, and a batch ends in time."""


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of an endpoint's event; its URL may carry the merchant's own secrets and stays out."""
    item = EndpointItem.from_raw_data(dict(image))
    data: dict[str, Any] = {
        "id": item.endpoint_id,
        "object": "webhook_endpoint",
        "status": item.status,
        "disabled_reason": item.reason,
    }
    return Rendered(item.endpoint_id, {"webhook_endpoint": data, **told.note}, merchant_id=item.merchant_id)


def webhooks(event: Mapping[str, Any]) -> BatchAnswer:
    """Handle a batch of the webhooks queue."""
    records = event["Records"]
    return each_message(records, on_message, consumer="webhook_sender", at_once=AT_ONCE, repeatable=_kept_once)


def _kept_once(_: str) -> bool:
    """Every event: it is kept under its own id, and its deliveries are claimed one by one."""
    return True


def on_message(body: Mapping[str, Any]) -> None:
    """Keep an event, or make one try of one delivery; may be called again with the same message.

    Args:
        body: An event of the bus, or {"kind": "delivery", …}.
    """
    if body.get("kind") == DELIVERY_KIND:
        deliver(body)
    else:
        keep(event_of(body))
