"""Gathers an export from a running deployment: what the tables and the locked bucket hold, as it is.

The head is read first, so that the export ends at one size of the log; what is logged while it is being made belongs
to the next one. Nothing is repaired on the way: an item that fits nowhere is exported as a stray.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pynamodb.attributes import BinaryAttribute

from functions.core.errors import UnavailableError, WhitenoteError
from functions.core.ids import require_id
from functions.ledger import store
from functions.ledger.audit.export import (
    ClosedPeriod,
    Head,
    Leaf,
    Page,
    StateSummary,
    checkpoint_line,
    entry_line,
    head_line,
    header_line,
    leaf_line,
    listed_line,
    page_line,
    period_line,
    state_line,
    stray_line,
)
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_from_bytes
from functions.ledger.entries import Entry
from functions.ledger.explained import BrokenMemoryError, Explained
from functions.ledger.log.service import origin
from functions.ledger.merkle import Frontier
from functions.ledger.periods import Period
from functions.ledger.store import CheckpointItem, EntryItem, LeafItem, PageItem, PeriodItem
from functions.platform.container import Container, container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, ItemT, RawItem, Tables
from functions.platform.web.commands import REMEMBERED, CommandsAttribute, unpack

_RECHECKS, _RECHECK_S = 5, 2.0
_PARALLEL = 16
_KEY_BYTES = 8


class StateGlimpse(Item):
    """What the items of every slice that posts have in common."""

    version = IntegerAttribute(attr_name="v", null=True)
    commands = CommandsAttribute()
    created_by = BinaryAttribute(legacy_encoding=False, attr_name="ik", null=True)
    captured_by = BinaryAttribute(legacy_encoding=False, attr_name="cs", null=True)
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)


@dataclass(slots=True)
class _Found:
    """The append-only table, sorted by kind."""

    entries: list[EntryItem] = field(default_factory=list)
    leaves: dict[str, LeafItem] = field(default_factory=dict)
    pages: list[PageItem] = field(default_factory=list)
    checkpoints: list[CheckpointItem] = field(default_factory=list)
    periods: list[PeriodItem] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def export_ledger(pause: Callable[[float], None] = time.sleep) -> Iterator[Mapping[str, Any]]:
    """The lines of an export.

    Args:
        pause: Waits for an entry that is just being logged; seconds.

    Raises:
        UnavailableError: Storage did not answer.
    """
    box = container()
    head = _read_head(box.tables)
    found = _sorted(box.tables, head.size)
    placed = _placed(box.tables, found, head.size, pause)
    yield header_line(origin(box), box.clock.wall())
    yield head_line(head)
    yield from (entry_line(index, item.data, key=item.sk) for index, item in placed)
    leaves = sorted(found.leaves.values(), key=lambda leaf: (leaf.index, leaf.pk))
    yield from (leaf_line(Leaf(leaf.index, leaf.pk, leaf.hash)) for leaf in leaves)
    for page in sorted(found.pages, key=lambda page: page.first):
        yield page_line(Page(page.first, tuple(page.entry_ids()), page.hashes))
    yield from _checkpoints(box, head.size)
    for each in sorted(found.checkpoints, key=lambda item: item.size):
        yield listed_line(each.size, each.note)
    for closed in sorted(found.periods, key=lambda item: item.sk):
        yield period_line(
            ClosedPeriod(Period.parse(closed.sk), closed.size, Totals.from_dict(json.loads(closed.totals)))
        )
    yield from (state_line(state) for state in _states(box.tables, found, placed))
    yield from (stray_line(key) for key in found.strays)


def _read_head(tables: Tables) -> Head:
    """The head as it stands, believable or not."""
    item = tables.get(store.HeadItem, keys.log_key(), consistent=True)
    if item is None:
        return Head(0, Frontier().to_bytes())
    try:
        totals = Totals.from_dict(json.loads(item.totals))
    except (TypeError, ValueError, AttributeError, WhitenoteError):
        totals = Totals()
    return Head(item.size or 0, item.frontier or b"", totals)


def _scan(tables: Tables) -> Iterator[RawItem]:
    start: dict[str, Any] = {}
    while True:
        answer = tables.dispatch("Scan", {"TableName": tables.ledger_table, "ConsistentRead": True, **start})
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _sorted(tables: Tables, size: int) -> _Found:
    """Every item of the table by kind, without what was logged after the head was read."""
    found = _Found()
    for raw in _scan(tables):
        try:
            _sort(found, raw)
        except Exception:  # noqa: BLE001  whatever is wrong with an item, it is not ours
            found.strays.append(_name(raw))
    now = _read_head(tables).size
    newer = [name for name, leaf in found.leaves.items() if size <= leaf.index < now]
    found.leaves = {name: leaf for name, leaf in found.leaves.items() if name not in newer}
    dropped = set(newer)
    found.entries = [item for item in found.entries if item.sk not in dropped]
    found.pages = [page for page in found.pages if not size <= page.first < now]
    found.checkpoints = [item for item in found.checkpoints if not size < item.size <= now]
    found.periods = [item for item in found.periods if not size < item.size <= now]
    return found


def _sort(found: _Found, raw: RawItem) -> None:
    """Put an item where it belongs; raises where it fits nowhere or lacks what its kind has."""
    pk, sk = raw["pk"]["S"], raw["sk"]["S"]
    if sk == keys.LEAF:
        leaf = LeafItem.from_raw_data(raw)
        found.leaves[pk] = _whole(leaf, leaf.index, leaf.hash, leaf.home)
    elif sk.startswith("txn_"):
        entry = EntryItem.from_raw_data(raw)
        found.entries.append(_whole(entry, entry.data))
    elif pk == keys.checkpoints_key():
        checkpoint = CheckpointItem.from_raw_data(raw)
        found.checkpoints.append(_whole(checkpoint, checkpoint.size, checkpoint.note))
    elif pk == keys.PERIODS:
        period = PeriodItem.from_raw_data(raw)
        _ = (Period.parse(sk), Totals.from_dict(json.loads(period.totals)))
        found.periods.append(_whole(period, period.size, period.totals, period.command))
    elif pk == keys.ERASED:
        require_id("cus", sk)  # a tombstone: no part of the books, and no stray
    elif (pk, sk) != (keys.log_key(), keys.SELF):
        page = PageItem.from_raw_data(raw)
        if (pk, sk) != (keys.pages_key(page.first), store.place(page.first)):
            raise LookupError(pk)
        found.pages.append(_whole(page, page.entry_ids(), page.hashes))


def _intact(leaf: LeafItem) -> bool:
    return None not in (leaf.index, leaf.hash, leaf.home)


def _whole(item: ItemT, *values: object) -> ItemT:
    if None in values:
        raise LookupError(item.pk)
    return item


def _name(raw: RawItem) -> str:
    return f"{raw['pk']['S']} {raw['sk']['S']}"


def _placed(
    tables: Tables, found: _Found, size: int, pause: Callable[[float], None]
) -> list[tuple[int | None, EntryItem]]:
    """Entries with the index their leaf gives them, in its order; those without a leaf last, if they stay so."""
    waiting = [item for item in found.entries if item.sk not in found.leaves]
    for _ in range(_RECHECKS):
        logged = {name: leaf for name, leaf in store.logged(tables, [i.sk for i in waiting]).items() if _intact(leaf)}
        found.leaves |= {name: leaf for name, leaf in logged.items() if leaf.index < size}
        waiting = [item for item in waiting if item.sk not in logged]
        gone = {name for name, leaf in logged.items() if leaf.index >= size}
        found.entries = [item for item in found.entries if item.sk not in gone]
        if not waiting:
            break
        pause(_RECHECK_S)
    with_leaf = [(found.leaves[item.sk].index, item) for item in found.entries if item.sk in found.leaves]
    placed: list[tuple[int | None, EntryItem]] = [*sorted(with_leaf, key=lambda pair: (pair[0], pair[1].sk))]
    return placed + [(None, item) for item in waiting]


def _checkpoints(box: Container, size: int) -> Iterator[Mapping[str, Any]]:
    """What lies under Object Lock: each note with the leaves that were new then."""
    from botocore.exceptions import BotoCoreError, ClientError

    client, bucket, suffix = box.client("s3"), box.settings.checkpoint_bucket, ".checkpoint"

    def read(name: str) -> Mapping[str, Any]:
        note = client.get_object(Bucket=bucket, Key=name)["Body"].read()
        leaves = client.get_object(Bucket=bucket, Key=f"{name.removesuffix(suffix)}.leaves")["Body"].read()
        rows = [json.loads(line) for line in leaves.decode().splitlines()]
        return checkpoint_line(note, [Leaf(row["index"], row["entry_id"], bytes.fromhex(row["hash"])) for row in rows])

    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{origin(box)}/")
        names = [each["Key"] for page in pages for each in page.get("Contents", ()) if each["Key"].endswith(suffix)]
        wanted = [name for name in sorted(names) if int(name.rpartition("/")[2].partition("-")[0]) <= size]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            yield from pool.map(read, wanted)
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("the checkpoint bucket did not answer") from error


def _states(tables: Tables, found: _Found, placed: Iterable[tuple[int | None, EntryItem]]) -> Iterator[StateSummary]:
    """The items that the entries say they explain, as far as they exist."""
    claims: dict[str, list[EntryItem]] = defaultdict(list)
    for _, item in placed:
        entry = _readable(item)
        for name in entry.explains if entry else ():
            claims[name].append(item)
    closed = {Period.parse(item.sk).id: item for item in found.periods}
    for name, period in closed.items():
        yield StateSummary(name, 1, frozenset({period.command.hex()}))
    wanted = sorted(claims.keys() - closed.keys())
    for start in range(0, len(wanted), 100):
        items = tables.batch_get([(StateGlimpse, n, keys.SELF) for n in wanted[start : start + 100]], consistent=True)
        for glimpse in items:
            if isinstance(glimpse, StateGlimpse):
                yield _summary(tables, glimpse, claims[glimpse.pk])


def _summary(tables: Tables, glimpse: StateGlimpse, claims: list[EntryItem]) -> StateSummary:
    remembered = unpack(glimpse.commands)
    captures: bytes = glimpse.captured_by or b""
    commands = {each.key for each in remembered} | {glimpse.created_by or b""}
    commands |= {captures[at : at + _KEY_BYTES] for at in range(0, len(captures), _KEY_BYTES)}
    return StateSummary(
        id=glimpse.pk,
        version=glimpse.version or 0,
        commands=frozenset(key.hex() for key in commands if key),
        commands_forgotten=len(remembered) >= REMEMBERED,
        explained=_memory(tables, glimpse, claims),
    )


def _memory(tables: Tables, glimpse: StateGlimpse, claims: list[EntryItem]) -> Explained | None:
    """The item's memory, less the entries that were posted after the export's head."""
    if not glimpse.explained:
        return None
    try:
        memory = Explained.from_bytes(glimpse.explained)
    except BrokenMemoryError:
        return Explained(0, 1)  # adds up with nothing
    known = {item.sk for item in claims}
    if memory == Explained.of(known):
        return memory
    for home in {item.pk for item in claims}:
        start = None
        while True:
            items, start = tables.query(EntryItem, home, limit=500, start=start, consistent=True)
            for item in items:
                entry = _readable(item)
                if entry and glimpse.pk in entry.explains and item.sk not in known:
                    memory = memory.minus(item.sk)
            if start is None:
                break
    return memory


def _readable(item: EntryItem) -> Entry | None:
    try:
        return entry_from_bytes(item.data or b"")
    except WhitenoteError:
        return None
