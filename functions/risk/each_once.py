"""Taking a batch of stream records in, each once, whatever is delivered twice, late or in another order.

One transaction for as many records as fit: every item they touch over the version that was read, and a note of every
record (SEEN) for which none of those items says that it was taken in. A note that exists already drops its record, and
the rest is tried again on a fresh read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from functions.core.errors import UnavailableError
from functions.platform.container import container
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import MAX_ITEMS, ConditionFailedError, WriteSet, commit
from functions.risk.store import plan_seen, seen_before

CONSUMER: Final = "risk"
_TRIES: Final = 8


class Touching(Protocol):
    """What a record tells."""

    @property
    def event_id(self) -> str:
        """The record's own, the same at every delivery."""
        ...

    @property
    def touches(self) -> set[str]:
        """The items it may write, its note among them; the same name is the same item."""
        ...


T = TypeVar("T", bound=Touching)


@dataclass(frozen=True, slots=True)
class Planned:
    """What some records change.

    Args:
        writes: Over the versions that were read.
        noted: Ids of those that need a note; of the others an item among the writes says that they were taken in.
    """

    writes: Sequence[WriteSet]
    noted: Sequence[str]


Plan = Callable[[Sequence[T]], Planned]
"""What some records change, on a fresh read of all that they touch."""


class _SeenError(Exception):
    """A record was taken in before."""


def commit_once(batch: Sequence[T], plan: Plan[T]) -> None:
    """Write what the records of a batch change, each once.

    Args:
        batch: In any order, the same record any number of times.
        plan: Called again with what is left whenever a write was refused.

    Raises:
        UnavailableError: Others kept changing the same items; the batch comes again.
    """
    for part in parts_of(list({each.event_id: each for each in batch}.values())):
        _commit_part(part, plan)


def parts_of(batch: Sequence[T], most: int = MAX_ITEMS) -> Iterator[list[T]]:
    """The batch in order, in as few runs as touch no more items than a transaction holds; none is cut in two."""
    part: list[T] = []
    touched: set[str] = set()
    for each in batch:
        more = each.touches
        if part and len(touched | more) > most:
            yield part
            part, touched = [], set()
        part.append(each)
        touched |= more
    if part:
        yield part


def _commit_part(part: Sequence[T], plan: Plan[T]) -> None:
    """Notes are only read when one was met: nearly every record is new, and a read of each would cost it a unit."""
    box, pending = container(), list(part)
    for _ in range(_TRIES):
        if not pending:
            return
        wall_s, planned = int(box.clock.wall().timestamp()), plan(pending)
        notes = [plan_seen(CONSUMER, event_id, wall_s, _seen) for event_id in planned.noted]
        try:
            commit(box.tables, *notes, *planned.writes)
        except _SeenError:
            known = seen_before(CONSUMER, [each.event_id for each in pending])
            pending = [each for each in pending if each.event_id not in known]
        except ConditionFailedError:
            continue
        else:
            return
    if pending:
        raise UnavailableError("what risk keeps is busy", retry_after_s=1)


def _seen(_: RawItem | None) -> Exception:
    return _SeenError()
