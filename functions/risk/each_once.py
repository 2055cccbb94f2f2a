"""Taking a batch of stream records in, each once, whatever is delivered twice, late or in another order.

One transaction for as many records as fit: every item they touch over the version that was read, and a note of every
record (SEEN). A note that exists already drops its record, and the rest is tried again on a fresh read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from functions.core.errors import UnavailableError
from functions.platform.container import container
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import MAX_ITEMS, ConditionFailedError, OnConflict, WriteSet, commit
from functions.risk.store import plan_seen, seen_before

_TRIES: Final = 8


class Learnable(Protocol):
    """What a record tells a consumer."""

    @property
    def event_id(self) -> str:
        """The record's own, the same at every delivery."""
        ...

    @property
    def touches(self) -> set[str]:
        """The items it may write, its note among them; the same name is the same item."""
        ...


L = TypeVar("L", bound=Learnable)
Plan = Callable[[Sequence[L]], list[WriteSet]]
"""What some records change, on a fresh read of all that they touch."""


class _SeenError(Exception):
    def __init__(self, event_id: str) -> None:
        super().__init__(event_id)
        self.event_id = event_id


def take_in(consumer: str, batch: Sequence[L], plan: Plan[L]) -> None:
    """Write what the records of a batch change, each once.

    Args:
        consumer: Whose notes count.
        batch: In any order, the same record any number of times.
        plan: Called again with what is left whenever a write was refused.

    Raises:
        UnavailableError: Others kept changing the same items; the batch comes again.
    """
    for part in parts_of(list({each.event_id: each for each in batch}.values())):
        _take_part(consumer, part, plan)


def parts_of(batch: Sequence[L], most: int = MAX_ITEMS) -> Iterator[list[L]]:
    """The batch in order, in as few runs as touch no more items than a transaction holds; none is cut in two."""
    part: list[L] = []
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


def _take_part(consumer: str, part: Sequence[L], plan: Plan[L]) -> None:
    box = container()
    known = seen_before(consumer, [each.event_id for each in part])
    pending = [each for each in part if each.event_id not in known]
    for _ in range(_TRIES):
        if not pending:
            return
        wall_s = int(box.clock.wall().timestamp())
        notes = [plan_seen(consumer, each.event_id, wall_s, _seen_by(each.event_id)) for each in pending]
        try:
            commit(box.tables, *plan(pending), *notes)
        except _SeenError as seen:
            pending = [each for each in pending if each.event_id != seen.event_id]
        except ConditionFailedError:
            continue
        else:
            return
    if pending:
        raise UnavailableError(f"what {consumer} keeps is busy", retry_after_s=1)


def _seen_by(event_id: str) -> OnConflict:
    def conflict(_: RawItem | None) -> Exception:
        return _SeenError(event_id)

    return conflict
