"""Finds what differs between the log as it was signed and the entries as they are found.

Source: longest increasing subsequence by patience (Fredman 1975): the fewest entries that must have moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from functions.ledger.audit.export import FoundEntry, Leaf
from functions.ledger.audit.fault import Fault, FaultKind


def align(reference: Sequence[Leaf | None], found: Sequence[FoundEntry], covered: int) -> list[Fault]:
    """Name every entry that was changed, dropped, inserted or moved.

    Args:
        reference: The log's leaves by index; None where not even a leaf is left.
        found: Entries in the order they are found.
        covered: How many leaves a signed checkpoint covers; the others stand on leaf items alone.
    """
    index_of = {leaf.hash: index for index, leaf in enumerate(reference) if leaf is not None}
    index_of_id = {leaf.entry_id: index for index, leaf in enumerate(reference) if leaf is not None}
    faults: list[Fault] = []
    matched: list[tuple[FoundEntry, int]] = []
    taken: set[int] = set()
    strangers = []
    for entry in found:
        index = index_of.get(entry.hash)
        if index is None or index in taken:
            strangers.append(entry)
        else:
            taken.add(index)
            matched.append((entry, index))
    for entry in strangers:
        index = index_of_id.get(entry.id)
        if index is None or index in taken:
            index = _free_place(entry, reference, taken)
        faults.append(_stranger(entry, index, taken, covered))
        if index is not None:
            taken.add(index)
    faults += _missing(reference, taken, covered)
    faults += _moved(matched)
    # one entry more, less or elsewhere renumbers all after it: numbers count only if all else is well
    return faults or _misnumbered(matched)


def _free_place(entry: FoundEntry, reference: Sequence[Leaf | None], taken: set[int]) -> int | None:
    """The index an unreadable or renamed entry claims, if the entry that belongs there is not found elsewhere."""
    index = entry.index
    if index is None or not 0 <= index < len(reference) or index in taken:
        return None
    leaf = reference[index]
    renamed = leaf is not None and entry.entry is not None and leaf.entry_id != entry.id
    return None if renamed else index


def _stranger(entry: FoundEntry, index: int | None, taken: set[int], covered: int) -> Fault:
    name = entry.id or f"line {entry.line}"
    if index is None or index in taken:
        twice = " a second time" if index is not None else ""
        return Fault(FaultKind.INSERTED, name, f"line {entry.line} holds it{twice}, but the log does not")
    since = "its checkpoint" if index < covered else "it was logged; no checkpoint covers it yet"
    why = f" ({entry.fault})" if entry.fault else ""
    return Fault(FaultKind.CHANGED, name, f"its bytes no longer hash to its leaf{why}; changed after {since}", index)


def _missing(reference: Sequence[Leaf | None], taken: set[int], covered: int) -> Iterator[Fault]:
    for index, leaf in enumerate(reference):
        if index in taken:
            continue
        name = leaf.entry_id if leaf is not None and leaf.entry_id else f"the entry of index {index}"
        since = "its checkpoint" if index < covered else "it was logged"
        yield Fault(FaultKind.DROPPED, name, f"the log has it, the export does not; dropped after {since}", index)


def _moved(matched: Sequence[tuple[FoundEntry, int]]) -> list[Fault]:
    keep = set(longest_increasing([index for _, index in matched]))
    return [
        Fault(
            FaultKind.REORDERED,
            entry.id,
            f"found as entry {place} of the export (line {entry.line}), out of its place in the log",
            index,
        )
        for place, (entry, index) in enumerate(matched)
        if place not in keep
    ]


def _misnumbered(matched: Sequence[tuple[FoundEntry, int]]) -> list[Fault]:
    return [
        Fault(FaultKind.REORDERED, entry.id, f"the export numbers it {entry.index}", index)
        for entry, index in matched
        if entry.index != index
    ]


def longest_increasing(values: Sequence[int]) -> list[int]:
    """Positions of a longest strictly increasing subsequence."""
    tails: list[int] = []
    last_of: list[int] = []
    before: list[int] = [-1] * len(values)
    for position, value in enumerate(values):
        length = bisect_left(tails, value)
        tails[length : length + 1] = [value]
        last_of[length : length + 1] = [position]
        before[position] = last_of[length - 1] if length else -1
    out = []
    position = last_of[-1] if last_of else -1
    while position >= 0:
        out.append(position)
        position = before[position]
    return out[::-1]


def by_index(leaves: Iterable[Leaf]) -> dict[int, Leaf]:
    """The first leaf that claims each index."""
    out: dict[int, Leaf] = {}
    for leaf in leaves:
        out.setdefault(leaf.index, leaf)
    return out
