"""What a stream record means to risk, taken in once: counters, profiles, merchants' days, links, the portfolio's sums.

All of it for as many records as fit is one transaction, over one read of what they touch, under one note a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.platform.bus.stream import StreamRecord
from functions.platform.storage.transactions import WriteSet
from functions.risk.counting.observing import Countable, countable
from functions.risk.counting.service import count, orders_of, shards_of, wanted_to_count
from functions.risk.each_once import commit_once
from functions.risk.memory import Memory
from functions.risk.watch.learning import learn, wanted_to_learn
from functions.risk.watch.lessons import Lesson, lesson_of


@dataclass(frozen=True, slots=True)
class Heard:
    """One stream record that means something to risk.

    Args:
        event_id: The record's own, the same at every delivery.
        counts: What it adds to counters, terminals and the customer's habits.
        lesson: What the checks learn of it, and what it moves in the portfolio.
    """

    event_id: str
    counts: Countable | None = None
    lesson: Lesson | None = None

    @property
    def touches(self) -> set[str]:
        """Names of the items that it may write, its note among them."""
        note = {f"note {self.event_id}"}
        return note.union(*(part.touches for part in (self.counts, self.lesson) if part is not None))


def heard(record: StreamRecord) -> Heard | None:
    """What a record means, or None."""
    counts, lesson = countable(record), lesson_of(record)
    return Heard(record.event_id, counts, lesson) if counts is not None or lesson is not None else None


def take_in(batch: Sequence[Heard]) -> None:
    """Count and learn what the records of a batch mean, each once, whatever is delivered twice or late.

    Raises:
        UnavailableError: Others kept changing the same items; the batch comes again.
    """
    commit_once(batch, _writes)


def _writes(pending: Sequence[Heard]) -> list[WriteSet]:
    """On a fresh read: of everything, and once more where something is spread over several items."""
    counted = [each.counts for each in pending if each.counts is not None]
    lessons = [each.lesson for each in pending if each.lesson is not None]
    orders, memory = orders_of(counted), Memory()
    memory.read([*wanted_to_count(counted, orders), *wanted_to_learn(lessons)])
    memory.read(shards_of(memory, orders))
    return [*count(memory, counted, orders), *learn(memory, lessons), *memory.profiles()]
