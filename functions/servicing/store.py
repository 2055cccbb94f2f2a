"""Servicing's own items: what a customer wants to hear from us and where."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet

REMINDERS: Final = keys.REMINDERS
"""Sort key under the customer's id."""


class ReminderPreferenceItem(Item):
    """The channel a customer prefers, and whether they want reminders at all."""

    channel = UnicodeAttribute(attr_name="ch")
    enabled = BooleanAttribute(attr_name="en")
    changed_at_ms = IntegerAttribute(attr_name="t")


def plan_preference(customer_id: str, channel: str, at: datetime, *, enabled: bool) -> WriteSet:
    """The customer's latest word; the last one counts."""
    item = ReminderPreferenceItem(
        pk=customer_id, sk=REMINDERS, channel=channel, enabled=enabled, changed_at_ms=epoch_ms(at)
    )
    return WriteSet.of(Put(item))
