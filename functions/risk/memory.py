"""The items of one transaction of the stream pass: read together, changed by whoever learns, each written once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from functions.credit.lines.store import LineItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Item
from functions.platform.storage.transactions import WriteSet
from functions.risk.profile import RiskProfile
from functions.risk.reading import Wanted
from functions.risk.store import ProfileItem, plan_profile

T = TypeVar("T", bound=Item)


@dataclass
class Memory:
    """Items as read and as they will be.

    Args:
        items: By partition key. What was not there is begun at version 0, but for a line, which only credit opens.
    """

    items: dict[str, Item] = field(default_factory=dict)
    _learned: dict[int, RiskProfile] = field(default_factory=dict)

    def read(self, wanted: Iterable[Wanted]) -> None:
        """Read what was not read yet, consistently, in as few requests as can be."""
        missing = [(model, pk, keys.SELF) for model, pk in dict.fromkeys(wanted) if pk not in self.items]
        stored = container().tables.read_all(missing, consistent=True)
        for (model, pk, _), item in zip(missing, stored, strict=True):
            if item is not None or model is not LineItem:
                self.items[pk] = item if item is not None else model(pk=pk, version=0)

    def get(self, model: type[T], pk: str) -> T:
        """One item that was read, or begun."""
        item = self.items[pk]
        assert isinstance(item, model)  # a key names one kind of item
        return item

    def line(self, alias: int) -> LineItem | None:
        """A line as it was read; None if there is none."""
        item = self.items.get(keys.line(alias))
        return item if isinstance(item, LineItem) else None

    def profile_item(self, alias: int) -> ProfileItem:
        """The item of a customer's profile."""
        return self.get(ProfileItem, keys.profile(alias))

    def profile(self, alias: int) -> RiskProfile:
        """A customer's profile with what was learned so far."""
        return self._learned.get(alias) or self.profile_item(alias).profile()

    def learn(self, alias: int, profile: RiskProfile) -> None:
        """What a customer's profile is from now."""
        self._learned[alias] = profile

    def was_taken_in(self, alias: int, authorization_id: str) -> bool:
        """Whether the customer's profile says that a new order was taken in."""
        return self.profile_item(alias).has_taken_in(authorization_id)

    def mark(self, alias: int, authorization_id: str) -> bool:
        """Let the customer's profile say so from now; False where it has no room."""
        self.learn(alias, self.profile(alias))
        wall_s = int(container().clock.wall().timestamp())
        return self.profile_item(alias).take_in(authorization_id, wall_s)

    def profiles(self) -> list[WriteSet]:
        """Every profile that something was learned of, over the version that was read."""
        return [self._written(alias, profile) for alias, profile in self._learned.items()]

    def _written(self, alias: int, profile: RiskProfile) -> WriteSet:
        item = self.profile_item(alias)
        seen = item.version
        item.packed, item.version = profile.pack(), seen + 1
        return plan_profile(item, seen or None)
