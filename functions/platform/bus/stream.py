"""DynamoDB stream records and what a consumer answers about them.

A record that fails for its own sake (poison) is tried three times, put whole on the parking queue and reported done,
so that it does not stop its shard; a record that fails because another service is away is reported, and Lambda
delivers it and all after it again. Source: AWS Lambda, ReportBatchItemFailures for DynamoDB streams.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.core.errors import UnavailableError
from functions.platform.observability import log
from functions.platform.storage.table import RawItem

_TRIES = 3
_TTL_SERVICE = "dynamodb.amazonaws.com"

BatchAnswer = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One change of one item.

    Args:
        event_id: The record's own id, the same at every delivery; a counting consumer's guard.
        sequence_number: Place in its shard.
        new: Image after, None for a removal.
        old: Image before, None for an insert.
        expired: Whether TTL removed it.
        body: The record as it came, for parking.
    """

    event_id: str
    sequence_number: str
    new: RawItem | None
    old: RawItem | None
    expired: bool
    body: Mapping[str, Any]

    @property
    def pk(self) -> str:
        image = self.new or self.old
        return str(image["pk"]["S"]) if image else ""

    @property
    def sk(self) -> str:
        image = self.new or self.old
        return str(image["sk"]["S"]) if image else ""


class Parking(Protocol):
    """Where records go that no one could handle."""

    def park(self, consumer: str, body: Mapping[str, Any], reason: str) -> None: ...


def records_of(event: Mapping[str, Any]) -> list[StreamRecord]:
    """The records of a stream event, binary values decoded."""
    return [
        StreamRecord(
            event_id=record["eventID"],
            sequence_number=record["dynamodb"]["SequenceNumber"],
            new=_image(record["dynamodb"].get("NewImage")),
            old=_image(record["dynamodb"].get("OldImage")),
            expired=(record.get("userIdentity") or {}).get("principalId") == _TTL_SERVICE,
            body=record,
        )
        for record in event["Records"]
    ]


def _image(raw: Mapping[str, Any] | None) -> RawItem | None:
    return {name: _decode(value) for name, value in raw.items()} if raw else None


def _decode(value: Any) -> Any:  # noqa: ANN401  DynamoDB JSON is recursive
    """DynamoDB JSON carries bytes as base 64 in a stream event, and as bytes everywhere else."""
    (kind, inner), *_ = value.items()
    if kind == "B":
        return {"B": base64.b64decode(inner) if isinstance(inner, str) else inner}
    if kind == "BS":
        return {"BS": [base64.b64decode(i) if isinstance(i, str) else i for i in inner]}
    if kind == "L":
        return {"L": [_decode(i) for i in inner]}
    if kind == "M":
        return {"M": {name: _decode(i) for name, i in inner.items()}}
    return value


def failures(sequence_numbers: Iterable[str]) -> BatchAnswer:
    """The answer that names the lowest failed record; everything from it on comes again."""
    lowest = min(sequence_numbers, key=int, default=None)
    return {"batchItemFailures": [{"itemIdentifier": lowest}] if lowest is not None else []}


def each(
    records: Iterable[StreamRecord],
    handle: Callable[[StreamRecord], None],
    *,
    consumer: str,
    parking: Parking,
) -> BatchAnswer:
    """Handle records one after another, in order.

    Args:
        records: Of one batch.
        handle: May be called again with the same record.
        consumer: Name for logs and the parking queue.
        parking: Takes poison.
    """
    for record in records:
        try:
            _handle(record, handle, consumer, parking)
        except UnavailableError as error:
            log().warning("stream stops", extra={"consumer": consumer, "error": error.code})
            return failures([record.sequence_number])
    return failures([])


def _handle(record: StreamRecord, handle: Callable[[StreamRecord], None], consumer: str, parking: Parking) -> None:
    for attempt in range(_TRIES):
        try:
            handle(record)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  poison of any kind must not stop its shard
            log().exception("record failed", extra={"consumer": consumer, "attempt": attempt + 1})
            if attempt + 1 == _TRIES:
                parking.park(consumer, record.body, type(error).__name__)
        else:
            return


def json_default(value: Any) -> Any:  # noqa: ANN401  json's own signature
    """Bytes and sets of an image as JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def dumps(value: Any) -> str:  # noqa: ANN401  any JSON value
    """One line of JSON, bytes in base 64."""
    return json.dumps(value, separators=(",", ":"), default=json_default)
