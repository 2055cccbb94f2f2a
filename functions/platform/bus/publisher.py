"""From the stream to the event bus: every told event once per id, in the order of its object, or reported failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.core.errors import UnavailableError
from functions.core.events import Event
from functions.platform.bus.stream import BatchAnswer, Parking, StreamRecord, failures
from functions.platform.observability import log
from functions.platform.storage.outbox import Rendered, Told, envelope, told
from functions.platform.storage.table import RawItem

PUT_EVENTS_LIMIT = 10
SOURCE = "whitenote"

Renderer = Callable[[Told, RawItem], Rendered | None]
"""Makes the payload from the item as it was after the write; None means that the event has no reader any more."""


class Bus(Protocol):
    """Takes events; tells which it did not take."""

    def put(self, events: Sequence[Event]) -> list[bool]:
        """Put at most 10 events; True for each that was taken.

        Raises:
            UnavailableError: The bus did not answer.
        """


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """The AWS bus.

    Args:
        client: boto3 "events" client.
        name: Bus name.
    """

    client: Any
    name: str

    def put(self, events: Sequence[Event]) -> list[bool]:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [
            {
                "Source": SOURCE,
                "DetailType": event.type,
                "Detail": json.dumps(event.to_dict(), separators=(",", ":"), ensure_ascii=False),
                "EventBusName": self.name,
                "Time": event.occurred_at,
            }
            for event in events
        ]
        try:
            answer = self.client.put_events(Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(retry_after_s=1) from error
        return ["ErrorCode" not in entry for entry in answer["Entries"]]


def publish(
    records: Sequence[StreamRecord],
    *,
    bus: Bus,
    renderers: Mapping[str, Renderer],
    secret: bytes,
    parking: Parking,
) -> BatchAnswer:
    """Emit the events of a batch of stream records.

    TTL and removals say nothing. An event that can't be rendered is poison: its record is parked. Of what the bus
    refuses, the lowest record is returned, so that no later event of the object overtakes an earlier one for good.

    Returns:
        The batch answer for Lambda.
    """
    pending: list[tuple[StreamRecord, Event]] = []
    for record in records:
        try:
            pending += [(record, event) for event in _events(record, renderers, secret)]
        except Exception as error:  # noqa: BLE001  poison of any kind must not stop its shard
            log().exception("event can't be rendered", extra={"pk": record.pk.partition("_")[0]})
            parking.park("publisher", record.body, type(error).__name__)
    refused: list[str] = []
    for start in range(0, len(pending), PUT_EVENTS_LIMIT):
        chunk = pending[start : start + PUT_EVENTS_LIMIT]
        try:
            taken = bus.put([event for _, event in chunk])
        except UnavailableError:
            taken = [False] * len(chunk)
        refused += [record.sequence_number for (record, _), ok in zip(chunk, taken, strict=True) if not ok]
        if refused:
            break
    return failures(refused)


def _events(record: StreamRecord, renderers: Mapping[str, Renderer], secret: bytes) -> list[Event]:
    if record.new is None or record.expired:
        return []
    out = []
    for event in told(secret, record.new, record.old):
        rendered = renderers[event.type](event, record.new)
        if rendered is not None:
            out.append(envelope(event, rendered))
    return out
