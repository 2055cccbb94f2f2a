"""The workers that know no business word: publisher, projector and dead letters."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from functions.core.clock import from_epoch_ms
from functions.platform.bus.dead_letters import plan_letter
from functions.platform.bus.publisher import publish as publish_records
from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.registry import STREAM_NOTES, Renderers, is_repeatable, projections_of
from functions.platform.bus.stream import BatchAnswer, records_of
from functions.platform.container import container
from functions.platform.observability import log
from functions.platform.storage.transactions import ConditionFailedError, commit


def publish(event: Mapping[str, Any]) -> BatchAnswer:
    """Stream records of the operational table → events on the bus."""
    box, records = container(), records_of(event)
    answer = publish_records(
        records,
        bus=box.bus,
        renderers=_renderers,
        secret=box.secrets.key("events"),
        parking=box.parking,
    )
    for path in STREAM_NOTES:
        try:
            load(path)(records)
        except Exception:  # noqa: BLE001  a note is worth no event's delay
            log().exception("not noted", extra={"consumer": path})
    return answer


_renderers = Renderers()


def project(event: Mapping[str, Any]) -> BatchAnswer:
    """Events from the bus → lists and timers, by the owner of the event's type."""
    return each_message(event["Records"], _project_one, consumer="projector", repeatable=is_repeatable)


def _project_one(body: Mapping[str, Any]) -> None:
    envelope = event_of(body)
    for path in projections_of(envelope["type"]):
        load(path)(envelope)


def load(path: str) -> Callable[..., Any]:
    """The function behind "module:function", imported at its first use."""
    module, _, name = path.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def bury(event: Mapping[str, Any]) -> BatchAnswer:
    """Dead-letter queues → items for `/v1/dead-letters`; the same message twice is one item."""
    return {"batchItemFailures": _bury(event["Records"])}


def _bury(records: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    box = container()
    failed = []
    for record in records:
        source = str(record.get("eventSourceARN", "")).rpartition(":")[2]
        sent_ms = record.get("attributes", {}).get("SentTimestamp")
        at = from_epoch_ms(int(sent_ms)) if sent_ms else box.clock.wall()
        try:
            with suppress(ConditionFailedError):  # kept already: the queue has not heard of it
                commit(box.tables, plan_letter(source, record["messageId"], record["body"], at))
        except Exception:  # noqa: BLE001  it stays in its queue and comes again
            log().exception("dead letter not buried", extra={"source": source})
            failed.append({"itemIdentifier": record["messageId"]})
    return failed
