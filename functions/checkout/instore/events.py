"""Messages and events about sales at a till: the queue that waits, and the timer behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from functions.checkout.instore.settle_service import settle
from functions.checkout.instore.timer_store import plan_timer
from functions.core.clock import parse_instant
from functions.payments import till
from functions.payments.authorization import Status
from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.stream import BatchAnswer
from functions.platform.container import container
from functions.platform.storage.transactions import write_each

_LONGEST_S: Final = 900
"""SQS holds a message back no longer."""


def project(event: Mapping[str, Any]) -> None:
    """Keep the timer of a sale that waits; the same event twice writes the same.

    Args:
        event: Our envelope of `in_store.due`.
    """
    status = Status(event["data"]["authorization"]["status"])
    due = till.due_at(status, parse_instant(event["occurred_at"]))
    if due is not None:
        write_each(container().tables, plan_timer(event["object_id"], due))


def waits(event: Mapping[str, Any]) -> BatchAnswer:
    """Handle a batch of the tills queue: events of sales that wait, and our own reminders of them."""
    return each_message(event["Records"], on_wait, consumer="till_worker")


def on_wait(body: Mapping[str, Any]) -> None:
    """Do what is due to a sale, or come back when it is; may be called again with the same message.

    Args:
        body: An `in_store.due` event of the bus, or {"sale": "auth_…"}.
    """
    sale = str(body["sale"]) if "sale" in body else str(event_of(body)["object_id"])
    left = settle(sale)
    if left > timedelta():
        box = container()
        seconds = min(_LONGEST_S, -(-left // timedelta(seconds=1)))
        box.queue(box.settings.tills_queue_url).send([{"sale": sale}], delay_s=seconds)
