"""Named lists kept by staff: who is blocked, watched or trusted, until when and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.core.errors import InvalidError
from functions.risk.expression.schema import LIST_PREFIX

SUBJECTS: Final = {
    "blocked_customers": "customer",
    "blocked_devices": "device",
    "blocked_addresses": "address",
    "blocked_instruments": "instrument",
    "watched_merchants": "merchant",
    "watched_customers": "customer",
    "trusted_customers": "customer",
    "confirming_customers": "customer",
}
"""Each list and what stands on it, as in `signal_table.LISTS`."""

DENY: Final = frozenset({"blocked_customers", "blocked_devices", "blocked_addresses", "blocked_instruments"})
ALLOW: Final = frozenset({"trusted_customers"})
MAX_ENTRIES: Final = 10_000
"""Per list. A list is read into every container, so it is kept to what a person can have looked at."""


class UnknownListError(InvalidError):
    code, title = "unknown_list", "No such list"


class ListFullError(InvalidError):
    code, title = "list_full", "The list is full"


@dataclass(frozen=True, slots=True)
class Entry:
    """Someone or something on a list.

    Args:
        list: Which.
        value: Keyed hash (16 hexadecimal digits) or id of the thing.
        reason: Why; for the staff.
        by: Staff id.
        until_s: Seconds since 1970 after which it no longer counts; 0 for never.
    """

    list: str
    value: str
    reason: str
    by: str
    until_s: int = 0


@dataclass(frozen=True, slots=True)
class NamedLists:
    """All lists as of one read of them.

    Args:
        until: Per list, each value and until when it stands there (0: for ever).
    """

    until: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> NamedLists:
        """From entries; of two for the same thing the longer-lived counts.

        Raises:
            UnknownListError: An entry of a list that is not declared.
            ListFullError: More than `MAX_ENTRIES` in one list.
        """
        until: dict[str, dict[str, int]] = {}
        for entry in entries:
            if entry.list not in SUBJECTS:
                raise UnknownListError(f"lists are {', '.join(SUBJECTS)}")
            values = until.setdefault(entry.list, {})
            had = values.get(entry.value, entry.until_s)
            values[entry.value] = 0 if 0 in (had, entry.until_s) else max(had, entry.until_s)
            if len(values) > MAX_ENTRIES:
                raise ListFullError(f"{entry.list} has more than {MAX_ENTRIES} entries")
        return cls(until)

    def hits(self, parties: Mapping[str, str], at_s: int) -> tuple[str, ...]:
        """The lists on which a party of an order stands, sorted.

        Args:
            parties: "customer", "device", "address", "instrument", "merchant" to their hash or id.
            at_s: Now, seconds since 1970.
        """
        return tuple(
            sorted(
                name
                for name, values in self.until.items()
                if (value := parties.get(SUBJECTS[name])) is not None and _stands(values.get(value), at_s)
            )
        )

    def visible(self, keys: Iterable[str], signals: Mapping[str, Any], at_s: int) -> dict[str, frozenset[str]]:
        """Named lists as rules look them up, cut down to what a rule of this order can see of them.

        Args:
            keys: `list:name`, those that the rules read.
            signals: Of the order: a rule looks up a signal's value and nothing else.
            at_s: Now, seconds since 1970.
        """
        values = {value for value in signals.values() if isinstance(value, str)}
        found = {}
        for key in keys:
            members = self.until.get(key.removeprefix(LIST_PREFIX), {})
            found[key] = frozenset(value for value in values if _stands(members.get(value), at_s))
        return found


def is_denied(hits: Iterable[str]) -> bool:
    """Whether one of the lists hit blocks."""
    return not DENY.isdisjoint(hits)


def is_trusted(hits: Iterable[str]) -> bool:
    """Whether one of the lists hit overrules rules and score (never credit, never a block)."""
    return not ALLOW.isdisjoint(hits)


def _stands(until_s: int | None, at_s: int) -> bool:
    return until_s is not None and (until_s == 0 or at_s < until_s)
