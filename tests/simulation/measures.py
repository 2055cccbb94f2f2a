"""How well it went. Pure: orders and cases in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any, Final

from tests.simulation.actors import HONEST

BPS: Final = 10_000


@dataclass
class Played:
    """One order as it went.

    Args:
        scenario: Of its actor.
        attack: Name of the attack, "" for an honest customer.
        at: When it was asked.
        amount_minor: How much.
        answer: "approved", "held", "declined"; "step_up" where nobody could confirm it; "refused" where the line or the
            shop had been stopped before.
        stopped_at: When it was first stopped, by any of these or a suspension; None if never.
        captured_minor: What became debt in the end.
        freed: A person let it go on after it had been stopped.
        stopped_by: The rules and checks that stopped it.
        asked: To confirm it on the phone.
    """

    id: str
    scenario: str
    attack: str
    at: datetime
    amount_minor: int
    answer: str
    stopped_at: datetime | None = None
    captured_minor: int = 0
    freed: bool = False
    stopped_by: frozenset[str] = frozenset()
    asked: bool = False

    @property
    def is_fraud(self) -> bool:
        return self.scenario != HONEST


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A case that a person has decided.

    Args:
        fraud: Whether any of its orders was.
        declined: What the person did.
        reversed_later: Whether it was opened again.
    """

    fraud: bool
    declined: bool
    reversed_later: bool = False


@dataclass
class Diary:
    """All that happened."""

    orders: list[Played] = field(default_factory=list)
    reviewed: list[Reviewed] = field(default_factory=list)
    rules: dict[str, list[bool]] = field(default_factory=dict)
    left_open: int = 0
    credit_refusals: int = 0


def share(part: int, whole: int) -> int | None:
    """In basis points; None of nothing."""
    return part * BPS // whole if whole else None


def summary(diary: Diary) -> dict[str, Any]:
    """Every figure of the run."""
    good = [o for o in diary.orders if not o.is_fraud]
    bad = [o for o in diary.orders if o.is_fraud]
    stopped_good = [o for o in good if o.stopped_at is not None]
    false_positive = share(len(stopped_good), len(good))
    return {
        "orders": {"good": len(good), "fraud": len(bad)},
        "fraud_value_minor": sum(o.amount_minor for o in bad),
        "good_stopped_bps": false_positive,
        "good_declined_for_good_bps": share(sum(1 for o in stopped_good if not o.freed), len(good)),
        "good_asked_to_confirm_bps": share(sum(o.asked for o in good), len(good)),
        "fraud_value_caught_bps": share(_caught(bad), sum(o.amount_minor for o in bad)),
        "fraud_value_lost_bps": share(sum(o.captured_minor for o in bad), sum(o.amount_minor for o in bad)),
        "baseline": baseline(diary.orders, len(stopped_good)),
        "precision_at_capacity_bps": share(sum(r.fraud for r in diary.reviewed), len(diary.reviewed)),
        "cases_decided": len(diary.reviewed),
        "cases_left_open": diary.left_open,
        "credit_refusals": diary.credit_refusals,
        "overturned_bps": share(sum(r.fraud != r.declined for r in diary.reviewed), len(diary.reviewed)),
        "scenarios": {name: scenario(orders) for name, orders in _by_scenario(bad).items()},
        "rules": _rules(diary),
    }


def _caught(orders: Sequence[Played]) -> int:
    """Value that did not become debt because it was stopped."""
    return sum(o.amount_minor - o.captured_minor for o in orders if o.stopped_at is not None)


def baseline(orders: Sequence[Played], allowed: int) -> dict[str, Any]:
    """What stopping every order over one amount catches, the amount set so that it stops as many good orders as we did.

    Args:
        orders: All.
        allowed: Good orders that we stopped.
    """
    good = sorted((o.amount_minor for o in orders if not o.is_fraud), reverse=True)
    bad = [o.amount_minor for o in orders if o.is_fraud]
    over = good[allowed] if allowed < len(good) else 0
    return {
        "stops_over_minor": over,
        "fraud_value_caught_bps": share(sum(amount for amount in bad if amount > over), sum(bad)),
    }


def scenario(orders: Sequence[Played]) -> dict[str, Any]:
    """How soon and at what price one kind of attack was stopped."""
    attacks: dict[str, list[Played]] = {}
    for order in orders:
        attacks.setdefault(order.attack, []).append(order)
    found = [_attack(sorted(each, key=lambda o: o.at)) for each in attacks.values()]
    stopped = [each for each in found if each["after_orders"] is not None]
    return {
        "attacks": len(found),
        "stopped": len(stopped),
        "orders": len(orders),
        "orders_before_first_stop_median": median(each["after_orders"] for each in stopped) if stopped else None,
        "minutes_to_first_stop_median": median(each["minutes"] for each in stopped) if stopped else None,
        "loss_before_first_stop_minor": sum(each["lost_minor"] for each in found),
        "value_caught_bps": share(_caught(orders), sum(o.amount_minor for o in orders)),
    }


def _attack(orders: Sequence[Played]) -> dict[str, Any]:
    first = next((n for n, o in enumerate(orders) if o.stopped_at is not None), None)
    before = orders if first is None else orders[:first]
    lost = sum(o.captured_minor for o in before)
    if first is None:
        return {"after_orders": None, "minutes": None, "lost_minor": lost}
    stopped_at = min(o.stopped_at for o in orders if o.stopped_at is not None)
    minutes = max(0, int((stopped_at - orders[0].at).total_seconds() // 60))
    return {"after_orders": first, "minutes": minutes, "lost_minor": lost}


def _by_scenario(orders: Sequence[Played]) -> dict[str, list[Played]]:
    found: dict[str, list[Played]] = {}
    for order in orders:
        found.setdefault(order.scenario, []).append(order)
    return dict(sorted(found.items()))


def _rules(diary: Diary) -> dict[str, dict[str, Any]]:
    """Per rule: how often it spoke in decided cases and how often of fraud; what it stopped, and what nobody else did.

    `alone` is a rule's marginal value: the fraud that would have got through without it, and the good orders that would
    not have been stopped.
    """
    names = sorted({*diary.rules, *(rule for order in diary.orders for rule in order.stopped_by)})
    return {rule: _rule(rule, diary) for rule in names}


def _rule(rule: str, diary: Diary) -> dict[str, Any]:
    said = diary.rules.get(rule, [])
    stopped = [order for order in diary.orders if rule in order.stopped_by]
    alone = [order for order in stopped if len(order.stopped_by) == 1]
    return {
        "hits": len(said),
        "precision_bps": share(sum(said), len(said)),
        "stopped_fraud_minor": _caught([order for order in stopped if order.is_fraud]),
        "alone_fraud_minor": _caught([order for order in alone if order.is_fraud]),
        "alone_good_orders": sum(not order.is_fraud for order in alone),
    }
