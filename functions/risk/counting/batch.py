"""A batch of the stream as one change per item: what was read, what each record adds, what is written. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from functions.platform.storage import keys
from functions.platform.storage.transactions import WriteSet
from functions.risk.counters import DAY_S, QUARTER_S, Counter, Observation, aggregate, hash64, shard_count, shard_of
from functions.risk.counting.observing import Countable, SeenOrder, observations
from functions.risk.counting.store import MIXED, CounterItem, TerminalItem, plan_counted
from functions.risk.memory import Memory
from functions.risk.profile import RiskProfile, Token

BURST: Final = 4
"""The busiest second of a quarter-hour is taken for so many times its average second."""


@dataclass
class CountedBatch:
    """What the records of one transaction count.

    Args:
        memory: The items they touch.
    """

    memory: Memory
    _observed: list[Observation] = field(default_factory=list)
    _orders: list[tuple[str, SeenOrder, str]] = field(default_factory=list)
    _own: list[tuple[str, int, SeenOrder]] = field(default_factory=list)
    _flagged: list[tuple[int, SeenOrder]] = field(default_factory=list)
    _terminals: set[str] = field(default_factory=set)

    def counter(self, pk: str) -> CounterItem:
        return self.memory.get(CounterItem, pk)

    def terminal(self, pk: str) -> TerminalItem:
        return self.memory.get(TerminalItem, pk)

    def counter_key(self, subject: str, event_id: str) -> str:
        """The shard of a counter that a record belongs to."""
        return keys.counter(subject, shard_of(event_id, self.counter(keys.counter(subject)).shards))

    def terminal_key(self, subject: int, event_id: str) -> str:
        """The shard of a terminal that a record belongs to."""
        return keys.terminal(subject, shard_of(event_id, self.terminal(keys.terminal(subject)).shards))

    def add(self, each: Countable, order: SeenOrder) -> None:
        """A record: a new order for its counters and terminal, a label for its terminal and device.

        The profile learns an order as the customer's own when it is made, or when a person lets a held one go on.
        What is wrong with a device it learns at once.
        """
        if each.alias is not None and (each.released or each.own):
            self._own.append((each.event_id, each.alias, order))
        if each.released:
            return
        is_wrong = each.frauds > 0 if each.labelled else order.held and order.parties.device_flagged
        if is_wrong and each.alias is not None and order.parties.device is not None:
            self._flagged.append((each.alias, order))
        if each.labelled:
            self._at_terminal(order, each.event_id, each.frauds)
            return
        self._observed += [
            replace(seen, subject=self.counter_key(seen.subject, each.event_id))
            for seen in observations(order, each.event_id)
        ]
        if order.counted and each.alias is not None:
            pk = self._at_terminal(order, each.event_id)
            self._orders.append((each.event_id, order, pk))

    def _at_terminal(self, order: SeenOrder, event_id: str, frauds: int = 0) -> str:
        pk = self.terminal_key(order.terminal, event_id)
        item = self.terminal(pk)
        history = item.history()
        item.packed = (history.with_frauds(order.at_s, frauds) if frauds else history.with_order(order.at_s)).pack()
        if not frauds:
            item.currency = order.currency if item.currency in {None, order.currency} else MIXED
        self._terminals.add(pk)
        return pk

    def writes(self) -> list[WriteSet]:
        """Counters and terminals that changed, over the versions read; profiles are told, and written later."""
        counters = aggregate(self._observed)
        merged = {pk: self.counter(pk).counter().merge(added) for pk, added in counters.items()}
        for pk, counter in merged.items():
            self.counter(pk).packed = counter.pack()
        self._tell_profiles(merged)
        self._tell_terminals(merged)
        changed = [self._grown(self.counter(pk), counter) for pk, counter in merged.items()]
        return [plan_counted(item) for item in (*changed, *map(self.terminal, sorted(self._terminals)))]

    def _grown(self, item: CounterItem, counter: Counter) -> CounterItem:
        """The first shard says how many there are; more are begun when its busiest quarter-hour asks for them."""
        if item.pk.endswith("#0"):
            item.shards = max(item.shards, wanted_shards(counter, item.shards))
        return item

    def _tell_terminals(self, merged: dict[str, Counter]) -> None:
        for event_id, order, pk in self._orders:
            merchant = self.counter(keys.counter(order.subjects["merchant"]))
            counter = merged[self.counter_key(order.subjects["merchant"], event_id)]
            item = self.terminal(pk)
            item.orders_30d, item.sum_30d_minor = counter.total("30d", order.at_s)
            first = self.terminal(keys.terminal(order.terminal))
            if order.parties.shop is None and first.pk in self._terminals:
                first.shards = max(first.shards, merchant.shards)

    def _tell_profiles(self, merged: dict[str, Counter]) -> None:
        for event_id, alias, order in self._own:
            self.memory.learn(alias, self._after(self.memory.profile(alias), order, event_id, merged))
            self.memory.profile_item(alias).note_order(order.id, order.at_s)
        for alias, order in self._flagged:
            token = _token(order.parties.device or 0, order, flagged=True)
            self.memory.learn(alias, self.memory.profile(alias).with_device(token))

    def _after(self, profile: RiskProfile, order: SeenOrder, event_id: str, merged: dict[str, Counter]) -> RiskProfile:
        parties = order.parties
        shops = () if parties.shop is None else (parties.shop,)
        profile = profile.with_purchase(
            order.amount_minor, order.at_s, channel=order.channel, merchants=(hash64(order.merchant_id), *shops),
            cell=parties.cell, liquid=order.liquid_goods,
        )  # fmt: skip
        for kind, thing, add in (
            ("device", parties.device, RiskProfile.with_device),
            ("address", parties.address, RiskProfile.with_address),
            ("instrument", parties.instrument, RiskProfile.with_instrument),
        ):
            if thing is not None:
                pk = self.counter_key(order.subjects[kind], event_id)
                counter = merged[pk] if pk in merged else self.counter(pk).counter()
                others = counter.different("customers", "30d", order.at_s)
                flagged = kind == "device" and parties.device_flagged
                profile = add(profile, _token(thing, order, max(1, others), flagged=flagged))
        return profile


def _token(thing: int, order: SeenOrder, customers: int = 1, *, flagged: bool) -> Token:
    day = order.at_s // DAY_S
    return Token(thing, day, day, customers, flagged)


def wanted_shards(counter: Counter, shards: int) -> int:
    """How many items a counter should be spread over.

    Args:
        counter: Of one of its shards, which sees an equal share of what happens.
        shards: Over how many it is spread now.
    """
    quarters = next(ring for ring in counter.rings if ring.width_s == QUARTER_S)
    fullest = max((count for count, _ in quarters.buckets.values()), default=0)
    return shard_count(-(-fullest * shards * BURST // QUARTER_S))
