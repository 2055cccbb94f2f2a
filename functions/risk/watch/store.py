"""What the checks remember, as items (docs/data_model.md R22, W8): merchants' days, and who used what.

The stream alone writes them, each over the version that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import ConditionFailedError, OnConflict, Put, WriteSet
from functions.risk.measures.links import PUBLIC_FROM
from functions.risk.watch.pattern import MerchantDays

KEPT_DAYS: Final = 30
_FRESH_DAYS: Final = 7
"""A use is noted anew when the last note is so old: a customer's own phone does not cost a write with every order."""


class Watched(Item):
    """Base: written over the version that was read."""

    version = IntegerAttribute(attr_name="v", default=0)


class DaysItem(Watched):
    """A merchant's days, beyond what is counted of every order."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)

    def days(self) -> MerchantDays:
        return MerchantDays.unpack(self.packed) if self.packed else MerchantDays()


@dataclass(frozen=True, slots=True)
class User:
    """Someone who used a thing.

    Args:
        alias: Of the line.
        customer_id: `cus_…`.
        last_day: Days since 1970.
    """

    alias: int
    customer_id: str
    last_day: int


class LinkItem(Watched):
    """Who used a device, address or instrument in 30 days: at most as many as still tie anyone to anyone."""

    users = JSONAttribute(attr_name="u", null=True)  # alias as text to [customer id, last day]

    def all_users(self) -> list[User]:
        return [User(int(alias), who, day) for alias, (who, day) in sorted((self.users or {}).items())]

    def note(self, user: User) -> bool:
        """Take a use in; the same again, or an older one, changes nothing.

        Returns:
            Whether there is anything to write.
        """
        had = (self.users or {}).get(f"{user.alias:09d}")
        if had is not None and user.last_day - had[1] < _FRESH_DAYS:
            return False
        kept = {a: u for a, u in (self.users or {}).items() if u[1] > user.last_day - KEPT_DAYS}
        kept[f"{user.alias:09d}"] = [user.customer_id, user.last_day]
        latest = sorted(kept.items(), key=lambda entry: (entry[1][1], entry[0]))[-PUBLIC_FROM:]
        self.users = dict(latest)
        return True


def plan_watched(item: Watched, on_conflict: OnConflict = ConditionFailedError) -> WriteSet:
    """W8: its next state over the one that was read."""
    seen = item.version
    item.version = seen + 1
    return WriteSet.of(Put(item, Path("pk").does_not_exist() if seen == 0 else Path("v") == seen, on_conflict))
