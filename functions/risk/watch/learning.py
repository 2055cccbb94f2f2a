"""Learning from the stream: each record once, into profiles, merchants' days, links and the portfolio's sums.

One transaction for as many records as fit: every item they touch, over the version that was read; sums by ADD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from functions.core.ids import id_bytes
from functions.credit.lines.store import LineItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import shard_of
from functions.platform.storage.table import Item
from functions.platform.storage.transactions import WriteSet
from functions.risk.counters import hash64
from functions.risk.each_once import take_in
from functions.risk.measures.links import PUBLIC_FROM
from functions.risk.portfolio.contributions import Amount, Key
from functions.risk.portfolio.store import plan_sum
from functions.risk.profile import RiskProfile
from functions.risk.store import ProfileItem, plan_profile
from functions.risk.watch.facts import Fact, FactKind
from functions.risk.watch.lessons import ON_PROFILE, Lesson, Use
from functions.risk.watch.store import DaysItem, LinkItem, User, Watched, plan_watched

CONSUMER: Final = "watch"
SMALL_BPS: Final = 1_000
"""A repayment of at most a tenth of the line is small: it builds trust and costs little."""

NEAR_LIMIT_BPS: Final = 9_000
"""An order of nine tenths of what was available before it is near the limit."""

IDENTITY: Final = frozenset({"address", "instrument"})
"""Things that are parts of an identity: where someone lives and what they pay with. Documents and phones are unique."""

_BPS: Final = 10_000
_SIGNS: Final = {
    FactKind.CAPTURED: ("captured",),
    FactKind.REFUNDED: ("refunded",),
    FactKind.REFUNDED_ELSEWHERE: ("elsewhere",),
    FactKind.DISPUTED: ("disputed",),
    FactKind.FIRST_PAID: ("first_due",),
    FactKind.FIRST_MISSED: ("first_due", "first_missed"),
}
"""Fact → what it adds to the merchant's days."""


def learn(lessons: Sequence[Lesson]) -> None:
    """Take in what a batch of records teaches, each once, whatever is delivered twice or late.

    Raises:
        UnavailableError: Others kept changing the same items; the batch comes again.
    """
    take_in(CONSUMER, lessons, _writes)


def _writes(pending: Sequence[Lesson]) -> list[WriteSet]:
    """The lessons on a fresh read of all that they touch."""
    memory = _Memory()
    memory.read(pending)
    for lesson in pending:
        for fact in lesson.facts:
            memory.take(fact)
        if lesson.use is not None:
            memory.note(lesson.use)
    return [*memory.writes(), *_sums(pending)]


def _sums(pending: Sequence[Lesson]) -> list[WriteSet]:
    """What the lessons move, one update per sum and shard."""
    moved: dict[tuple[int, Key], Amount] = {}
    for lesson in pending:
        shard = shard_of(lesson.item_id, container().settings.shards)
        for key, (count, total) in lesson.moved.items():
            had = moved.get((shard, key), (0, 0))
            moved[shard, key] = (had[0] + count, had[1] + total)
    return [plan_sum(key, shard, amount) for (shard, key), amount in sorted(moved.items()) if any(amount)]


@dataclass
class _Memory:
    """The items of one transaction, as read and as they will be."""

    items: dict[str, Item] = field(default_factory=dict)
    profiles: dict[int, RiskProfile] = field(default_factory=dict)
    changed: dict[str, Watched] = field(default_factory=dict)

    def read(self, pending: Sequence[Lesson]) -> None:
        """Everything that the lessons may touch, in one request of at most 100 items."""
        wanted: dict[str, type[Item]] = {}
        for fact in (fact for lesson in pending for fact in lesson.facts):
            if fact.kind in ON_PROFILE:
                wanted[keys.profile(fact.alias)] = ProfileItem
            if fact.kind is FactKind.REPAID:
                wanted[keys.line(fact.alias)] = LineItem
            if fact.merchant_id and fact.kind in _SIGNS:
                wanted[keys.pattern(fact.merchant_id)] = DaysItem
        for use in (lesson.use for lesson in pending if lesson.use):
            wanted |= {keys.links(kind, thing): LinkItem for kind, thing in use.things}
            wanted[keys.pattern(use.merchant_id)] = DaysItem
            wanted |= {keys.line(use.alias): LineItem, keys.profile(use.alias): ProfileItem}
        stored = container().tables.batch_get([(model, pk, keys.SELF) for pk, model in wanted.items()], consistent=True)
        for (pk, model), item in zip(wanted.items(), stored, strict=True):
            if item is not None or model is not LineItem:
                self.items[pk] = item if item is not None else model(pk=pk, version=0)

    def take(self, fact: Fact) -> None:
        """A fact into the profile of its customer and the days of its merchant."""
        if fact.kind in ON_PROFILE:
            before = self.profiles.get(fact.alias) or self._profile(fact.alias).profile()
            after = self._after(before, fact)
            if after != before:
                self.profiles[fact.alias] = after
        for sign in _SIGNS.get(fact.kind, ()) if fact.merchant_id else ():
            self._add(fact.merchant_id, sign, fact.at_s, fact.amount_minor)

    def note(self, use: Use) -> None:
        """Who used what; where a device has two users, both are customers who share one. And how near the limit."""
        line = self.items.get(keys.line(use.alias))
        if (
            isinstance(line, LineItem)
            and use.amount_minor * _BPS >= (line.available + use.amount_minor) * NEAR_LIMIT_BPS
        ):
            self._add(use.merchant_id, "near_limit", use.at_s, use.amount_minor)
        for kind, thing in use.things:
            item = self.items[keys.links(kind, thing)]
            assert isinstance(item, LinkItem)
            if item.note(User(use.alias, use.customer_id, use.day)):
                self.changed[item.pk] = item
            users = item.all_users()
            if kind in IDENTITY and len(users) < PUBLIC_FROM:
                self._reused(use.alias, len(users) - 1)
            if kind == "device" and len(users) > 1:
                self._sharing(use, [user.customer_id for user in users])

    def writes(self) -> list[WriteSet]:
        """Every item that is another than it was read."""
        found = [plan_watched(item) for item in self.changed.values()]
        for alias, profile in self.profiles.items():
            item = self._profile(alias)
            seen = item.version
            item.packed, item.version = profile.pack(), seen + 1
            found.append(plan_profile(item, seen or None))
        return found

    def _after(self, profile: RiskProfile, fact: Fact) -> RiskProfile:
        if fact.kind is FactKind.REFUNDED:
            return profile.with_refund(fact.amount_minor, fact.at_s)
        if fact.kind is FactKind.REFUNDED_ELSEWHERE:
            return profile.with_refund_elsewhere(fact.amount_minor, fact.at_s)
        if fact.kind is FactKind.FIRST_MISSED:
            return replace(profile, first_payment_missed=True)
        if fact.kind is FactKind.RAISED:
            return replace(profile, limit_raised_day=max(profile.limit_raised_day, fact.day))
        line = self.items.get(keys.line(fact.alias))
        small = isinstance(line, LineItem) and fact.amount_minor * _BPS <= line.limit * SMALL_BPS
        return profile.with_small_repayment(fact.day) if small else profile

    def _add(self, merchant_id: str, sign: str, at_s: int, amount_minor: int) -> None:
        item = self._days(merchant_id)
        item.packed = item.days().add(sign, at_s, amount_minor).pack()
        self.changed[item.pk] = item

    def _reused(self, alias: int, others: int) -> None:
        """Parts of this customer's identity are others' too: the most that ever were at once."""
        before = self.profiles.get(alias) or self._profile(alias).profile()
        if others > before.identity_reuse:
            self.profiles[alias] = replace(before, identity_reuse=others)

    def _sharing(self, use: Use, customers: Sequence[str]) -> None:
        item = self._days(use.merchant_id)
        before = item.days()
        after = before
        for customer in customers:
            after = after.with_sharing(hash64(id_bytes(customer)), use.at_s)
        if after != before:
            item.packed = after.pack()
            self.changed[item.pk] = item

    def _profile(self, alias: int) -> ProfileItem:
        item = self.items[keys.profile(alias)]
        assert isinstance(item, ProfileItem)
        return item

    def _days(self, merchant_id: str) -> DaysItem:
        item = self.items[keys.pattern(merchant_id)]
        assert isinstance(item, DaysItem)
        return item
