"""The portfolio's sums and its daily snapshots as items (docs/data_model.md R23, R24, W8, W21)."""

from __future__ import annotations

from collections.abc import Iterator

from pynamodb.attributes import JSONAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import OnConflict, Update, WriteSet, create
from functions.risk.portfolio.contributions import Amount, Key

_PAGE = 1_000


class SumItem(Item):
    """One sum, in one shard; changed by ADD alone, so no two writers wait for each other."""

    number = IntegerAttribute(attr_name="c", default=0)
    total = IntegerAttribute(attr_name="s", default=0)


class SnapshotItem(State):
    """The indicators of one day in one currency, and the tables behind them."""

    layers = JSONAttribute(attr_name="la")
    tables = JSONAttribute(attr_name="ta")
    taken_at_ms = IntegerAttribute(attr_name="t")


def plan_sum(key: Key, shard: int, amount: Amount) -> WriteSet:
    """W8: what is added to a sum.

    Args:
        key: Currency and name.
        shard: Of the item that moved it, so that what an item adds and takes back stands in one place.
        amount: How many and how much, signed.
    """
    currency, name = key
    count, total = amount
    return WriteSet.of(
        Update(SumItem, keys.aggregate(currency, shard), name, (Path("c").add(count), Path("s").add(total)))
    )


def all_sums(currency: str) -> Iterator[tuple[str, Amount]]:
    """R23: every sum of a currency, the parts of the shards one after another."""
    tables = container().tables
    for shard in range(container().settings.shards):
        start = None
        while True:
            items, start = tables.query(SumItem, keys.aggregate(currency, shard), limit=_PAGE, start=start)
            yield from ((item.sk, (item.number, item.total)) for item in items)
            if start is None:
                break


def plan_snapshot(item: SnapshotItem, on_conflict: OnConflict) -> WriteSet:
    """W21: a day's snapshot, once."""
    return WriteSet.of(create(item, on_conflict))


def find_snapshot(currency: str, on: str) -> SnapshotItem | None:
    """A day's snapshot."""
    item: SnapshotItem | None = container().tables.get(SnapshotItem, keys.snapshots(currency), on)
    return item


def snapshots(currency: str, since: str, until: str, *, most: int, forward: bool = True) -> list[SnapshotItem]:
    """R24: the snapshots of days from one to another, both included."""
    days: Condition = Path("sk").between(since, until)
    found: list[SnapshotItem]
    found, _ = container().tables.query(SnapshotItem, keys.snapshots(currency), limit=most, sort=days, forward=forward)
    return found
