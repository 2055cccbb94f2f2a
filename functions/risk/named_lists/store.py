"""Named lists as items (docs/data_model.md R33, W31): each entry with its history, each list as one small item.

Deciding needs only who stands on a list and until when: that is the list's own item, which a container reads when the
head says that it has changed. Why and by whom stands in the entries, which are never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, Tables
from functions.platform.storage.transactions import OnConflict, Put, WriteSet
from functions.platform.web.commands import CommandsAttribute

_HASH_BYTES: Final = 8
_UNTIL_BYTES: Final = 5
_ROW: Final = _HASH_BYTES + _UNTIL_BYTES


class EntryItem(State):
    """Someone or something that stands, or stood, on a list."""

    value = UnicodeAttribute(attr_name="va")
    on = UnicodeAttribute(attr_name="s")
    reason = UnicodeAttribute(attr_name="re")
    by = UnicodeAttribute(attr_name="by")
    until_s = IntegerAttribute(attr_name="u", default=0)
    history = JSONAttribute(attr_name="hi")
    changed_at_ms = IntegerAttribute(attr_name="t")
    commands = CommandsAttribute()


class ListItem(Item):
    """Who stands on a list: 13 bytes each, so that the longest list is 130 kB."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    version = IntegerAttribute(attr_name="v", default=0)

    def until(self) -> dict[str, int]:
        """Each value and until when it stands there (seconds since 1970; 0: for ever)."""
        raw = self.packed or b""
        rows = (raw[i : i + _ROW] for i in range(0, len(raw), _ROW))
        return {row[:_HASH_BYTES].hex(): int.from_bytes(row[_HASH_BYTES:], "big") for row in rows}

    def keep(self, until: Mapping[str, int]) -> None:
        """Inverse of `until`."""
        self.packed = b"".join(
            bytes.fromhex(value) + until[value].to_bytes(_UNTIL_BYTES, "big") for value in sorted(until)
        )


def read_lists(tables: Tables, names: Sequence[str], *, consistent: bool = False) -> dict[str, dict[str, int]]:
    """R33: the members of some lists; one nobody has ever written has none."""
    found = tables.batch_get([(ListItem, keys.RISK_LISTS, name) for name in names], consistent=consistent)
    return {name: item.until() if isinstance(item, ListItem) else {} for name, item in zip(names, found, strict=True)}


def read_list(tables: Tables, name: str) -> ListItem:
    """A list, begun if nobody has ever written it."""
    item: ListItem | None = tables.get(ListItem, keys.RISK_LISTS, name, consistent=True)
    return item or ListItem(pk=keys.RISK_LISTS, sk=name, version=0)


def plan_list(item: ListItem, on_conflict: OnConflict) -> WriteSet:
    """W31: a list's next state over the one that was read."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, on_conflict))


def plan_entry(item: EntryItem, on_conflict: OnConflict) -> WriteSet:
    """W31: an entry's next state over the one that was read."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, on_conflict))
