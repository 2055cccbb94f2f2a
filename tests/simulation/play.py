"""The play itself: days pass, actors act, goods ship, people review, and everything is written down."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from tests.simulation.actors import HONEST, Actor, Intent
from tests.simulation.measures import Diary, Played, Reviewed
from tests.simulation.world import World

REVIEW_HOURS: Final = (9.5, 14.5)
SHIPS_AFTER_HOURS: Final = (2.0, 20.0)
LEAST_ORDER_MINOR: Final = 2_000
LINE_STOPPED: Final = "line_stopped"
SHOP_STOPPED: Final = "shop_stopped"
"""What stops an order of a customer whose line was frozen or cut, and one at a merchant who was suspended."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the play goes.

    Args:
        days: How long.
        capacity: Cases that people can decide in a day.
        accuracy: How often a person sees rightly what an order was.
        seed: Of shipping times and of people's mistakes.
    """

    days: int
    capacity: int = 12
    accuracy: float = 0.97
    seed: int = 7


@dataclass
class Play:
    """One run."""

    world: World
    rules: Rules
    diary: Diary = field(default_factory=Diary)
    _orders: dict[str, Played] = field(default_factory=dict)
    _shop_of: dict[str, int] = field(default_factory=dict)
    _last: dict[str, tuple[int, str, str, int]] = field(default_factory=dict)
    _queue: list[tuple[timedelta, int, str, Any]] = field(default_factory=list)
    _case_reasons: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _ties: Any = field(default_factory=itertools.count)

    def run(self, actors: Sequence[Actor]) -> Diary:
        """Play all of them, day by day."""
        self.random = Random(self.rules.seed)
        self.scenario = {actor.name: actor.scenario for actor in actors}
        for actor in actors:
            for intent in actor.intents:
                self._later(intent.at, "intent", intent)
        for day in range(self.rules.days):
            for hour in REVIEW_HOURS:
                self._later(timedelta(days=day, hours=hour), "review", self.rules.capacity // len(REVIEW_HOURS))
            self._later(timedelta(days=day, hours=23.9), "night", None)
        while self._queue:
            at, _, what, subject = heapq.heappop(self._queue)
            if at >= timedelta(days=self.rules.days):
                continue
            self.world.go_to(at)
            _STEPS[what](self, subject)
        self._look(every=True)
        self.diary.left_open = len(self.world.open_cases())
        for played in self.diary.orders:
            if played.stopped_at is not None and not played.stopped_by:
                played.stopped_by = self._stoppers(played)
        return self.diary

    def _stoppers(self, played: Played) -> frozenset[str]:
        """What stopped an order: rules that asked for what became of it, or all that its case was opened for."""
        if played.answer in _OUTCOMES:
            rules = self.world.decision(played.id)["rules"]
            return frozenset(
                r["rule"] for r in rules if r["said"] == "yes" and r["outcome"] in _OUTCOMES[played.answer]
            )
        return frozenset(reason["rule"] for reason in self._case_reasons[played.id])

    def _later(self, at: timedelta, what: str, subject: Any) -> None:
        heapq.heappush(self._queue, (at, next(self._ties), what, subject))

    def _act(self, intent: Intent) -> None:
        self.world.person(intent.who)
        {"buy": self._buy, "pay_off": self._pay_off, "refund_last": self._refund_last}[intent.what](intent)
        self.world.deliver()
        self._look()

    def _buy(self, intent: Intent) -> None:
        line = self.world.line(intent.who)
        amount = intent.amount_minor
        if amount < 0:
            amount = line["available_minor"] * -amount // 100
        is_cut = line["limit_minor"] < self.world.people[intent.who].limit_minor
        if amount < LEAST_ORDER_MINOR or (amount > line["available_minor"] and not is_cut):
            self.diary.credit_refusals += 1
            return
        if line["status"] != "active" or amount > line["available_minor"]:
            self._refused(intent, amount, LINE_STOPPED)
            return
        device = {"device": {"id": f"{intent.device}-0000", "tampered": intent.tampered}} if intent.device else {}
        instrument = {"instrument": intent.instrument} if intent.instrument else {}
        reply = self.world.authorize(
            intent.who, intent.shop, amount, category=intent.category, term=intent.term,
            pay={**device, **instrument}, ship=intent.address,
        )  # fmt: skip
        assert reply.status == 201, reply.body
        self._write_down(intent, reply.body, amount)

    def _write_down(self, intent: Intent, order: dict[str, Any], amount: int) -> None:
        code = (order["decline"] or {}).get("code")
        if code == "not_available":
            if self.world.is_open(intent.shop):
                self.diary.credit_refusals += 1
            else:
                self._refused(intent, amount, SHOP_STOPPED)
            return
        answer, asked, order_id = order["status"], code == "step_up_required", order["id"]
        if asked:
            answer, order_id = self._answered(intent, order)
        played = self._played(intent, order_id, amount, answer)
        played.asked = asked
        played.stopped_at = None if answer == "approved" else self.world.now
        self._orders[played.id], self._shop_of[played.id] = played, intent.shop
        if answer in {"approved", "held"}:
            at = self.world.now - self.world.began + timedelta(hours=self.random.uniform(*SHIPS_AFTER_HOURS))
            self._later(at, "ship", (intent, played.id))

    def _answered(self, intent: Intent, order: dict[str, Any]) -> tuple[str, str]:
        """What becomes of an order that is to be confirmed, and its id: only the customer has the phone."""
        confirmed = self.world.confirm(intent.who, order["checkout_id"], intent.term) if intent.owner else None
        if confirmed is None:
            return "step_up", order["id"]
        return str(self.world.status(intent.shop, confirmed)["status"]), confirmed

    def _refused(self, intent: Intent, amount: int, why: str) -> None:
        """An order that what was found earlier leaves no way to: the risk control stops it as much as any."""
        played = self._played(intent, f"refused-{next(self._ties)}", amount, "refused")
        played.stopped_at, played.stopped_by = self.world.now, frozenset({why})

    def _played(self, intent: Intent, order_id: str, amount: int, answer: str) -> Played:
        scenario = self.scenario[intent.who]
        attack = "" if scenario == HONEST or not self._is_attack(intent, scenario) else _attack_of(intent.who)
        played = Played(order_id, scenario if attack else HONEST, attack, self.world.now, amount, answer)
        self.diary.orders.append(played)
        return played

    def _is_attack(self, intent: Intent, scenario: str) -> bool:
        """A stolen account's owner is honest until the thief comes; a bust-out's small purchases are part of it."""
        return scenario != "stolen_account" or intent.device.endswith("-thief")

    def _ship(self, subject: tuple[Intent, str]) -> None:
        intent, order_id = subject
        played = self._orders[order_id]
        reply = self.world.capture(intent.shop, order_id, played.amount_minor)
        if reply.status == 201:
            played.captured_minor = played.amount_minor
            self._last[intent.who] = (intent.shop, reply["id"], reply["plan_id"], played.amount_minor)
        else:
            assert reply["code"] in {"authorization_suspended", "authorization_state"}, reply.body
            status = self.world.status(intent.shop, order_id)
            if status["status"] in {"approved", "held"}:
                at = self.world.now - self.world.began + timedelta(hours=6)
                self._later(at, "ship", subject)
        self.world.deliver()
        self._look()

    def _pay_off(self, intent: Intent) -> None:
        if intent.who in self._last:
            assert self.world.pay_off(intent.who, self._last[intent.who][2]).status in {200, 201}

    def _refund_last(self, intent: Intent) -> None:
        if intent.who in self._last:
            shop, capture, _, amount = self._last.pop(intent.who)
            reply = self.world.refund(shop, capture, amount * intent.amount_minor // 100)
            assert reply.status == 201, reply.body

    def _night(self, _: None) -> None:
        self.world.sweep()
        self._look(every=True)

    def _look(self, *, every: bool = False) -> None:
        """Note what the stream has stopped since."""
        recent = self.diary.orders if every else self.diary.orders[-20:]
        ids = [o.id for o in recent if o.stopped_at is None and not o.captured_minor and o.id in self._orders]
        for played in (self._orders[i] for i in ids):
            if suspended := self.world.status(self._shop_of[played.id], played.id)["suspension"]:
                played.stopped_at = self.world.now
                self._case_reasons[played.id] = self.world.case(suspended["case_id"])["reasons"]

    def _review(self, most: int) -> None:
        """People decide the most urgent cases, nearly always rightly."""
        for case in self.world.open_cases()[:most]:
            fraud = self._case_is_fraud(case)
            seen = fraud if self.random.random() < self.rules.accuracy else not fraud
            self.world.decide(case, fraud=seen)
            self.diary.reviewed.append(Reviewed(fraud, declined=seen))
            for order_id in case["authorization_ids"]:
                if not seen and order_id in self._orders:
                    self._orders[order_id].freed = True
            for reason in case["reasons"]:
                self.diary.rules.setdefault(reason["rule"], []).append(fraud)
        self.world.deliver()

    def _case_is_fraud(self, case: dict[str, Any]) -> bool:
        """Its orders tell; a merchant or a line without orders is what most of its customers are."""
        orders = [self._orders[i] for i in case["authorization_ids"] if i in self._orders]
        if orders:
            return any(order.is_fraud for order in orders)
        if case["about"] == "merchant":
            shop = next(n for n, (merchant, _) in enumerate(self.world.shops) if merchant == case["merchant_id"])
            there = [order for order in self._orders.values() if self._shop_of[order.id] == shop]
            return 2 * sum(o.is_fraud for o in there) > len(there)
        who = next(name for name, person in self.world.people.items() if person.id == case["customer_id"])
        return self.scenario[who] != HONEST


def _attack_of(name: str) -> str:
    """The attack that an actor belongs to: mule_ring-0-3 is one of the ring mule_ring-0."""
    scenario, _, rest = name.partition("-")
    return f"{scenario}-{rest.partition('-')[0]}"


_OUTCOMES: Final[dict[str, frozenset[str]]] = {
    "step_up": frozenset({"step_up"}),
    "held": frozenset({"hold", "decline"}),
    "declined": frozenset({"hold", "decline"}),
}
"""What became of an order at once → what the rules that did it asked for."""

_STEPS: Final = {
    "intent": Play._act,
    "ship": Play._ship,
    "review": Play._review,
    "night": Play._night,
}
