"""Learning from the stream, beyond what is counted: into profiles, merchants' days, links and the portfolio's sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from functions.core.ids import id_bytes
from functions.credit.lines.store import LineItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import shard_of
from functions.platform.storage.transactions import WriteSet
from functions.risk.counters import hash64
from functions.risk.measures.links import PUBLIC_FROM
from functions.risk.memory import Memory
from functions.risk.portfolio.contributions import Amount, Key
from functions.risk.portfolio.store import plan_sum
from functions.risk.profile import RiskProfile
from functions.risk.reading import Wanted
from functions.risk.store import ProfileItem
from functions.risk.watch.facts import Fact, FactKind
from functions.risk.watch.lessons import ON_PROFILE, Lesson, Use
from functions.risk.watch.store import DaysItem, LinkItem, User, Watched, plan_watched

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


def wanted_to_learn(pending: Sequence[Lesson]) -> Iterator[Wanted]:
    """What learning reads."""
    for fact in (fact for lesson in pending for fact in lesson.facts):
        if fact.kind in ON_PROFILE:
            yield ProfileItem, keys.profile(fact.alias)
        if fact.kind is FactKind.REPAID:
            yield LineItem, keys.line(fact.alias)
        if fact.merchant_id and fact.kind in _SIGNS:
            yield DaysItem, keys.pattern(fact.merchant_id)
    for use in (lesson.use for lesson in pending if lesson.use):
        yield from ((LinkItem, keys.links(kind, thing)) for kind, thing in use.things)
        yield DaysItem, keys.pattern(use.merchant_id)
        yield LineItem, keys.line(use.alias)
        yield ProfileItem, keys.profile(use.alias)


def learn(memory: Memory, pending: Sequence[Lesson]) -> list[WriteSet]:
    """Take in what records teach; profiles are learned and left to be written.

    Args:
        memory: All that the records touch, as read and counted.
        pending: Their lessons.
    """
    learned = _Learned(memory)
    for lesson in pending:
        for fact in lesson.facts:
            learned.take(fact)
        if lesson.use is not None:
            learned.note(lesson.use)
    return [*map(plan_watched, learned.changed.values()), *_sums(pending)]


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
class _Learned:
    """What lessons change."""

    memory: Memory
    changed: dict[str, Watched] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """A fact into the profile of its customer and the days of its merchant."""
        if fact.kind in ON_PROFILE:
            before = self.memory.profile(fact.alias)
            after = self._after(before, fact)
            if after != before:
                self.memory.learn(fact.alias, after)
        for sign in _SIGNS.get(fact.kind, ()) if fact.merchant_id else ():
            self._add(fact.merchant_id, sign, fact.at_s, fact.amount_minor)

    def note(self, use: Use) -> None:
        """Who used what; where a device has two users, both are customers who share one. And how near the limit."""
        line = self.memory.line(use.alias)
        if line and use.amount_minor * _BPS >= (line.available + use.amount_minor) * NEAR_LIMIT_BPS:
            self._add(use.merchant_id, "near_limit", use.at_s, use.amount_minor)
        for kind, thing in use.things:
            item = self.memory.get(LinkItem, keys.links(kind, thing))
            if item.note(User(use.alias, use.customer_id, use.day)):
                self.changed[item.pk] = item
            users = item.all_users()
            if kind in IDENTITY and len(users) < PUBLIC_FROM:
                self._reused(use.alias, len(users) - 1)
            if kind == "device" and len(users) > 1:
                self._sharing(use, [user.customer_id for user in users])

    def _after(self, profile: RiskProfile, fact: Fact) -> RiskProfile:
        if fact.kind is FactKind.REFUNDED:
            return profile.with_refund(fact.amount_minor, fact.at_s)
        if fact.kind is FactKind.REFUNDED_ELSEWHERE:
            return profile.with_refund_elsewhere(fact.amount_minor, fact.at_s)
        if fact.kind is FactKind.FIRST_MISSED:
            return replace(profile, first_payment_missed=True)
        if fact.kind is FactKind.RAISED:
            return replace(profile, limit_raised_day=max(profile.limit_raised_day, fact.day))
        line = self.memory.line(fact.alias)
        small = line and fact.amount_minor * _BPS <= line.limit * SMALL_BPS
        return profile.with_small_repayment(fact.day) if small else profile

    def _add(self, merchant_id: str, sign: str, at_s: int, amount_minor: int) -> None:
        item = self.memory.get(DaysItem, keys.pattern(merchant_id))
        item.packed = item.days().add(sign, at_s, amount_minor).pack()
        self.changed[item.pk] = item

    def _reused(self, alias: int, others: int) -> None:
        """Parts of this customer's identity are others' too: the most that ever were at once."""
        before = self.memory.profile(alias)
        if others > before.identity_reuse:
            self.memory.learn(alias, replace(before, identity_reuse=others))

    def _sharing(self, use: Use, customers: Sequence[str]) -> None:
        item = self.memory.get(DaysItem, keys.pattern(use.merchant_id))
        before = item.days()
        after = before
        for customer in customers:
            after = after.with_sharing(hash64(id_bytes(customer)), use.at_s)
        if after != before:
            item.packed = after.pack()
            self.changed[item.pk] = item
