"""Counting the stream: new orders and labels into profiles, counters and terminals, aggregated item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet
from functions.risk.counters import Counter
from functions.risk.counting.batch import CountedBatch
from functions.risk.counting.observing import Countable, SeenOrder, seen_order, subjects_of
from functions.risk.counting.store import CounterItem, TerminalItem
from functions.risk.memory import Memory
from functions.risk.reading import Reading, Wanted
from functions.risk.store import ProfileItem


def orders_of(pending: Sequence[Countable]) -> dict[str, SeenOrder]:
    """What each record is about, by its event's id: its own order, or the one labelled, where that is still there."""
    found = {each.event_id: each.order for each in pending if each.order is not None}
    labels = [each for each in pending if each.labelled]
    stored = container().tables.read_all([(AuthorizationItem, each.labelled, keys.SELF) for each in labels])
    for each, item in zip(labels, stored, strict=True):
        if isinstance(item, AuthorizationItem):
            found[each.event_id] = seen_order(item)
    return found


def wanted_to_count(pending: Sequence[Countable], orders: Mapping[str, SeenOrder]) -> Iterator[Wanted]:
    """What counting reads, of what is spread over several items the first, which says over how many."""
    yield from ((ProfileItem, keys.profile(each.alias)) for each in pending if each.alias is not None)
    yield from ((CounterItem, keys.counter(s)) for order in orders.values() for s in order.subjects.values())
    yield from ((TerminalItem, keys.terminal(order.terminal)) for order in orders.values())


def shards_of(memory: Memory, pending: Sequence[Countable], orders: Mapping[str, SeenOrder]) -> Iterator[Wanted]:
    """The items that the records count in, where the first has been read."""
    batch = CountedBatch(memory)
    for event_id, order in ((each.event_id, orders[each.event_id]) for each in pending if each.event_id in orders):
        yield from ((CounterItem, batch.counter_key(s, event_id)) for s in order.subjects.values())
        yield TerminalItem, batch.terminal_key(order.terminal, event_id)


def count(memory: Memory, pending: Sequence[Countable], orders: Mapping[str, SeenOrder]) -> list[WriteSet]:
    """Add records to everything that remembers them; profiles are learned and left to be written.

    Args:
        memory: All that the records touch, as read.
        pending: The records.
        orders: From `orders_of`; a label may be of an order that is gone.
    """
    batch = CountedBatch(memory)
    for each in pending:
        if each.event_id in orders:
            batch.add(each, orders[each.event_id])
    return batch.writes()


def counters_of(order: SeenOrder, reading: Reading | None = None) -> Mapping[str, Counter]:
    """The counters of an order's parties and merchant as they stand, the shards of a hot one merged.

    Args:
        order: Whose.
        reading: What was read already.

    Returns:
        Kind of subject ("device", "address", "instrument", "merchant") to its counter, as `stream_signals` takes them.
    """
    return _counters(order.subjects, reading or Reading())


def merchant_counter(merchant_id: str) -> Counter | None:
    """What is counted of a merchant's orders; None before the first."""
    return _counters(subjects_of(merchant_id, Parties()), Reading()).get("merchant")


def _counters(named: Mapping[str, str], reading: Reading) -> dict[str, Counter]:
    first = reading.all((CounterItem, keys.counter(subject)) for subject in named.values())
    found = {kind: item for kind, item in zip(named, first, strict=True) if isinstance(item, CounterItem)}
    counters = {kind: item.counter() for kind, item in found.items()}
    more = [(kind, keys.counter(named[kind], shard)) for kind, i in found.items() for shard in range(1, i.shards)]
    rest = reading.all((CounterItem, pk) for _, pk in more)
    for (kind, _), item in zip(more, rest, strict=True):
        if isinstance(item, CounterItem):
            counters[kind] = counters[kind].merge(item.counter())
    return counters
