"""The book part of the verdict, for entries logged or not.

Each is asked for balanced legs, the state item it explains, the command that caused it, the original of a reversal,
and a month that was open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from functions.ledger.audit.export import Export, StateSummary
from functions.ledger.audit.fault import Fault, FaultKind, Report
from functions.ledger.balances import Totals
from functions.ledger.entries import Entry, is_reversal_of, reversal_id
from functions.ledger.explained import Explained


def book_faults(export: Export, report: Report) -> Iterator[Fault]:
    """Everything wrong with the entries as entries, whether or not they are in the log."""
    good = [found.entry for found in export.entries if found.entry is not None]
    for found in export.entries:
        if found.entry is None:
            name = found.id or f"line {found.line}"
            yield Fault(FaultKind.LEGS, name, f"it is no balanced entry: {found.fault}", found.index)
    if good and not export.states:
        yield Fault(FaultKind.STATE, "the export", "it holds no state items, so nothing explains its entries")
    else:
        yield from _memory_faults(good, export.states)
        yield from _state_faults(good, export.states, report)
    yield from _repeated(good)
    yield from _reversal_faults(good)
    yield from _period_faults(export)
    if export.head.totals.to_dict() != Totals.of(good).to_dict():
        yield Fault(FaultKind.HEAD, "the log's head", "its trial balance is not that of the entries")


def _state_faults(entries: Sequence[Entry], states: Mapping[str, StateSummary], report: Report) -> Iterator[Fault]:
    """A state item vouches for an entry by remembering its command, or by a memory that adds up with its entries."""
    claims = _claims(entries)
    sound = {name for name, state in states.items() if state.explained == Explained.of(claims.get(name, ()))}
    unsure = 0
    for entry in entries:
        absent = [name for name in entry.explains if name not in states]
        if absent:
            yield Fault(FaultKind.STATE, entry.id, f"there is no state item {', '.join(absent)}")
        known = [states[name] for name in entry.explains if name in states]
        vouched = any(entry.command_id in state.commands or state.id in sound for state in known)
        if not known or vouched:
            continue
        if any(state.commands_forgotten for state in known):
            unsure += 1
        else:
            text = f"no state item it explains knows the command {entry.command_id}"
            yield Fault(FaultKind.COMMAND, entry.id, text)
    if unsure:
        report.notes.append(f"{unsure} entries are older than the commands that their state items remember")


def _claims(entries: Iterable[Entry]) -> Mapping[str, list[str]]:
    """Object → ids of the entries that say they explain it."""
    out: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        for name in entry.explains:
            out[name].append(entry.id)
    return out


def _memory_faults(entries: Sequence[Entry], states: Mapping[str, StateSummary]) -> Iterator[Fault]:
    """Compare each item's memory of its entries with the entries there are."""
    claims = _claims(entries)
    for name, state in states.items():
        wanted, ids = state.explained, claims.get(name, [])
        found = Explained.of(ids)
        if wanted is None or found == wanted:
            continue
        if found.count == wanted.count + 1:
            odd = next((each for each in ids if wanted.plus(each) == found), None)
            if odd is not None:
                yield Fault(FaultKind.STATE, odd, f"the state item {name} knows nothing of it")
                continue
        text = f"it remembers {wanted.count} entries; {len(ids)} claim to explain it, and they are not the same"
        yield Fault(FaultKind.STATE, name, text)


def _repeated(entries: Iterable[Entry]) -> Iterator[Fault]:
    """One command posts one entry of a kind to an object."""
    first: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        earlier = first.setdefault((entry.command_id, entry.kind, entry.explains[0]), entry.id)
        if earlier != entry.id:
            text = f"the command {entry.command_id} posted {earlier} already"
            yield Fault(FaultKind.COMMAND, entry.id, text)


def _reversal_faults(entries: Sequence[Entry]) -> Iterator[Fault]:
    by_id = {entry.id: entry for entry in entries}
    counts = Counter(entry.reverses for entry in entries if entry.reverses is not None)
    for entry in entries:
        if entry.reverses is None:
            continue
        original = by_id.get(entry.reverses)
        if original is None:
            yield Fault(FaultKind.REVERSAL, entry.id, f"what it reverses, {entry.reverses}, is not there")
        elif not is_reversal_of(entry, original):
            yield Fault(FaultKind.REVERSAL, entry.id, f"it is not {entry.reverses} with its ends swapped")
        elif entry.id != reversal_id(entry.reverses) or counts[entry.reverses] > 1:
            yield Fault(FaultKind.REVERSAL, entry.id, f"it is not the one reversal of {entry.reverses}")


def _period_faults(export: Export) -> Iterator[Fault]:
    """A closed month agrees with the log when it was closed, and took no entry since."""
    for closed in export.periods:
        name = f"period {closed.period}"
        before = [found.entry for found in export.entries[: closed.size] if found.entry is not None]
        if closed.size > len(export.entries) or Totals.of(before).to_dict() != closed.totals.to_dict():
            text = f"its trial balance is not that of the first {closed.size} entries"
            yield Fault(FaultKind.PERIOD, name, text)
        for found in export.entries[closed.size :]:
            entry = found.entry
            if entry and entry.effective_on <= closed.period.last_on and closed.period.id not in entry.explains:
                text = f"it counts for {entry.effective_on}, and {closed.period} was closed before it was logged"
                yield Fault(FaultKind.PERIOD, entry.id, text, found.index)
