"""Who takes part, and what each means to do and when. Pure: a random source in, intents out.

An attacker's intents are drawn from a seed that the hash of the rules in force is part of: the rules are frozen before
any attack is drawn, and a changed rule meets other attacks.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

HONEST: Final = "honest"
CATEGORIES: Final = ("electronics", "appliances", "education", "travel")
HONEST_SHOPS: Final = 3


@dataclass(frozen=True, slots=True)
class Intent:
    """Something someone wants to do.

    Args:
        at: From the first day's midnight.
        who: Name of the actor.
        what: "buy", "pay_off" or "refund_last".
        amount_minor: Of a purchase, or share of the last one in percent for a refund; -1: all that is available.
        shop: Number of the shop.
        category: Scenario.
        device: Name of the device; "" tells none.
        address: Name of the address.
        instrument: Name of the repayment instrument.
        tampered: The device says that it is an emulator.
        term: Installments wanted.
    """

    at: timedelta
    who: str
    what: str = "buy"
    amount_minor: int = 0
    shop: int = 0
    category: str = "electronics"
    device: str = ""
    address: str = ""
    instrument: str = ""
    tampered: bool = False
    term: int = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """One customer.

    Args:
        name: Unique.
        scenario: "honest" or the fraud that is played.
        intents: In order of time.
    """

    name: str
    scenario: str
    intents: Sequence[Intent] = field(default_factory=tuple)


def honest(name: str, days: int, random: Random) -> Actor:
    """Buys now and then what is usual for them, from the own phone; sometimes a gift, a new phone, a sofa."""
    usual = round(math.exp(random.gauss(10.3, 0.5)))  # about 300.00
    device, often = f"{name}-phone", random.uniform(0.08, 0.2)
    intents = []
    for day in range(days):
        if random.random() >= often:
            continue
        if random.random() < 0.03:
            device = f"{name}-phone-{day}"
        gift, dear = random.random() < 0.08, random.random() < 0.03
        amount = round(usual * math.exp(random.gauss(0, 0.35)) * (4 if dear else 1))
        intents.append(
            Intent(
                _at(day, random.uniform(8, 22)),
                name,
                amount_minor=max(2_000, amount),
                shop=random.randrange(HONEST_SHOPS),
                category=random.choice(CATEGORIES),
                device=device,
                address=f"friend-{random.randrange(10_000)}" if gift else f"{name}-home",
                instrument=f"{name}-card",
                term=random.choice((1, 3, 3, 6)),
            )
        )
    return Actor(name, HONEST, tuple(intents))


def stolen_account(name: str, days: int, random: Random) -> list[Actor]:
    """A grown account, then someone else's device, a new address, dear goods that sell for cash, as fast as it goes."""
    actor = honest(name, days // 2, random)
    start = _at(days // 2 + random.randrange(max(1, days // 3)), random.uniform(0, 4))
    loot = [
        Intent(
            start + timedelta(minutes=random.uniform(4, 20) * n), name, amount_minor=random.randrange(150_000, 400_000),
            shop=random.randrange(HONEST_SHOPS), device=f"{name}-thief", address=f"{name}-drop",
            instrument=f"{name}-card", tampered=random.random() < 0.5,
        )
        for n in range(6)
    ]  # fmt: skip
    return [Actor(name, "stolen_account", (*actor.intents, *loot))]


def bust_out(name: str, days: int, random: Random) -> list[Actor]:
    """Small purchases, paid back at once; then the whole line in goods that sell for cash."""
    intents = []
    for n in range(3):
        at = _at(2 + 3 * n, random.uniform(10, 18))
        common = {"device": f"{name}-phone", "address": f"{name}-home", "instrument": f"{name}-card"}
        intents.append(Intent(at, name, amount_minor=random.randrange(6_000, 12_000), term=1, **common))
        intents.append(Intent(at + timedelta(days=1), name, "pay_off"))
    day = days // 2 + random.randrange(max(1, days // 3))
    for n in range(2):
        share = -90 if n == 0 else -100
        intents.append(Intent(_at(day, 11 + n), name, amount_minor=share, shop=n, term=6, **common))
    return [Actor(name, "bust_out", tuple(intents))]


def mule_ring(name: str, days: int, random: Random) -> list[Actor]:
    """New customers who share one phone and one door, and each take what they can get."""
    start = random.randrange(days // 3, max(days // 3 + 1, 2 * days // 3))
    return [
        Actor(
            f"{name}-{n}",
            "mule_ring",
            tuple(
                Intent(
                    _at(start + n // 3, 9 + n + 2 * k), f"{name}-{n}", amount_minor=-45,
                    shop=random.randrange(HONEST_SHOPS), device=f"{name}-shared-phone",
                    address=f"{name}-shared-door", instrument=f"{name}-card-{n // 3}", term=6,
                )
                for k in range(2)
            ),
        )
        for n in range(6)
    ]  # fmt: skip


def collusion(name: str, days: int, random: Random) -> list[Actor]:
    """Few customers turn their lines into cash at one shop: round amounts, near the limit, from two phones."""
    shop = HONEST_SHOPS
    people = [f"{name}-{n}" for n in range(5)]
    intents: dict[str, list[Intent]] = {who: [] for who in people}
    for n in range(26):
        who = people[n % len(people)]
        amount = random.choice((50_000, 60_000, 80_000, 100_000))
        intents[who].append(
            Intent(
                _at(3 + n * (days - 6) // 26, random.uniform(10, 20)), who, amount_minor=amount, shop=shop,
                device=f"{name}-till-{n % 2}", address="", instrument=f"{who}-card",
            )
        )  # fmt: skip
    return [Actor(who, "collusion", tuple(found)) for who, found in intents.items()]


def card_testing(name: str, days: int, random: Random) -> list[Actor]:
    """Many small orders within minutes, to see what passes."""
    day = random.randrange(days // 2, max(days // 2 + 1, days - 1))
    rush = [
        Intent(
            _at(day, 3) + timedelta(seconds=40 * n), name, amount_minor=random.randrange(2_000, 6_000),
            shop=random.randrange(HONEST_SHOPS), device=f"{name}-bot", address=f"{name}-home",
            instrument=f"{name}-card", term=1,
        )
        for n in range(14)
    ]  # fmt: skip
    return [Actor(name, "card_testing", tuple(rush))]


def refund_abuse(name: str, days: int, random: Random) -> list[Actor]:
    """Buys in order to send back: the goods are used for a week, the plan is not paid."""
    intents = []
    for n in range(6):
        at = _at(1 + n * (days - 4) // 6, random.uniform(10, 18))
        common = {"device": f"{name}-phone", "address": f"{name}-home", "instrument": f"{name}-card"}
        intents.append(Intent(at, name, amount_minor=random.randrange(40_000, 90_000), **common))
        intents.append(Intent(at + timedelta(days=2), name, "refund_last", amount_minor=95))
    return [Actor(name, "refund_abuse", tuple(intents))]


SCENARIOS: Final[dict[str, Callable[[str, int, Random], list[Actor]]]] = {
    "stolen_account": stolen_account,
    "bust_out": bust_out,
    "mule_ring": mule_ring,
    "collusion": collusion,
    "card_testing": card_testing,
    "refund_abuse": refund_abuse,
}
"""Fraud by name → the actors of one attack."""


def population(customers: int, days: int, seed: int) -> list[Actor]:
    """The honest customers."""
    return [honest(f"honest-{n}", days, Random(f"honest {seed} {n}")) for n in range(customers)]


def attacks(names: Sequence[str], times: int, days: int, seed: int, rules_hash: str) -> list[Actor]:
    """The attackers, drawn after the rules were frozen.

    Args:
        names: Of `SCENARIOS`.
        times: Attacks of each.
        days: Of the play.
        seed: Of this run.
        rules_hash: Of all rules in force.
    """
    return [actor for n in range(times) for name in names for actor in _attack(name, n, days, seed, rules_hash)]


def _attack(name: str, number: int, days: int, seed: int, rules_hash: str) -> Iterator[Actor]:
    drawn = hashlib.sha256(f"{rules_hash} {seed} {name} {number}".encode()).hexdigest()
    yield from SCENARIOS[name](f"{name}-{number}", days, Random(drawn))


def _at(day: int, hour: float) -> timedelta:
    return timedelta(days=day, hours=hour)
