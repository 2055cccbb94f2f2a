"""The export an auditor gets: JSON lines, one per thing, in the order of the log. docs/ledger.md describes them.

Nothing in it is believed because it stands there: `functions.ledger.verify` recomputes all of it and believes only
checkpoints whose signature it can check.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.core.clock import isoformat
from functions.core.errors import InvalidError, WhitenoteError
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_from_bytes, entry_to_dict
from functions.ledger.entries import Entry
from functions.ledger.explained import Explained
from functions.ledger.log.checkpoint import Note
from functions.ledger.merkle import leaf_hash
from functions.ledger.periods import Period

EXPORT_VERSION = 1


class UnreadableExportError(InvalidError):
    code, title = "unreadable_export", "This is not an export of the ledger"


@dataclass(frozen=True, slots=True)
class Head:
    """The log's head as it is stored.

    Args:
        frontier: `Frontier.to_bytes`, or whatever stands in its place.
    """

    size: int = 0
    frontier: bytes = b""
    totals: Totals = field(default_factory=Totals)


@dataclass(frozen=True, slots=True)
class Page:
    """What one append stored: ids of its entries and hashes of the subtrees they completed, one after another."""

    first: int
    entry_ids: tuple[str, ...]
    hashes: bytes


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed month and the log when it was closed."""

    period: Period
    size: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the log says of one entry.

    Args:
        index: Place in the log, from 0.
        hash: 32 bytes.
    """

    index: int
    entry_id: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry as it stands in the export.

    Args:
        line: Line number, from 1.
        index: Where it says it is; None for an entry that no leaf names.
        id: What it calls itself.
        entry: The entry, if it is one.
        data: What is hashed: the canonical bytes, or whatever bytes stand in their place.
        fault: Why it is no entry.
    """

    line: int
    index: int | None
    id: str
    entry: Entry | None
    data: bytes
    fault: str = ""

    @property
    def hash(self) -> bytes:
        return leaf_hash(self.data)


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint as kept under Object Lock, with the leaves that are new since the one before, if kept too."""

    note: bytes
    parsed: Note
    leaves: tuple[Leaf, ...] = ()

    @property
    def size(self) -> int:
        return self.parsed.checkpoint.size


@dataclass(frozen=True, slots=True)
class StateSummary:
    """What an operational item says of itself.

    Args:
        id: `plan_…`, `rep_…`, `period_2026-10`.
        version: Grows with every change.
        commands: Ids of the last commands that changed it.
        commands_forgotten: Whether there were earlier ones that it no longer remembers.
        explained: Its memory of the ledger entries that explain it, if it keeps one.
    """

    id: str
    version: int
    commands: frozenset[str]
    commands_forgotten: bool = False
    explained: Explained | None = None


@dataclass(slots=True)
class Export:
    """A whole export, read.

    Args:
        checkpoints: As kept under Object Lock.
        listed: Size → note of the checkpoint items in the table.
        strays: Keys of items that nothing of ours would write.
        faults: Lines that can't be read, told.
    """

    origin: str = ""
    head: Head = field(default_factory=Head)
    entries: list[FoundEntry] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    checkpoints: list[KeptCheckpoint] = field(default_factory=list)
    listed: dict[int, bytes] = field(default_factory=dict)
    periods: list[ClosedPeriod] = field(default_factory=list)
    states: dict[str, StateSummary] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def header_line(origin: str, exported_at: datetime) -> dict[str, Any]:
    """The first line: which log, and when it was exported."""
    return {
        "type": "ledger_export",
        "version": EXPORT_VERSION,
        "origin": origin,
        "exported_at": isoformat(exported_at),
    }


def head_line(head: Head) -> dict[str, Any]:
    """The log's head: size, right edge and trial balance."""
    return {
        "type": "head",
        "size": head.size,
        "frontier": head.frontier.hex(),
        "totals": head.totals.to_dict(),
    }


def page_line(page: Page) -> dict[str, Any]:
    """A page of the log."""
    return {"type": "page", "first": page.first, "entry_ids": list(page.entry_ids), "hashes": page.hashes.hex()}


def period_line(closed: ClosedPeriod) -> dict[str, Any]:
    """A closed month."""
    return {
        "type": "period",
        "period": str(closed.period),
        "size": closed.size,
        "totals": closed.totals.to_dict(),
    }


def entry_line(index: int | None, data: bytes, *, key: str = "") -> dict[str, Any]:
    """An entry from its stored bytes; bytes that are no entry are exported as they are, for the verifier to name.

    Args:
        index: Its place in the log, None if no leaf names it.
        data: Stored bytes.
        key: The key it is stored under, which names it where its bytes don't.
    """
    try:
        entry = entry_from_bytes(data)
    except WhitenoteError as error:
        raw = base64.b64encode(data).decode()
        return {"type": "entry", "index": index, "key": key, "raw": raw, "fault": error.detail}
    return {"type": "entry", "index": index, "key": key or entry.id, "entry": entry_to_dict(entry)}


def leaf_line(leaf: Leaf) -> dict[str, Any]:
    """A leaf item."""
    return {"type": "leaf", **leaf_to_dict(leaf)}


def checkpoint_line(note: bytes, leaves: Sequence[Leaf] = ()) -> dict[str, Any]:
    """A checkpoint and, where they are kept with it, the leaves since the one before."""
    return {"type": "checkpoint", "note": note.decode(), "leaves": [leaf_to_dict(leaf) for leaf in leaves]}


def listed_line(size: int, note: bytes) -> dict[str, Any]:
    """A checkpoint item of the table, which is only a copy of what lies under Object Lock."""
    return {"type": "checkpoint_item", "size": size, "note": note.decode(errors="replace")}


def stray_line(key: str) -> dict[str, Any]:
    """An item of the table that nothing of ours would write."""
    return {"type": "stray", "key": key}


def state_line(state: StateSummary) -> dict[str, Any]:
    """An operational item's summary."""
    return {
        "type": "state",
        "id": state.id,
        "version": state.version,
        "commands": sorted(state.commands),
        "commands_forgotten": state.commands_forgotten,
        "explained": state.explained.to_bytes().hex() if state.explained else None,
    }


def dump_lines(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each line as text with its newline."""
    for line in lines:
        yield json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"


def leaf_to_dict(leaf: Leaf) -> dict[str, Any]:
    """A leaf as JSON values."""
    return {"index": leaf.index, "entry_id": leaf.entry_id, "hash": leaf.hash.hex()}
