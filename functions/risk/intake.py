"""What a stream record means to risk, taken in once: counters, profiles, merchants' days, links, the portfolio's sums.

All of it for as many records as fit is one transaction, over one read of what they touch. That a record was taken in
stands in the customer's profile, where a new order writes that anyway, or in a note of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.platform.bus.stream import StreamRecord
from functions.risk.counting.observing import Countable, countable
from functions.risk.counting.service import count, orders_of, shards_of, wanted_to_count
from functions.risk.each_once import Planned, commit_once
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
    def own(self) -> tuple[int, str] | None:
        """Line and id of the new order whose customer's profile says that it was taken in; None of other records."""
        return self.counts.own if self.counts is not None else None

    @property
    def touches(self) -> set[str]:
        """Names of the items that it may write, a note among them."""
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
    commit_once(batch, _planned)


def _planned(pending: Sequence[Heard]) -> Planned:
    """On a fresh read: of everything, and once more where something is spread over several items."""
    counted, lessons = _parts(pending)
    orders, memory = orders_of(counted), Memory()
    memory.read([*wanted_to_count(counted, orders), *wanted_to_learn(lessons)])
    new = [each for each in pending if not (each.own and memory.was_taken_in(*each.own))]
    noted = [each.event_id for each in new if not (each.own and memory.mark(*each.own))]
    counted, lessons = _parts(new)
    memory.read(shards_of(memory, counted, orders))
    return Planned([*count(memory, counted, orders), *learn(memory, lessons), *memory.profiles()], noted)


def _parts(batch: Sequence[Heard]) -> tuple[list[Countable], list[Lesson]]:
    counted = [each.counts for each in batch if each.counts is not None]
    return counted, [each.lesson for each in batch if each.lesson is not None]
