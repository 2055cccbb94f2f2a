"""What one stream record teaches: facts, uses of things, and moves of the portfolio's sums. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from functions.core.ids import id_text
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from functions.platform.bus.stream import StreamRecord
from functions.platform.storage import keys
from functions.risk.counters import DAY_S
from functions.risk.counting.observing import PARTIES, seen_order
from functions.risk.portfolio.contributions import Amount, Key, deltas
from functions.risk.watch.facts import Fact, FactKind, facts_of


@dataclass(frozen=True, slots=True)
class Use:
    """A customer made an order, with these things.

    Args:
        alias: Of the line.
        customer_id: `cus_…`.
        merchant_id: Where.
        at_s: When.
        amount_minor: Of the order.
        things: Kind ("device", "address", "instrument") and hash, as far as told.
    """

    alias: int
    customer_id: str
    merchant_id: str
    at_s: int
    amount_minor: int
    things: tuple[tuple[str, int], ...]

    @property
    def day(self) -> int:
        """Days since 1970."""
        return self.at_s // DAY_S


@dataclass(frozen=True, slots=True)
class Lesson:
    """One record.

    Args:
        event_id: The record's own, the same at every delivery.
        item_id: Partition key of the item it is of.
        facts: What the checks learn.
        use: What was used, of a new order.
        moved: What the portfolio's sums move by.
    """

    event_id: str
    item_id: str
    facts: Sequence[Fact] = ()
    use: Use | None = None
    moved: Mapping[Key, Amount] = field(default_factory=dict)

    @property
    def touches(self) -> set[str]:
        """The items a transaction would write for it, by names that are the same for the same item."""
        profiles = {f"profile {fact.alias}" for fact in self.facts if fact.kind in ON_PROFILE}
        merchants = {f"days {fact.merchant_id}" for fact in self.facts if fact.merchant_id}
        links = {f"link {kind} {thing:x}" for kind, thing in self.use.things} if self.use else set()
        shared = {f"days {self.use.merchant_id}", f"profile {self.use.alias}"} if self.use else set()
        sums = {f"sum {currency} {name} {self.item_id}" for currency, name in self.moved}
        return {*profiles, *merchants, *links, *shared, *sums}


ON_PROFILE: Final = frozenset(
    {FactKind.REFUNDED, FactKind.REFUNDED_ELSEWHERE, FactKind.REPAID, FactKind.FIRST_MISSED, FactKind.RAISED}
)
"""Facts that the customer's profile keeps; the others are only the merchant's."""


def lesson_of(record: StreamRecord) -> Lesson | None:
    """What a record teaches, or None."""
    facts, use, moved = facts_of(record), use_of(record), deltas(record)
    if not facts and use is None and not moved:
        return None
    return Lesson(record.event_id, record.pk, facts, use, moved)


def use_of(record: StreamRecord) -> Use | None:
    """Who made a new order and with what; None of any other record."""
    if record.new is None or record.old is not None or record.sk != keys.SELF or not record.pk.startswith("auth_"):
        return None
    item = AuthorizationItem.from_raw_data(dict(record.new))
    if item.alias is None or not seen_order(item).counted:
        return None
    customer, at_s = id_text("cus", item.customer), item.created_at_ms // 1000
    return Use(item.alias, customer, item.merchant_id, at_s, item.amount, things_of(item))


def things_of(item: AuthorizationItem) -> tuple[tuple[str, int], ...]:
    """Kind and hash of the device, address and instrument of an order."""
    parties = Parties.unpack(item.parties)
    named = {kind: getattr(parties, kind) for kind in PARTIES}
    return tuple((kind, thing) for kind, thing in named.items() if thing is not None)
