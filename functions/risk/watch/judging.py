"""Suspicions of one record: the stream rules and the checks, on facts as they stand after the record was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from functions.credit.lines.store import LineItem
from functions.merchants.service import get_merchant
from functions.payments.parties import Parties
from functions.payments.scenario import SCENARIOS
from functions.payments.store import AuthorizationItem
from functions.platform.storage import keys
from functions.risk.casework.cases import SEVERITIES
from functions.risk.counters import DAY_S, Counter
from functions.risk.counting.observing import seen_order
from functions.risk.counting.store import CounterItem
from functions.risk.measures.links import Ring, rings
from functions.risk.measures.places import Sighting
from functions.risk.profile import RiskProfile
from functions.risk.reading import Reading, Wanted
from functions.risk.rule_life.lifecycle import canary_bucket
from functions.risk.rule_life.live import live
from functions.risk.ruling.ruleset import Fired
from functions.risk.store import ProfileItem
from functions.risk.watch import checks
from functions.risk.watch.checks import Suspicion
from functions.risk.watch.facts import Fact, FactKind
from functions.risk.watch.lessons import things_of
from functions.risk.watch.pattern import MerchantDays, pattern_of
from functions.risk.watch.rings import Surroundings, around, line_name, owed_by, things_of_profile
from functions.risk.watch.store import DaysItem, LinkItem

_MONTH_S: Final = 30 * DAY_S
_RING_FROM: Final = 2
MOST_LINKED: Final = 60
"""Orders of a ring that are looked at when one of its people is suspected."""

_OF_OTHERS: Final = ("device_customers", "address_customers", "instrument_customers", "ring_")
"""Signals that speak of what several customers do with the same thing."""

_HABIT: Final = frozenset({FactKind.REFUNDED, FactKind.REFUNDED_ELSEWHERE})
_IDENTITY: Final = frozenset({FactKind.FIRST_MISSED})
_MERCHANT: Final = _HABIT | {FactKind.DISPUTED, FactKind.FIRST_MISSED}
"""Facts after which the customer's habit, the customer's identity, the merchant's pattern is looked at."""


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a new order after it was counted and learned.

    Args:
        profile: Of the customer.
        pattern: The merchant's 30 days.
        near: Who uses the same things.
        ring: That the customer is in, if anyone shares anything.
        owed: What the ring's people owe, by line.
        recent: The line's other orders of a day, by id.
    """

    profile: RiskProfile
    pattern: checks.MerchantPattern
    near: Surroundings
    ring: Ring | None
    owed: Mapping[str, int]
    recent: tuple[str, ...] = ()


def needed_for(order: AuthorizationItem) -> list[Wanted]:
    """All that judging a new order reads of those who take part: one request."""
    alias, subjects = order.alias or 0, seen_order(order).subjects
    return [
        (LineItem, keys.line(alias)),
        (ProfileItem, keys.profile(alias)),
        (DaysItem, keys.pattern(order.merchant_id)),
        *((CounterItem, keys.counter(subject)) for subject in subjects.values()),
        *((LinkItem, keys.links(*thing)) for thing in things_of(order)),
    ]


def context_of(
    order: AuthorizationItem, line: LineItem, counters: Mapping[str, Counter], reading: Reading | None = None
) -> Context:
    """Read it.

    Args:
        order: Counted and learned already.
        line: As it is now.
        counters: Of its device, address, instrument and merchant.
        reading: What was read already.
    """
    reading, at_s = reading or Reading(), order.created_at_ms // 1000
    days = _days(order.merchant_id, reading)
    pattern = pattern_of(order.merchant_id, days, counters.get("merchant"), at_s)
    near = around(things_of(order), at_s // DAY_S, reading)
    ring, owed = _ring_of(line_name(line.alias), near)
    own = reading.one(ProfileItem, keys.profile(line.alias))
    recent = own.orders_since(at_s - DAY_S) if isinstance(own, ProfileItem) else ()
    others = tuple(each for each in recent if each != order.pk)
    return Context(_profile(line.alias, reading), pattern, near, ring, owed, others)


def signals_of_order(order: AuthorizationItem, facts: Mapping[str, Any], around: Context) -> dict[str, Any]:
    """All that the stream's rules may read of a new order.

    Args:
        order: As above.
        facts: The decision's snapshot with the counters (`stream_service.stream_facts`).
        around: What stands around it.
    """
    at_s = order.created_at_ms // 1000
    merchant = _merchant_signals(order.merchant_id, around.pattern, at_s)
    return {**facts, **merchant, **_ring_signals(around.ring, around.owed), **_liquid(around.profile, at_s)}


def suspicions_of_order(
    order: AuthorizationItem, line: LineItem, facts: Mapping[str, Any], counters: Mapping[str, Counter], around: Context
) -> list[Suspicion]:
    """What a new order brings up.

    Args:
        order: Counted and learned already.
        line: As it is now.
        facts: Signals of the stream, as the rules take them.
        counters: Of its device, address, instrument and merchant.
        around: What stands around it.
    """
    at_s, name = order.created_at_ms // 1000, line_name(line.alias)
    profile = around.profile
    found = list(_of_rules(signals_of_order(order, facts, around), name, order.merchant_id, order.amount))
    history = checks.AccountHistory(
        name,
        checks.Purchase(at_s, order.amount, SCENARIOS[order.category].liquid_goods),
        _usual(profile, order.amount),
        profile.small_repayments,
        profile.limit_raised_day,
        line.limit,
        line.held + line.outstanding,
    )
    found += _present(checks.bust_out(history), checks.colluding_merchant(around.pattern))
    found += checks.velocity({kind: counter for kind, counter in counters.items() if kind != "merchant"}, name, at_s)
    cell = Parties.unpack(order.parties).cell
    if cell is not None:
        here = Sighting(at_s, cell)
        found += _present(checks.impossible_travel(name, here, profile.sightings, order.amount))
    found += checks.link_rings(around.near.links, around.owed) if around.ring else []
    return [_about(suspicion, name) for suspicion in found]


def linked_orders(line: LineItem, around: Context, reading: Reading) -> list[AuthorizationItem]:
    """Orders of two days that the other people of the ring made with what ties it, whatever became of them.

    Args:
        line: Of the customer who is suspected.
        around: What stands around the order that brought it up.
        reading: What was read already.
    """
    if around.ring is None:
        return []
    ties, own = set(around.ring.things), line_name(line.alias)
    ids = [each for name in around.ring.customers if name != own for each in around.near.orders.get(name, ())]
    found = reading.all((AuthorizationItem, each) for each in ids[:MOST_LINKED])
    orders = [item for item in found if isinstance(item, AuthorizationItem)]
    return [item for item in orders if any(f"{kind}:{thing:016x}" in ties for kind, thing in things_of(item))]


def linked(order: AuthorizationItem, found: Sequence[Suspicion]) -> Suspicion:
    """What a suspicion of one customer is to another who uses the same things, for the order made with them."""
    kinds = ", ".join(sorted({suspicion.kind for suspicion in found if suspicion.shared}))
    worst = max((s.severity for s in found if s.shared), key=SEVERITIES.index)
    name = line_name(order.alias or 0)
    return Suspicion(
        "linked_order", name, (name,), worst, (f"made with a device, address or instrument of others in {kinds}",),
        ("alert", "suspend", "open_case"), order.amount,
        "Made with the things of a group that is suspected",
    )  # fmt: skip


def suspicions_of_facts(facts: Sequence[Fact], line: LineItem | None, counter: Counter | None) -> list[Suspicion]:
    """What a change of a plan brings up.

    Args:
        facts: Of one record, learned already.
        line: Of the customer.
        counter: Of the merchant's orders.
    """
    kinds = {fact.kind for fact in facts}
    if not facts or not kinds & (_HABIT | _IDENTITY | _MERCHANT):
        return []
    last = facts[-1]
    at_s, name, owed = last.at_s, line_name(last.alias), line.held + line.outstanding if line else 0
    reading = Reading()
    profile, days = _profile(last.alias, reading), _days(last.merchant_id, reading)
    pattern = pattern_of(last.merchant_id, days, counter, at_s)
    found: list[Suspicion] = []
    if kinds & _HABIT:
        found += _present(checks.refund_abuse(habit_of(name, profile, at_s)))
    if kinds & _IDENTITY:
        near = around(things_of_profile(profile, last.day), at_s // DAY_S, reading)
        reused = {part: others for part, others in _reused(near, name).items() if others}
        identity = checks.IdentityUse(name, reused, profile.first_payment_missed, owed)
        found += _present(checks.synthetic_identity(identity))
    signals = {**_profile_signals(profile), **_merchant_signals(last.merchant_id, pattern, at_s)}
    found += _of_rules(signals, name, last.merchant_id, max(fact.amount_minor for fact in facts))
    found += _present(checks.colluding_merchant(pattern))
    return found


def habit_of(name: str, profile: RiskProfile, at_s: int) -> checks.RefundHabit:
    """A customer's 30 days of refunds, as the check takes them."""
    refunds, refunded = profile.refunds.total(_MONTH_S, at_s)
    elsewhere, _ = profile.refunds_elsewhere.total(_MONTH_S, at_s)
    return checks.RefundHabit(name, profile.days.total(_MONTH_S, at_s)[1], refunded, refunds, elsewhere)


def _of_rules(signals: Mapping[str, Any], line: str, merchant: str, amount_minor: int) -> Iterator[Suspicion]:
    """The stream rules that fired; a rule that reads only what merchants do is about the merchant."""
    for fired in live().stream.evaluate(signals, canary_bucket(line)).fired:
        actions = tuple(action.kind for action in fired.rule.actions)
        pivot = merchant if all(signal.startswith("merchant_") for signal in fired.rule.signals) else line
        shared = any(signal.startswith(_OF_OTHERS) for signal in fired.rule.signals)
        yield Suspicion(
            fired.rule.id, pivot, (pivot,), _severity(fired), fired.why, actions, amount_minor, fired.rule.title, shared
        )


def _severity(fired: Fired) -> str:
    said = [action.severity for action in fired.rule.actions if action.severity]
    return max(said, key=SEVERITIES.index, default="medium")


def _about(suspicion: Suspicion, line: str) -> Suspicion:
    """A ring's suspicion is the case of the customer who has just shown it."""
    return replace(suspicion, pivot=line) if suspicion.kind == "link_ring" else suspicion


def _usual(profile: RiskProfile, amount_minor: int) -> int:
    """Mean of the purchases before this one, which the profile has counted already; 0 if it was the first."""
    earlier = profile.history.count - 1
    return (profile.history.total_minor - amount_minor) // earlier if earlier > 0 else 0


def _ring_of(name: str, near: Surroundings) -> tuple[Ring | None, Mapping[str, int]]:
    """The ring that a line is in, if anyone shares anything with it, and what its people owe."""
    if len(near.customer_ids) < _RING_FROM:
        return None, {}
    ring = next((r for r in rings(near.links) if name in r.customers), None)
    return ring, owed_by(ring.customers) if ring else {}


def _ring_signals(ring: Ring | None, owed: Mapping[str, int]) -> dict[str, int]:
    return {"ring_size": len(ring.customers), "ring_outstanding": sum(owed.values())} if ring else {}


def _reused(near: Surroundings, name: str) -> dict[str, int]:
    """Kind of thing to how many others use the same one as this customer does, of the most shared of that kind."""
    users: dict[str, set[str]] = {}
    for link in near.links:
        users.setdefault(link.thing, set()).add(link.customer)
    shared: dict[str, int] = {}
    for thing, who in users.items():
        if name in who:
            kind = thing.partition(":")[0]
            shared[kind] = max(shared.get(kind, 0), len(who) - 1)
    return shared


def _merchant_signals(merchant_id: str, pattern: checks.MerchantPattern, at_s: int) -> dict[str, int]:
    """Its 30 days, and since when it is there; unknown for a merchant of before that was noted."""
    signals, live_at = checks.merchant_signals(pattern), get_merchant(merchant_id).live_at
    return signals if live_at is None else signals | {"merchant_tenure": max(0, at_s - int(live_at.timestamp()))}


def _liquid(profile: RiskProfile, at_s: int) -> dict[str, int]:
    bought, liquid = profile.days.total(_MONTH_S, at_s)[1], profile.liquid.total(_MONTH_S, at_s)[1]
    return {"liquid_share_bps_30d": liquid * checks.BPS // bought} if bought > 0 else {}


def _profile_signals(profile: RiskProfile) -> dict[str, Any]:
    return {"first_payment_missed": profile.first_payment_missed, "identity_reuse": profile.identity_reuse}


def _profile(alias: int, reading: Reading) -> RiskProfile:
    found = reading.one(ProfileItem, keys.profile(alias))
    return found.profile() if isinstance(found, ProfileItem) else RiskProfile()


def _days(merchant_id: str, reading: Reading) -> MerchantDays:
    found = reading.one(DaysItem, keys.pattern(merchant_id))
    return found.days() if isinstance(found, DaysItem) else MerchantDays()


def _present(*found: Suspicion | None) -> list[Suspicion]:
    return [suspicion for suspicion in found if suspicion is not None]
