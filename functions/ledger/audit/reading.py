"""Reads an export, and checkpoints that an auditor kept: leniently where the verifier can name the fault later."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from functions.core.errors import WhitenoteError
from functions.ledger.audit.export import (
    EXPORT_VERSION,
    ClosedPeriod,
    Export,
    FoundEntry,
    Head,
    KeptCheckpoint,
    Leaf,
    Page,
    StateSummary,
    UnreadableExportError,
)
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_bytes, entry_from_dict
from functions.ledger.explained import Explained
from functions.ledger.log.checkpoint import BadCheckpointError, parse_note
from functions.ledger.merkle import HASH_BYTES
from functions.ledger.periods import Period


def read_export(lines: Iterable[str]) -> Export:
    """Read an export; a line that is of a known type but broken becomes a fault of the export.

    Raises:
        UnreadableExportError: A line is not JSON or of no known type, or the header is missing.
    """
    export = Export()
    seen_header = False
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        value = _object(text, number)
        kind = value.get("type")
        if kind == "ledger_export":
            seen_header = True
        reader = _READERS.get(str(kind))
        if reader is None:
            raise UnreadableExportError(f"line {number} is of no known type")
        try:
            reader(export, value, number)
        except (KeyError, TypeError, ValueError, AttributeError, WhitenoteError) as error:
            export.faults.append(f"line {number} ({kind}) can't be read: {type(error).__name__} {error}")
    if not seen_header:
        raise UnreadableExportError("the header line is missing")
    return export


def read_checkpoints(text: str) -> list[KeptCheckpoint]:
    """Checkpoints that the auditor kept: JSON lines as in an export, or one signed note after another.

    Raises:
        UnreadableExportError: Neither.
    """
    if text.lstrip().startswith("{"):
        export = Export()
        for number, line in enumerate(text.splitlines(), start=1):
            value = _object(line, number) if line.strip() else {}
            try:
                if value.get("type") == "checkpoint":
                    _read_kept(export, value, number)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise UnreadableExportError(f"line {number}: {type(error).__name__} {error}") from None
        return export.checkpoints
    notes: list[list[str]] = []
    for line in text.splitlines():
        starts = not line.startswith("—") and (not notes or notes[-1][-1].startswith("—"))
        if starts and not line:
            continue
        if starts:
            notes.append([])
        notes[-1].append(line)
    return [_kept("".join(f"{line}\n" for line in note).encode(), ()) for note in notes]


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableExportError(f"line {number} is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableExportError(f"line {number} is not a JSON object")
    return value


def _kept(note: bytes, leaves: tuple[Leaf, ...]) -> KeptCheckpoint:
    try:
        return KeptCheckpoint(note, parse_note(note), leaves)
    except BadCheckpointError as error:
        raise UnreadableExportError(f"a checkpoint can't be read: {error.detail}") from None


def _read_header(export: Export, value: Mapping[str, Any], _: int) -> None:
    if value["version"] != EXPORT_VERSION:
        raise UnreadableExportError(f"version {value['version']} is unknown")
    export.origin = str(value["origin"])


def _read_head(export: Export, value: Mapping[str, Any], _: int) -> None:
    export.head = Head(int(value["size"]), bytes.fromhex(value["frontier"]), Totals.from_dict(value["totals"]))


def _read_page(export: Export, value: Mapping[str, Any], _: int) -> None:
    ids = tuple(map(str, value["entry_ids"]))
    export.pages.append(Page(int(value["first"]), ids, bytes.fromhex(value["hashes"])))


def _read_listed(export: Export, value: Mapping[str, Any], _: int) -> None:
    export.listed[int(value["size"])] = str(value["note"]).encode()


def _read_period(export: Export, value: Mapping[str, Any], _: int) -> None:
    totals = Totals.from_dict(value["totals"])
    export.periods.append(ClosedPeriod(Period.parse(value["period"]), int(value["size"]), totals))


def _read_entry(export: Export, value: Mapping[str, Any], number: int) -> None:
    key, index = str(value.get("key") or ""), value["index"]
    if index is not None and type(index) is not int:
        raise ValueError("index is not an integer")
    if "raw" in value:
        data = base64.b64decode(value["raw"], validate=True)
        export.entries.append(FoundEntry(number, index, key, None, data, str(value.get("fault", ""))))
        return
    inner = value["entry"]
    try:
        entry = entry_from_dict(inner)
    except WhitenoteError as error:
        # What is no entry has no canonical bytes; its JSON stands in, so that it still has a hash of its own.
        data = json.dumps(inner, sort_keys=True).encode()
        name = str(inner.get("id", "")) if isinstance(inner, dict) else ""
        export.entries.append(FoundEntry(number, index, name or key, None, data, error.detail))
        return
    export.entries.append(FoundEntry(number, index, entry.id, entry, entry_bytes(entry)))


def _read_leaf(export: Export, value: Mapping[str, Any], _: int) -> None:
    export.leaves.append(_leaf_from_dict(value))


def _read_kept(export: Export, value: Mapping[str, Any], _: int) -> None:
    leaves = tuple(_leaf_from_dict(leaf) for leaf in value.get("leaves") or ())
    export.checkpoints.append(_kept(str(value["note"]).encode(), leaves))


def _read_state(export: Export, value: Mapping[str, Any], _: int) -> None:
    memory = value.get("explained")
    state = StateSummary(
        id=str(value["id"]),
        version=int(value["version"]),
        commands=frozenset(map(str, value["commands"])),
        commands_forgotten=bool(value["commands_forgotten"]),
        explained=None if memory is None else Explained.from_bytes(bytes.fromhex(memory)),
    )
    export.states[state.id] = state


def _read_stray(export: Export, value: Mapping[str, Any], _: int) -> None:
    export.strays.append(str(value["key"]))


_READERS = {
    "ledger_export": _read_header,
    "head": _read_head,
    "page": _read_page,
    "checkpoint_item": _read_listed,
    "period": _read_period,
    "entry": _read_entry,
    "leaf": _read_leaf,
    "checkpoint": _read_kept,
    "state": _read_state,
    "stray": _read_stray,
}


def _leaf_from_dict(value: Mapping[str, Any]) -> Leaf:
    leaf = Leaf(int(value["index"]), str(value["entry_id"]), bytes.fromhex(value["hash"]))
    if leaf.index < 0 or len(leaf.hash) != HASH_BYTES:
        raise ValueError(f"a leaf has an index from 0 and a hash of {HASH_BYTES} bytes")
    return leaf
