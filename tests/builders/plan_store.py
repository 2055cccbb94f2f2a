"""A million plans behind the tables' own door, simulated at the level of requests.

    store = PlanStore(template, plans=1_000_000, hours=("2026-12-01T02", …), shards=64)
    box.tables = SimulatedTables(store)

A plan is told from the template when somebody reads it, and remembered only once it was written, so that the store
itself stays small. Conditions of writes are judged as DynamoDB judges them: the version read, or nothing there.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from functions.core.ids import derived_id
from functions.platform.storage.action_index import shard_of
from functions.platform.storage.keys import action_hour
from functions.platform.storage.table import RawItem, Tables

SECRET = b"a million plans"
Place = tuple[str, str]
"""Hour and partition key: the order in which the index holds a shard."""


@dataclass
class PlanStore:
    """The operational table as far as the sweep sees it.

    Args:
        template: A stored plan; all are like it but for key and index entry.
        shards: Of the action index.
        due: Hour → how many plans stand in it.
        deferred: Move what was written only when asked to, and remember no more of it than where it goes: for
            measuring the worker's own memory.
    """

    template: RawItem
    shards: int
    due: Mapping[str, int]
    deferred: bool = False
    requests: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    messages: int = 0
    _index: dict[str, list[Place]] = field(default_factory=dict)
    _hours: dict[str, str] = field(default_factory=dict)
    _written: dict[str, RawItem] = field(default_factory=dict)
    _later: list[tuple[Place, str, Place | None, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = 0
        places: dict[str, list[Place]] = {action_hour(shard): [] for shard in range(self.shards)}
        for hour, count in self.due.items():
            for _ in range(count):
                pk = derived_id("plan", SECRET, number)
                places[action_hour(shard_of(pk, self.shards))].append((hour, pk))
                number += 1
        self._index = {shard: sorted(held) for shard, held in places.items()}

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of one shard up to an hour, after a start key, at most Limit of them."""
        shard, hour = (request["ExpressionAttributeValues"][name]["S"] for name in (":0", ":1"))
        held, start = self._index[shard], request.get("ExclusiveStartKey")
        first = bisect_right(held, (start["gs"]["S"], start["pk"]["S"])) if start else 0
        last = bisect_right(held, (hour, "~"))
        found = held[first : min(last, first + request["Limit"])]
        items = [{"gk": {"S": shard}, "gs": {"S": h}, "pk": {"S": pk}, "sk": {"S": "-"}} for h, pk in found]
        self._hours.update({pk: h for h, pk in found})
        return {"Items": items, **({"LastEvaluatedKey": items[-1]} if first + len(items) < last else {})}

    def get(self, key: RawItem) -> RawItem | None:
        """A plan, or nothing: none of the customers has a credit balance."""
        pk = key["pk"]["S"]
        if pk in self._written:
            return self._written[pk]
        if pk not in self._hours:
            return None
        index = {"gk": {"S": action_hour(shard_of(pk, self.shards))}, "gs": {"S": self._hours[pk]}}
        return {**self.template, **index, "pk": {"S": pk}}

    def transact(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Everything or nothing; a condition that does not hold is a fault of the bench."""
        for each in items:
            put = each["Put"]
            item, values = put["Item"], put.get("ExpressionAttributeValues", {})
            stored = self.get(item) if item["pk"]["S"].startswith("plan_") else None
            seen = next(iter(values.values()), None)
            assert (stored or {}).get("v") == seen, f"{item['pk']['S']}: {seen} was read, {stored} is there"
            if stored is None:
                self.messages += 1
            else:
                self._move(stored, item)

    def _move(self, stored: RawItem, item: RawItem) -> None:
        pk = item["pk"]["S"]
        to = (item["gs"]["S"], pk) if "gs" in item else None
        self._later.append(((stored["gs"]["S"], pk), stored["gk"]["S"], to, item.get("gk", stored["gk"])["S"]))
        self.moved += 1
        if not self.deferred:
            self._written[pk] = dict(item)
            self.settle()

    def settle(self) -> None:
        """Move the index entries of what was written."""
        for place, shard, to, to_shard in self._later:
            held = self._index[shard]
            del held[bisect_right(held, place) - 1]
            if to is not None:
                insort(self._index[to_shard], to)
            self._hours.pop(place[1], None)
        self._later.clear()


class SimulatedTables(Tables):
    """The tables with the store where the connection would be."""

    def __init__(self, store: PlanStore, table: str = "whitenote") -> None:
        self.store, self.table, self.ledger_table = store, table, f"{table}-ledger"
        self._lock = Lock()

    def dispatch(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with self._lock:  # shards are swept in parallel
            return self._answer(self.store, operation, arguments)

    def _answer(self, store: PlanStore, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        store.requests[operation] += 1
        if operation == "Query":
            return store.query(arguments)
        if operation == "BatchGetItem":
            keys = arguments["RequestItems"][self.table]["Keys"]
            found = [item for key in keys if (item := store.get(key)) is not None]
            return {"Responses": {self.table: found}, "UnprocessedKeys": {}}
        if operation == "GetItem":
            item = store.get(arguments["Key"])
            return {"Item": item} if item else {}
        assert operation == "TransactWriteItems", operation
        store.transact(arguments["TransactItems"])
        return {}
