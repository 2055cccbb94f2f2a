"""What Lambda, the bus and the queues do between our functions, one step at a time and as unkindly as a test wants.

machine = Machine(platform)
machine.run()                     # schedule nothing; move what is on its way until everything is at rest
Machine(platform, copies=2)       # every SQS message is delivered twice
Machine(platform, shuffle=seed)   # batches come in any order and size
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from functions.core.clock import FixedClock, OffsetClock
from functions.platform.bus.publisher import publish
from functions.platform.bus.registry import Renderers
from functions.platform.bus.stream import records_of
from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage import keys
from functions.servicing import events
from tests.builders.moto_repairs import stream_of
from tests.builders.platform import START, TABLE, NothingParked, Platform, Taken

MESSAGE_RULE = ("reminder.requested", "clock.")
"""What the bus puts on the messages queue, of what servicing tells."""


def sandbox_time(platform: Platform) -> FixedClock:
    """Let the container read the sandbox's clock item at every look; returns wall time, which stands still."""
    wall = FixedClock(START)

    def offset() -> timedelta:
        item = platform.tables.get(ClockItem, keys.CLOCK, consistent=True)
        return timedelta(seconds=item.offset_s if item else 0)

    platform.box.clock = OffsetClock(offset, wall)
    return wall


@dataclass
class Machine:
    """Moves messages between queues, stream and handlers.

    Args:
        copies: How often each SQS message is delivered.
        shuffle: Seed of the order in which things move, None for a fixed one.
        told: Every event so far.
    """

    platform: Platform
    copies: int = 1
    shuffle: int | None = None
    told: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.shuffle)
        self._read = 0

    def stream(self) -> int:
        """Publish what the table told, and let the rules put it on the messages queue."""
        taken = Taken()
        answer = publish(
            records_of({"Records": self._records()}),
            bus=taken,
            renderers=Renderers(),
            secret=self.platform.secrets.key("events"),
            parking=NothingParked(),
        )
        assert answer == {"batchItemFailures": []}
        fresh = taken.events
        self.told += fresh
        for event in fresh:
            if event.type.startswith(MESSAGE_RULE):
                self._send({"source": "whitenote", "detail-type": event.type, "detail": event.to_dict()})
        return len(fresh)

    def _records(self) -> list[dict[str, Any]]:
        fresh = stream_of(TABLE, self._read)
        self._read += len(fresh)
        return fresh

    def _send(self, body: Mapping[str, Any]) -> None:
        url = self.platform.settings.messages_queue_url
        self.platform.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))

    def sweeper(self) -> int:
        return self._serve(self.platform.settings.sweep_queue_url, events.sweep_pages)

    def messenger(self) -> int:
        return self._serve(self.platform.settings.messages_queue_url, events.messages)

    def _serve(self, url: str, handler: Callable[[Mapping[str, Any]], Any]) -> int:
        """Give one batch to a handler as Lambda does; what it reports failed comes back at once."""
        sqs = self.platform.client("sqs")
        size = self.random.randint(1, 10) if self.shuffle is not None else 10
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=size).get("Messages", [])
        if not found:
            return 0
        failed: set[str] = set()
        for _ in range(self.copies):
            records = [{"messageId": m["MessageId"], "body": m["Body"]} for m in found]
            if self.shuffle is not None:
                self.random.shuffle(records)
            answer = handler({"Records": records})
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for message in found:
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                sqs.delete_message(**handle)
        return len(found)

    def step(self) -> int:
        """One round of everything; how much moved."""
        parts = [self.stream, self.sweeper, self.messenger]
        if self.shuffle is not None:
            self.random.shuffle(parts)
        return sum(part() for part in parts)

    def run(self, steps: int = 20_000) -> None:
        """Until nothing moves."""
        for _ in range(steps):
            if not self.step():
                return
        raise AssertionError(f"still moving after {steps} steps")


def live(platform: Platform) -> None:
    """Make the platform believe that it is live."""
    platform.box.settings = replace(platform.box.settings, stage="live")
