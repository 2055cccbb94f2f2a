"""Make the events of a deployment anew from its items, after a day on which the stream was lost.

    python -m functions.platform.bus.republish SINCE [--stage S --table T --bus B --secret-id ID]

An item carries the events of its last write, so each object tells where it stands; what it told in between is gone, and
its `sequence` shows the gap. An event has the id that it had, so consumers drop what they have seen. By default the
deployment is the one that the environment names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.core.clock import parse_instant
from functions.core.errors import UnavailableError, WhitenoteError
from functions.core.events import Event
from functions.platform.bus.publisher import PUT_EVENTS_LIMIT, Bus, Renderer
from functions.platform.bus.registry import Renderers
from functions.platform.container import container, install_named
from functions.platform.storage.outbox import envelope, told
from functions.platform.storage.table import RawItem, Tables

_SEGMENTS = 8
_TRIES = 5
_OPTIONS = {"stage": "STAGE", "table": "TABLE", "bus": "BUS", "secret-id": "SECRET_ID"}


@dataclass(frozen=True, slots=True)
class Republished:
    """What came of it.

    Args:
        events: Taken by the bus.
        unreadable: Items whose events can't be rendered, by their partition key's prefix.
    """

    events: int
    unreadable: Mapping[str, int]


def republish(
    since: datetime, tables: Tables, bus: Bus, renderers: Mapping[str, Renderer], secret: bytes
) -> Republished:
    """Put the events of every item's last write that happened at or after an instant.

    Args:
        since: Business time, aware.
        tables: Whose operational table is read, all of it, in parallel segments.
        bus: Takes the events.
        renderers: By event type.
        secret: Key of event ids.

    Raises:
        UnavailableError: Storage or bus did not answer, or the bus went on refusing; run it again, nothing doubles.
    """
    unreadable: dict[str, int] = {}

    def segment(number: int) -> int:
        count = 0
        batch: list[Event] = []
        for item in _told_items(tables, number):
            try:
                found = [
                    (event, rendered)
                    for event in told(secret, item, None)
                    if event.at >= since and (rendered := renderers[event.type](event, item)) is not None
                ]
            except Exception:  # noqa: BLE001  one poisonous item must not keep the others from being told
                prefix = item["pk"]["S"].partition("_")[0].partition("#")[0]
                unreadable[prefix] = unreadable.get(prefix, 0) + 1
                continue
            batch += [envelope(event, rendered) for event, rendered in found]
            while len(batch) >= PUT_EVENTS_LIMIT:
                count += _put(bus, batch[:PUT_EVENTS_LIMIT])
                del batch[:PUT_EVENTS_LIMIT]
        return count + _put(bus, batch)

    with ThreadPoolExecutor(_SEGMENTS) as pool:
        return Republished(sum(pool.map(segment, range(_SEGMENTS))), unreadable)


def _told_items(tables: Tables, segment: int) -> Iterator[RawItem]:
    start: dict[str, Any] = {}
    while True:
        answer = tables.dispatch(
            "Scan",
            {
                "TableName": tables.table,
                "FilterExpression": "attribute_exists(ob)",
                "Segment": segment,
                "TotalSegments": _SEGMENTS,
                **start,
            },
        )
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _put(bus: Bus, events: Sequence[Event]) -> int:
    """Put all of them, those that are refused again."""
    left = list(events)
    for _ in range(_TRIES):
        if not left:
            return len(events)
        left = [event for event, taken in zip(left, bus.put(left), strict=True) if not taken]
    if left:
        raise UnavailableError(f"the bus refuses {left[0].type} of {left[0].object_id}", retry_after_s=1)
    return len(events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it for the deployment that is named.

    Returns:
        0; 1 if it did not finish or some items' events can't be rendered.
    """
    parser = argparse.ArgumentParser(prog="python -m functions.platform.bus.republish", description=__doc__)
    parser.add_argument("since", type=parse_instant, help="an instant, for example 2026-11-22T00:00:00Z")
    for option in (*_OPTIONS, "endpoint", "region"):
        parser.add_argument(f"--{option}", default="")
    options = vars(parser.parse_args(arguments))
    named = {name: options[option.replace("-", "_")] for option, name in _OPTIONS.items()}
    install_named(named, options["endpoint"], options["region"])
    box = container()
    try:
        done = republish(options["since"], box.tables, box.bus, Renderers(), box.secrets.key("events"))
    except WhitenoteError as error:
        sys.stdout.write(f"FAILED: {error}; run it again, nothing is told twice\n")
        return 1
    sys.stdout.write(f"{done.events} events put on the bus\n")
    for prefix, count in sorted(done.unreadable.items()):
        sys.stdout.write(f"FAILED: {count} items {prefix}… can't be rendered\n")
    return 1 if done.unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
