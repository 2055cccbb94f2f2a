"""Risk profiles, alerts and guards as items (docs/data_model.md R22, W8)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import id_bytes, id_text
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import OnConflict, Put, Update, WriteSet, create
from functions.risk.profile import RiskProfile

SEEN_LIFE_S = 48 * 3600
RECENT_S = 48 * 3600
MOST_RECENT = 12
_RECENT = struct.Struct(">16sI")
"""An order's id and the instant it was made; of a mark, that at which it was taken in. Seconds since 1970."""
MOST_MARKS = 32


class ProfileItem(Item):
    """What the stream has learned about a customer, the latest orders, and the lists that staff put the customer on."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    recent = BinaryAttribute(legacy_encoding=False, attr_name="o", null=True)
    marks = BinaryAttribute(legacy_encoding=False, attr_name="m", null=True)
    noted_until_s = IntegerAttribute(attr_name="nu", null=True)
    lists = UnicodeAttribute(attr_name="ls", null=True)  # names, space-separated; "name@day" ends after that day
    version = IntegerAttribute(attr_name="v", default=1)

    def profile(self) -> RiskProfile:
        return RiskProfile.unpack(self.packed) if self.packed else RiskProfile()

    def note_order(self, authorization_id: str, at_s: int) -> None:
        """One more order that took part of the line; kept are a dozen, none two days older than the newest."""
        orders = {*self._recent(), (id_bytes(authorization_id), at_s)}
        newest = max(at for _, at in orders)
        kept = sorted((order for order in orders if newest - order[1] < RECENT_S), key=lambda order: order[::-1])
        self.recent = b"".join(_RECENT.pack(*order) for order in kept[-MOST_RECENT:])

    def orders_since(self, at_s: int) -> tuple[str, ...]:
        """Ids of the latest orders made at an instant or after it, the oldest first, whatever became of them."""
        return tuple(id_text("auth", raw) for raw, at in self._recent() if at >= at_s)

    def has_taken_in(self, authorization_id: str) -> bool:
        """Whether a new order was taken in here before, as its mark says."""
        return id_bytes(authorization_id) in dict(_RECENT.iter_unpack(self.marks or b""))

    def take_in(self, authorization_id: str, wall_s: int) -> bool:
        """Mark a new order as taken in, for as long as its record can come again.

        Args:
            authorization_id: Not taken in before.
            wall_s: Now, wall time.

        Returns:
            False where so many orders came that there is no room: its record needs a note of its own, and so does
            every other until that note is over.
        """
        fresh = {order: at for order, at in _RECENT.iter_unpack(self.marks or b"") if wall_s - at < SEEN_LIFE_S}
        if len(fresh) >= MOST_MARKS or wall_s < (self.noted_until_s or 0):
            self.noted_until_s = wall_s + SEEN_LIFE_S
            return False
        fresh[id_bytes(authorization_id)] = wall_s
        self.marks = b"".join(_RECENT.pack(*mark) for mark in fresh.items())
        return True

    def _recent(self) -> list[tuple[bytes, int]]:
        return list(_RECENT.iter_unpack(self.recent or b""))

    def lists_on(self, day: int) -> tuple[str, ...]:
        """The lists that the customer stands on, on a day since 1970; a name may carry its last day."""
        entries = (entry.partition("@") for entry in (self.lists or "").split())
        return tuple(name for name, _, until in entries if not until or day <= int(until))


class SeenItem(Item):
    """A stream record that has been counted; TTL removes it when it can't come again."""

    ttl = IntegerAttribute(attr_name="ttl")


def seen_before(consumer: str, event_ids: Iterable[str]) -> frozenset[str]:
    """Those of up to 100 records that a consumer has a note of: a batch that comes again is dropped at one read."""
    wanted = list(dict.fromkeys(event_ids))
    found = container().tables.batch_get(
        [(SeenItem, keys.seen(consumer, event_id), keys.SELF) for event_id in wanted], consistent=True
    )
    return frozenset(event_id for event_id, item in zip(wanted, found, strict=True) if item is not None)


def plan_seen(consumer: str, event_id: str, wall_s: int, on_conflict: OnConflict) -> WriteSet:
    """W8: take a record in once."""
    return WriteSet.of(create(SeenItem(pk=keys.seen(consumer, event_id), ttl=wall_s + SEEN_LIFE_S), on_conflict))


def plan_profile(item: ProfileItem, seen_version: int | None) -> WriteSet:
    """W8: a profile's next state; None means that it is the first."""
    condition = Path("pk").does_not_exist() if seen_version is None else Path("v") == seen_version
    return WriteSet.of(Put(item, condition))


def plan_lists(alias: int, lists: str) -> WriteSet:
    """Put a customer on lists, whether or not the stream has made the profile yet."""
    actions = (Path("ls").set(lists), Path("v").set(Path("v") | 1))
    return WriteSet.of(Update(ProfileItem, keys.profile(alias), keys.SELF, actions))
