"""The request meter: counts DynamoDB requests and computes their units from the sizes of the items.

Hooked into botocore, so it sees what really goes out. Units are computed, not taken from the answer, because
emulators report them wrongly. Source: DynamoDB developer guide, "Item sizes" and "Read and write operations":
a write costs one unit per started KiB of the larger of the item before and after, twice that in a transaction, and
each index entry that is added, removed or moved costs its own; a read costs half a unit per started 4 KiB, twice
that when consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.platform.storage.table import ACTION_INDEX, RawItem

_KIB = 1024
_READ_BLOCK = 4096
_INDEX_ATTRIBUTES = {ACTION_INDEX: ("gk", "gs")}

Probe = Callable[[str, RawItem], RawItem | None]
"""Reads one item by table and key without being metered."""


def item_bytes(item: Mapping[str, Any] | None) -> int:
    """Size of an item as DynamoDB counts it: UTF-8 names and values, numbers by digits, 3 + 1 each for containers."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in (item or {}).items())


def _value_bytes(value: Mapping[str, Any]) -> int:  # noqa: PLR0911  one return per attribute type
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "B":
            return len(inner)
        case "N":
            return _number_bytes(inner)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(i.encode()) for i in inner)
        case "BS":
            return sum(len(i) for i in inner)
        case "NS":
            return sum(_number_bytes(i) for i in inner)
        case "L":
            return 3 + sum(1 + _value_bytes(i) for i in inner)
        case "M":
            return 3 + sum(1 + len(k.encode()) + _value_bytes(i) for k, i in inner.items())
        case _:
            raise ValueError(f"no such attribute type: {kind}")


def _number_bytes(text: str) -> int:
    """About one byte per two significant digits, plus one, plus one for a minus sign."""
    digits = text.lstrip("-").replace(".", "").strip("0") or "0"
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


@dataclass(slots=True)
class Meter:
    """What one use case costs.

    Args:
        probe: Reads an item behind the meter's back, to know its size before and after.
    """

    probe: Probe
    requests: list[str] = field(default_factory=list)
    read_units: float = 0.0
    write_units: float = 0.0
    sizes: dict[str, int] = field(default_factory=dict)
    _before: list[tuple[str, RawItem, RawItem | None]] = field(default_factory=list)
    _asked: tuple[int, bool] = (0, False)

    def attach(self, client: Any) -> None:  # noqa: ANN401  a botocore client
        """Begin to count what this DynamoDB client sends."""
        client.meta.events.register("before-parameter-build.dynamodb.*", self._on_request, unique_id=id(self))
        client.meta.events.register("after-call.dynamodb.*", self._on_answer, unique_id=-id(self))

    def detach(self, client: Any) -> None:  # noqa: ANN401  a botocore client
        """Stop counting."""
        client.meta.events.unregister("before-parameter-build.dynamodb.*", unique_id=id(self))
        client.meta.events.unregister("after-call.dynamodb.*", unique_id=-id(self))

    def _on_request(self, params: dict[str, Any], model: Any, **_: Any) -> None:  # noqa: ANN401
        self.requests.append(model.name)
        self._asked = _asked(model.name, params)
        self._before = [(table, key, self.probe(table, key)) for table, key in _written(model.name, params)]

    def _on_answer(self, parsed: dict[str, Any], model: Any, http_response: Any, **_: Any) -> None:  # noqa: ANN401
        if http_response.status_code >= 300:  # noqa: PLR2004
            return
        factor = 2 if model.name.startswith("Transact") else 1
        for table, key, before in self._before:
            after = self.probe(table, key)
            self.write_units += factor * _kib(max(item_bytes(before), item_bytes(after)))
            self.write_units += _index_units(before, after)
            self.sizes[f"{key['pk']['S']}|{key['sk']['S']}"] = item_bytes(after)
        self._before = []
        asked, consistent = self._asked
        sizes = _read_sizes(model.name, parsed)
        # what is not there costs as much as the smallest item
        blocks = sum(max(1, -(-size // _READ_BLOCK)) for size in sizes) + max(0, asked - len(sizes))
        self.read_units += blocks * (1.0 if consistent else 0.5)


def _kib(size: int) -> int:
    return max(1, -(-size // _KIB))


def _index_units(before: RawItem | None, after: RawItem | None) -> int:
    """A moved index entry is one removal and one addition; an untouched one costs nothing (keys only)."""
    units = 0
    for names in _INDEX_ATTRIBUTES.values():
        old = tuple((before or {}).get(n, {}).get("S") for n in names)
        new = tuple((after or {}).get(n, {}).get("S") for n in names)
        if old != new:
            units += (None not in old) + (None not in new)
    return units


def _written(operation: str, params: Mapping[str, Any]) -> list[tuple[str, RawItem]]:
    if operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        return [(params["TableName"], _key(params))]
    if operation == "TransactWriteItems":
        return [(body["TableName"], _key(body)) for item in params["TransactItems"] for body in item.values()]
    return []


def _key(body: Mapping[str, Any]) -> RawItem:
    source = body.get("Key") or body["Item"]
    return {"pk": source["pk"], "sk": source["sk"]}


def _asked(operation: str, params: Mapping[str, Any]) -> tuple[int, bool]:
    """How many items are asked for, and whether consistently."""
    if operation == "BatchGetItem":
        tables = params["RequestItems"].values()
        return sum(len(t["Keys"]) for t in tables), any(t.get("ConsistentRead") for t in tables)
    return int(operation in {"GetItem", "Query"}), bool(params.get("ConsistentRead"))


def _read_sizes(operation: str, parsed: Mapping[str, Any]) -> list[int]:
    """Size of each item read; a query's answer counts as one."""
    if operation == "GetItem":
        return [item_bytes(parsed["Item"])] if "Item" in parsed else []
    if operation == "BatchGetItem":
        return [item_bytes(item) for items in parsed["Responses"].values() for item in items]
    if operation == "Query":
        return [sum(item_bytes(item) for item in parsed["Items"])]
    return []
