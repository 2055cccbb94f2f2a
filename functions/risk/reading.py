"""What one record is judged by, every item read once: a request for what is needed, another for what that names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Item

Wanted = tuple[type[Item], str]
"""What an item is, and the partition that it is named for."""


@dataclass
class Reading:
    """Items as they were when first asked for, consistently."""

    _items: dict[str, Item | None] = field(default_factory=dict)

    def all(self, wanted: Iterable[Wanted]) -> list[Item | None]:
        """Items in the order asked, None for what is not there; those not read yet in as few requests as can be."""
        asked = list(wanted)
        missing = [(model, pk, keys.SELF) for model, pk in dict.fromkeys(asked) if pk not in self._items]
        found = container().tables.read_all(missing, consistent=True)
        self._items |= {pk: item for (_, pk, _), item in zip(missing, found, strict=True)}
        return [self._items[pk] for _, pk in asked]

    def one(self, model: type[Item], pk: str) -> Item | None:
        """One item; None if it is not there."""
        return self.all([(model, pk)])[0]
