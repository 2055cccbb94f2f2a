"""Counting the stream: each record once, whatever is delivered twice or late, into profiles, counters and terminals.

One transaction for a batch: every item it touches, aggregated, over the version that was read (`each_once`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Tables
from functions.platform.storage.transactions import WriteSet
from functions.risk.counters import Counter
from functions.risk.counting.batch import CountedBatch
from functions.risk.counting.observing import Countable, SeenOrder, seen_order, subjects_of
from functions.risk.counting.store import CounterItem, TerminalItem
from functions.risk.each_once import take_in
from functions.risk.reading import Reading, Wanted
from functions.risk.store import ProfileItem

CONSUMER: Final = "risk"


def count_once(batch: Sequence[Countable]) -> None:
    """Add new orders and labels to everything that remembers them, each once.

    Raises:
        UnavailableError: Others kept changing the same items; the batch comes again.
    """
    take_in(CONSUMER, batch, _counting)


def _counting(pending: Sequence[Countable]) -> list[WriteSet]:
    """The batch on a fresh read of all that it touches."""
    tables = container().tables
    orders = _orders(tables, pending)
    batch = CountedBatch()
    first: list[Wanted] = []
    first += [(ProfileItem, keys.profile(each.alias)) for each in pending if each.alias is not None]
    first += [(CounterItem, keys.counter(s)) for order in orders.values() for s in order.subjects.values()]
    first += [(TerminalItem, keys.terminal(order.terminal)) for order in orders.values()]
    _read(tables, batch, first)
    further: list[Wanted] = []
    for event_id, order in orders.items():
        further += [(CounterItem, batch.counter_key(s, event_id)) for s in order.subjects.values()]
        further.append((TerminalItem, batch.terminal_key(order.terminal, event_id)))
    _read(tables, batch, further)
    for each in pending:
        if each.event_id in orders:  # a label may be of an order that is gone
            batch.add(each, orders[each.event_id])
    return batch.writes()


def _orders(tables: Tables, pending: Sequence[Countable]) -> dict[str, SeenOrder]:
    """What each record is about: its own order, or the one that was labelled."""
    found = {each.event_id: each.order for each in pending if each.order is not None}
    labels = [each for each in pending if each.labelled]
    stored = tables.batch_get([(AuthorizationItem, each.labelled, keys.SELF) for each in labels])
    for each, item in zip(labels, stored, strict=True):
        if isinstance(item, AuthorizationItem):
            found[each.event_id] = seen_order(item)
    return found


def _read(tables: Tables, batch: CountedBatch, wanted: Sequence[Wanted]) -> None:
    missing = [(model, pk, keys.SELF) for model, pk in dict.fromkeys(wanted) if pk not in batch.read]
    for (model, pk, _), item in zip(missing, tables.read_all(missing, consistent=True), strict=True):
        batch.take(model, pk, item)


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
