"""The outbox: a state item carries the events of its last write, and every write replaces them.

So the event can't be lost (it is in the same write as the state) and can't be doubled (its id comes from the item's
key, version and index). The publisher reads the stream and emits only when the version moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.events import Event
from functions.core.ids import derived_id
from functions.platform.storage.table import IntegerAttribute, Item, RawItem

MAX_OUTBOX_BYTES = 512


@dataclass(frozen=True, slots=True)
class Pending:
    """An event before its envelope.

    Args:
        type: For example "authorization.held".
        note: The few facts that the item itself does not say; JSON values, never personal data.
    """

    type: str
    note: Mapping[str, Any] | None = None


_acting: ContextVar[bytes | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: bytes | None) -> Iterator[None]:
    """What is told inside is told to be this actor's doing.

    Args:
        actor: 16 bytes of a merchant's id and 16 of its API key's; None for anybody else.
    """
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


class State(Item):
    """An item with a life: its version grows with every change of state, and it tells what just happened to it."""

    version = IntegerAttribute(attr_name="v", default=1)
    outbox = UnicodeAttribute(attr_name="ob", null=True)
    told_by = BinaryAttribute(legacy_encoding=False, attr_name="kb", null=True)

    def tell(self, at: datetime, request_id: str, *events: Pending) -> None:
        """Replace the outbox by the events of this write; call once, after `version` is set."""
        self.outbox = pack(self.version, at, request_id, *events)
        self.told_by = _acting.get()


def pack(version: int, at: datetime, request_id: str, *events: Pending) -> str:
    """The outbox attribute: version, instant in ms, request id, and type with note of each event.

    Raises:
        ValueError: Over 512 bytes: an outbox names what happened, the payload is rendered from the item.
    """
    entries = [[e.type, dict(e.note)] if e.note else [e.type] for e in events]
    text = json.dumps([version, epoch_ms(at), request_id, entries], separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > MAX_OUTBOX_BYTES:
        raise ValueError("an outbox holds at most 512 bytes")
    return text


@dataclass(frozen=True, slots=True)
class Told:
    """One event found in a stream record, not yet rendered."""

    id: str
    type: str
    note: Mapping[str, Any]
    index: int
    version: int
    at: datetime
    request_id: str


def told(secret: bytes, new: RawItem | None, old: RawItem | None) -> tuple[Told, ...]:
    """The events of one stream record: none unless the version moved and the outbox is of that very version.

    Args:
        secret: Key of event ids.
        new: New image, or None for a removal.
        old: Old image, or None for an insert.
    """
    if new is None or "ob" not in new or "v" not in new:
        return ()
    version = int(new["v"]["N"])
    if old is not None and "v" in old and int(old["v"]["N"]) == version:
        return ()
    of, at_ms, request_id, entries = json.loads(new["ob"]["S"])
    if of != version:
        return ()
    at = from_epoch_ms(at_ms)
    return tuple(
        Told(
            id=derived_id("evt", secret, new["pk"]["S"], new["sk"]["S"], version, index),
            type=entry[0],
            note=entry[1] if len(entry) > 1 else {},
            index=index,
            version=version,
            at=at,
            request_id=request_id,
        )
        for index, entry in enumerate(entries)
    )


def told_at_ms(image: RawItem) -> int | None:
    """When an item was last written by someone who told of it: business time in ms; None if it tells nothing."""
    return int(json.loads(image["ob"]["S"])[1]) if "ob" in image else None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the owning slice says an event is about.

    Args:
        object_id: Public id of the object.
        data: Payload, JSON values, never personal data.
    """

    object_id: str
    data: Mapping[str, Any]
    merchant_id: str | None = None
    customer_id: str | None = None


def envelope(event: Told, rendered: Rendered) -> Event:
    """The event as it leaves."""
    return Event(
        id=event.id,
        type=event.type,
        version=1,
        object_id=rendered.object_id,
        sequence=event.version,
        occurred_at=event.at,
        request_id=event.request_id,
        data=rendered.data,
        merchant_id=rendered.merchant_id,
        customer_id=rendered.customer_id,
    )
