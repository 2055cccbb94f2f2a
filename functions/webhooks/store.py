"""Endpoints, kept events and deliveries as items (docs/data_model.md R51–R54, W51–W54).

An endpoint stands in its merchant's partition, so that one query finds where an event must go and a foreign id finds
nothing. A delivery stands in its event's partition, so that one query shows an event with what became of it.
"""

from __future__ import annotations

import json
import zlib
from datetime import datetime, timedelta
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.ids import id_bytes, id_text
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_now, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, Update, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

KEPT: Final = timedelta(days=30)
ENABLED, DISABLED, DELETED = "enabled", "disabled", "deleted"
PENDING, CLAIMED, DELIVERED, FAILED = "pending", "claimed", "delivered", "failed"
FINAL: Final = frozenset({DELIVERED, FAILED})


class EndpointItem(State):
    """Where a merchant wants to be told; 500 bytes as a rule, at most 2 KiB."""

    url = UnicodeAttribute(attr_name="u")
    patterns = UnicodeAttribute(attr_name="pt")
    description = UnicodeAttribute(attr_name="d", null=True)
    status = UnicodeAttribute(attr_name="st", default=ENABLED)
    reason = UnicodeAttribute(attr_name="rs", null=True)
    generation = IntegerAttribute(attr_name="gn", default=1)
    rotated_at_ms = IntegerAttribute(attr_name="ra", null=True)
    retiring = UnicodeAttribute(attr_name="rt", null=True)
    failures = IntegerAttribute(attr_name="fl", default=0)
    succeeded_at_ms = IntegerAttribute(attr_name="sa", null=True)
    failed_at_ms = IntegerAttribute(attr_name="fa", null=True)
    failed_with = UnicodeAttribute(attr_name="fw", null=True)
    tested_version = IntegerAttribute(attr_name="tv", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")
    commands = CommandsAttribute()
    created_at_ms = IntegerAttribute(attr_name="t")
    ttl = IntegerAttribute(attr_name="ttl", null=True)

    @property
    def endpoint_id(self) -> str:
        return self.sk.removeprefix(keys.ENDPOINTS)

    @property
    def merchant_id(self) -> str:
        return self.pk

    @property
    def subscriptions(self) -> tuple[str, ...]:
        return tuple(self.patterns.split())

    def retiring_at(self, now: datetime) -> list[tuple[int, datetime]]:
        """Former generations that still sign at an instant, and until when; wall time."""
        held = [(number, from_epoch_ms(until)) for number, until in json.loads(self.retiring or "[]")]
        return [(number, until) for number, until in held if until > now]

    def retire(self, held: list[tuple[int, datetime]]) -> None:
        """Write the former generations that go on signing for a while."""
        self.retiring = json.dumps([[n, epoch_ms(until)] for n, until in held], separators=(",", ":")) if held else None

    def signing(self, now: datetime) -> list[int]:
        """Generations that sign at an instant, the newest first."""
        return [self.generation, *sorted((number for number, _ in self.retiring_at(now)), reverse=True)]


class EventItem(Item):
    """An event as its merchant may read it for thirty days; mostly under 1 KiB, at most 20 kB."""

    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    type = UnicodeAttribute(attr_name="ty")
    packed = BinaryAttribute(legacy_encoding=False, attr_name="b")
    version = IntegerAttribute(attr_name="v", default=1)
    commands = CommandsAttribute()
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def text(self) -> str:
        """The body as sent."""
        return zlib.decompress(self.packed).decode()


class EventRow(Item):
    """An event in its merchant's list, by business time."""

    ttl = IntegerAttribute(attr_name="ttl")


class DeliveryItem(Item):
    """One event on its way to one endpoint; about 250 bytes."""

    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    state = UnicodeAttribute(attr_name="s", default=PENDING)
    tried = IntegerAttribute(attr_name="n", default=0)
    base = IntegerAttribute(attr_name="nb", default=0)
    next_at_ms = IntegerAttribute(attr_name="na", null=True)
    attempt = BinaryAttribute(legacy_encoding=False, attr_name="at", null=True)
    lease_ms = IntegerAttribute(attr_name="le", null=True)
    status = IntegerAttribute(attr_name="hs", null=True)
    problem = UnicodeAttribute(attr_name="pr", null=True)
    took_ms = IntegerAttribute(attr_name="tk", null=True)
    tried_at_ms = IntegerAttribute(attr_name="ta", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    version = IntegerAttribute(attr_name="v", default=1)
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)
    ttl = IntegerAttribute(attr_name="ttl")

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def endpoint_id(self) -> str:
        return str(self.sk)

    def wait_in_index(self, at: datetime, shards: int) -> None:
        """Stand in the wall-time lane of the action index, in the hour that an instant lies in."""
        self.shard = keys.wall_hour(shard_of(self.pk, shards))
        self.hour = hour_now(at)

    def leave_index(self) -> None:
        """Stand in it no more."""
        self.shard, self.hour = None, None


def expiry(wall: datetime) -> int:
    """TTL of what is kept for thirty days of wall time."""
    return int((wall + KEPT).timestamp())


def new_event(event_id: str, merchant_id: str, event_type: str, body: str, wall: datetime) -> EventItem:
    """An event to be kept.

    Args:
        event_id: `evt_…`.
        merchant_id: Whose.
        event_type: For example "capture.created".
        body: As it will be sent.
        wall: Now.
    """
    return EventItem(
        pk=event_id,
        merchant=id_bytes(merchant_id),
        type=event_type,
        packed=zlib.compress(body.encode(), 9),
        ttl=expiry(wall),
    )


def events_list(merchant_id: str) -> str:
    """Partition of a merchant's events."""
    return keys.listing(merchant_id, "event")


def new_delivery(event: EventItem, endpoint_id: str, wall: datetime) -> DeliveryItem:
    """An event on its way to an endpoint, due now."""
    return DeliveryItem(
        pk=event.pk,
        sk=endpoint_id,
        merchant=event.merchant,
        next_at_ms=epoch_ms(wall),
        created_at_ms=epoch_ms(wall),
        ttl=event.ttl,
    )


def plan_event_row(event: EventItem, occurred_at: datetime) -> WriteSet:
    """An event in its merchant's list, where it shows as soon as it is kept; the same however often."""
    row = EventRow(pk=events_list(event.merchant_id), sk=f"{epoch_ms(occurred_at):013d}#{event.pk}", ttl=event.ttl)
    return WriteSet.of(Put(row))


def plan_event(event: EventItem, deliveries: list[DeliveryItem]) -> WriteSet:
    """An event for the first time: kept, and on its way.

    Raises (at commit):
        ConditionFailedError: It is kept already, and so are its deliveries.
    """
    return WriteSet.of(create(event), *(create(each) for each in deliveries))


def plan_replay(event: EventItem, deliveries: list[DeliveryItem], new: set[str]) -> WriteSet:
    """An event that is told again: its memory of the command, and its deliveries due now.

    Args:
        event: As it will be; its version is one more than read.
        deliveries: As they will be; those read before have their next version.
        new: Endpoints that had none.

    Raises (at commit):
        ConditionFailedError: The event or a delivery changed meanwhile.
    """
    puts = [create(each) if each.sk in new else replace(each, each.version - 1) for each in deliveries]
    return WriteSet.of(replace(event, event.version - 1), *puts)


def plan_step(item: DeliveryItem) -> WriteSet:
    """A delivery's next state over the one before.

    Raises (at commit):
        ConditionFailedError: Another attempt moved it.
    """
    return WriteSet.of(replace(item, item.version - 1))


def plan_handed_over(item: DeliveryItem) -> WriteSet:
    """A delivery leaves the index because the queue has it now; its state is the same.

    Raises (at commit):
        ConditionFailedError: It was tried meanwhile.
    """
    leave = (Path("gk").remove(), Path("gs").remove())
    return WriteSet.of(Update(DeliveryItem, item.pk, item.sk, leave, Path("v") == item.version))


def plan_endpoint(item: EndpointItem, seen_version: int) -> WriteSet:
    """An endpoint over the version that was read."""
    return WriteSet.of(replace(item, seen_version))


def plan_health(merchant_id: str, endpoint_id: str, at: datetime, failed_with: str | None) -> WriteSet:
    """What the last try says of an endpoint; its state and version stay.

    Args:
        merchant_id: Whose.
        endpoint_id: Which.
        at: Wall time.
        failed_with: HTTP status or word of the failure; None for a success.

    Raises (at commit):
        ConditionFailedError: It is not there any more.
    """
    actions: tuple[Any, ...] = (Path("sa").set(epoch_ms(at)), Path("fl").set(0))
    if failed_with is not None:
        actions = (Path("fl").add(1), Path("fa").set(epoch_ms(at)), Path("fw").set(failed_with))
    where = keys.endpoint(endpoint_id)
    return WriteSet.of(Update(EndpointItem, merchant_id, where, actions, Path("pk").exists()))
