"""The log part of the verdict: leaves, pages and head recomputed against signed roots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from functions.core.clock import isoformat
from functions.ledger.audit.alignment import by_index
from functions.ledger.audit.export import Export, KeptCheckpoint, Leaf
from functions.ledger.audit.fault import Fault, FaultKind, Report
from functions.ledger.log.checkpoint import verify_note
from functions.ledger.merkle import Frontier

NAMED_OF_A_RANGE = 50


@dataclass(frozen=True, slots=True)
class Reference:
    """The log as it was, as far as that can be known.

    Args:
        leaves: By index; None where not even a leaf is left.
        covered: How many of them signed roots vouch for.
    """

    leaves: Sequence[Leaf | None]
    covered: int


def believed(
    checkpoints: Iterable[KeptCheckpoint], export: Export, public_key: bytes | None, report: Report
) -> list[KeptCheckpoint]:
    """Checkpoints of this log with a good signature, one per size (of two the first given), smallest first."""
    if public_key is None:
        report.notes.append("signatures were not checked: no public key was given")
    of_size: dict[int, KeptCheckpoint] = {}
    for each in checkpoints:
        fault = _why_not(each, export.origin, public_key)
        other = each if fault else of_size.setdefault(each.size, each)
        if fault:
            report.faults.append(Fault(FaultKind.CHECKPOINT, _name(each), fault))
        elif other.parsed.checkpoint.root != each.parsed.checkpoint.root:
            report.faults.append(Fault(FaultKind.CHECKPOINT, _name(each), "two roots were signed for one size"))
        elif each.leaves and not other.leaves:
            of_size[each.size] = each  # the same root, and it brings the leaves along
    out = [of_size[size] for size in sorted(of_size)]
    for earlier, later in pairwise(out):
        if earlier.parsed.checkpoint.at > later.parsed.checkpoint.at:
            text = f"it is larger than {_name(earlier)}, but was signed earlier"
            report.faults.append(Fault(FaultKind.CHECKPOINT, _name(later), text))
    return out


def _why_not(each: KeptCheckpoint, origin: str, public_key: bytes | None) -> str:
    if each.parsed.checkpoint.origin != origin:
        return f"it is of the log {each.parsed.checkpoint.origin}, not {origin}"
    if public_key is not None and not verify_note(each.note, public_key):
        return "its signature is not the log's"
    return ""


def reference_of(export: Export, checkpoints: Sequence[KeptCheckpoint], report: Report) -> Reference:
    """The log's leaves, span by span between checkpoints, from whichever source gives the signed root.

    The leaves kept with a checkpoint under Object Lock come first; then the leaf items; then the entries themselves.
    """
    leaves = by_index(export.leaves)
    entries = by_index(Leaf(e.index, e.id, e.hash) for e in export.entries if e.index is not None)
    witnessed = by_index(leaf for each in checkpoints for leaf in each.leaves)
    out: list[Leaf | None] = []
    frontier = Frontier()
    for each in checkpoints:
        span = range(len(out), each.size)
        for source in _sources(span, witnessed, leaves, entries):
            edge = frontier
            for leaf in source:
                edge, _ = edge.append(leaf.hash)
            if edge.root() == each.parsed.checkpoint.root:
                out += source
                frontier = edge
                break
        else:
            report.faults.append(_broken_span(each, span, leaves, entries))
            break
    covered = len(out)
    known = len(leaves) + len(entries) + len(witnessed)  # bounds what forged sizes could make us walk through
    end = max([covered, *(i + 1 for i in (*leaves, *witnessed) if i < known)])
    out += [witnessed.get(index) or leaves.get(index) for index in range(covered, end)]
    if export.entries and not covered and not any(each.size for each in checkpoints):
        text = "no signed checkpoint vouches for any entry of this export"
        report.faults.append(Fault(FaultKind.CHECKPOINT, "the export", text))
    return Reference(out, covered)


def _sources(span: range, *maps: Mapping[int, Leaf]) -> Iterator[list[Leaf]]:
    """Complete candidates for a span of the log: from each source, its gaps filled from the others."""
    if len(span) > sum(map(len, maps)):
        return
    for first in maps:
        merged = [first.get(i) or next((m[i] for m in maps if i in m), None) for i in span]
        whole = [leaf for leaf in merged if leaf is not None]
        if len(whole) == len(span):
            yield whole


def _broken_span(each: KeptCheckpoint, span: range, leaves: Mapping[int, Leaf], entries: Mapping[int, Leaf]) -> Fault:
    gone = islice((i for i in span if i not in leaves and i not in entries), NAMED_OF_A_RANGE)
    if missing := ", ".join(map(str, gone)):
        text = f"neither entry nor leaf is left of index {missing}"
    else:
        names = [(entries.get(index) or leaves[index]).entry_id for index in span[:NAMED_OF_A_RANGE]]
        more = f" and {len(span) - len(names)} more" if len(span) > len(names) else ""
        text = f"entries and leaves were rewritten together; at fault is among {', '.join(names)}{more}"
    return Fault(
        FaultKind.LOG,
        f"index {span.start} to {span.stop - 1}",
        f"the leaves don't give the root that was signed at {_name(each)}: {text}",
    )


def item_faults(export: Export, reference: Reference) -> Iterator[Fault]:
    """The log's own items, each against what the reference makes of it."""
    yield from _leaf_faults(export.leaves, reference.leaves)
    whole = [leaf for leaf in reference.leaves if leaf is not None]
    if len(whole) == len(reference.leaves):
        yield from _page_and_head_faults(export, whole)
    notes: dict[int, list[bytes]] = {}
    for each in export.checkpoints:
        notes.setdefault(each.size, []).append(each.note)
    for size in sorted({*notes, *export.listed}):
        if export.listed.get(size) not in notes.get(size, []):
            text = "the table's item and what lies under Object Lock differ"
            yield Fault(FaultKind.CHECKPOINT, f"checkpoint {size}", text)


def _leaf_faults(leaves: Sequence[Leaf], reference: Sequence[Leaf | None]) -> Iterator[Fault]:
    present = by_index(leaves)
    for index, true in enumerate(reference):
        if true is None:
            continue
        found = present.get(index)
        if found is None:
            yield Fault(FaultKind.LEAF, true.entry_id, "its leaf item is missing", index)
        elif found.hash != true.hash:
            yield Fault(FaultKind.LEAF, true.entry_id, "its leaf item holds another hash than was signed", index)
        elif found.entry_id != true.entry_id:
            yield Fault(FaultKind.LEAF, true.entry_id, f"its leaf item names {found.entry_id}", index)
    for leaf in leaves:
        if leaf.index >= len(reference):
            yield Fault(FaultKind.LEAF, leaf.entry_id, "its leaf item lies beyond the log", leaf.index)
        elif present[leaf.index] is not leaf:
            yield Fault(FaultKind.LEAF, leaf.entry_id, "a second leaf item claims its index", leaf.index)


def _page_and_head_faults(export: Export, leaves: Sequence[Leaf]) -> Iterator[Fault]:
    """Pages lie end to end and hold what appending gives; the head is where the last one ends."""
    pages = {page.first: page for page in export.pages}
    frontier, at = Frontier(), 0
    while at < len(leaves):
        page = pages.pop(at, None)
        if page is None or not page.entry_ids:
            yield Fault(FaultKind.PAGE, f"page {at}", "it is missing or empty")
            end = min((first for first in pages if first > at), default=len(leaves))
            frontier, _ = _append(frontier, leaves[at:end])
        else:
            end = at + len(page.entry_ids)
            frontier, hashes = _append(frontier, leaves[at:end])
            if [leaf.entry_id for leaf in leaves[at:end]] != list(page.entry_ids):
                yield Fault(FaultKind.PAGE, f"page {at}", "it names other entries than the log has there")
            elif hashes != page.hashes:
                yield Fault(FaultKind.PAGE, f"page {at}", "it holds other hashes than its leaves give")
        at = end
    for first in sorted(pages):
        yield Fault(FaultKind.PAGE, f"page {first}", "no page of the log begins there")
    if (export.head.size, export.head.frontier) != (frontier.size, frontier.to_bytes()):
        text = f"it counts {export.head.size} leaves; the {frontier.size} that are found give another right edge"
        yield Fault(FaultKind.HEAD, "the log's head", text)


def _append(frontier: Frontier, leaves: Sequence[Leaf]) -> tuple[Frontier, bytes]:
    completed: list[bytes] = []
    for leaf in leaves:
        frontier, hashes = frontier.append(leaf.hash)
        completed += hashes
    return frontier, b"".join(completed)


def _name(each: KeptCheckpoint) -> str:
    return f"checkpoint {each.size} of {isoformat(each.parsed.checkpoint.at)}"
