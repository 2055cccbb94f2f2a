"""Messages as items. A message's id is derived from what it is about, so one step has one message ever.

An item names a customer and an object, never an address or a text: both are looked up when it is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import derived_id, id_bytes, id_text
from functions.messaging.message import QUEUED, TOPICS, Subject
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import Pending, State
from functions.platform.storage.table import IntegerAttribute
from functions.platform.storage.transactions import ConditionFailedError, Put, WriteSet

PREFIX: Final = "msg"


class MessageItem(State):
    """One message; about 300 bytes."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="cu", null=True)
    topic = UnicodeAttribute(attr_name="to")
    about = UnicodeAttribute(attr_name="ab")
    number = IntegerAttribute(attr_name="n", default=0)
    step = UnicodeAttribute(attr_name="st", default="")
    state = UnicodeAttribute(attr_name="s", default=QUEUED)
    asked_at_ms = IntegerAttribute(attr_name="t")
    attempt = BinaryAttribute(legacy_encoding=False, attr_name="at", null=True)
    lease_ms = IntegerAttribute(attr_name="le", null=True)
    channel = UnicodeAttribute(attr_name="ch", null=True)
    provider = UnicodeAttribute(attr_name="pi", null=True)
    reason = UnicodeAttribute(attr_name="rs", null=True)
    settled_at_ms = IntegerAttribute(attr_name="se", null=True)
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer) if self.customer else ""

    @property
    def subject(self) -> Subject:
        """What whoever decides at send time is told."""
        return Subject(
            message_id=self.pk,
            topic=self.topic,
            customer_id=self.customer_id,
            about=self.about,
            number=self.number,
            step=self.step,
            asked_at=from_epoch_ms(self.asked_at_ms),
        )


def message_id(secret: bytes, topic: str, about: str, number: int, step: str) -> str:
    """The id of the one message about this step of this part of this object."""
    return derived_id(PREFIX, secret, topic, about, number, step)


def new_message(
    secret: bytes,
    topic: str,
    customer_id: str | None,
    about: str,
    *,
    number: int,
    step: str,
    at: datetime,
    wall: datetime,
) -> MessageItem:
    """A message that waits to be sent.

    Args:
        secret: Key of ids.
        topic: Name in `TOPICS`.
        customer_id: Whom it is for; None when that person is no customer yet.
        about: Public id of the object.
        number: Part of the object, 0 for the whole.
        step: Which of several messages about that part.
        at: Business time.
        wall: Wall time, from which it is kept.
    """
    return MessageItem(
        pk=message_id(secret, topic, about, number, step),
        customer=id_bytes(customer_id) if customer_id else None,
        topic=topic,
        about=about,
        number=number,
        step=step,
        asked_at_ms=epoch_ms(at),
        ttl=int((wall + TOPICS[topic].kept).timestamp()),
        version=1,
    )


def plan_new(item: MessageItem, at: datetime, request_id: str) -> WriteSet:
    """A message that must be new; tells "<topic>.requested" if its topic tells at all.

    Raises (at commit):
        AlreadyRequestedError: The step has its message already.
    """
    if TOPICS[item.topic].tells and item.state == QUEUED:
        item.tell(at, request_id, Pending(f"{item.topic}.requested"))
    return WriteSet.of(Put(item, Path("pk").does_not_exist(), AlreadyRequestedError))


def plan_change(item: MessageItem, seen_version: int) -> WriteSet:
    """A message's next state over the one that was read."""
    return WriteSet.of(Put(item, Path("v") == seen_version))


def defer(item: MessageItem, at: datetime, shards: int) -> None:
    """Put a message into the action index, from which the sweep takes it in the hour of `at` or later."""
    item.shard = keys.action_hour(shard_of(item.pk, shards))
    item.hour = hour_key(at)


class AlreadyRequestedError(ConditionFailedError):
    code, title = "already_requested", "This message has been asked for already"
