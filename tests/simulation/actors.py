"""Who takes part, and what each means to do and when. Pure: a random source in, intents out.

Honest people buy as the data that the models were trained on has it. The usual order is the platform's own
(`USUAL_ORDER_MINOR`); prices of goods bought on credit spread by .5 in their logarithm (.42 to .51 in
loan_applications_train.csv). A month's spending over the limit is there (card_behavior_train.csv, 24,000 accounts):
median 2 %, mean 7 %, one month in twenty over 33 %, one in a hundred over 81 %: so now and then someone spends much of
a line at once, a newcomer often on the very first order, for that is what the line was asked for. Returns, households,
evenings with a second order and serial returners are assumptions, and stand in the table below.

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

from functions.risk.fraud.features import USUAL_ORDER_MINOR

HONEST: Final = "honest"
CATEGORIES: Final = ("electronics", "appliances", "education", "travel")
HONEST_SHOPS: Final = 3

USUAL_MINOR: Final = USUAL_ORDER_MINOR["CNY"]
SPREAD: Final = 0.5
"""Of the logarithm of an amount: between people, and between one person's orders."""

DEAR: Final = 0.03
FIRST_DEAR: Final = 0.1
DEAR_SHARE: Final = (15, 80)
"""How often an order, and a first order, is a dear one, and how much of what is available it takes; percent."""

RETURNED, SERIAL, SERIAL_RETURNED = 0.1, 0.05, 0.5
"""Share of orders sent back whole, share of people who are serial returners, and of their orders sent back."""

COUPLE, LENT = 0.3, 0.15
"""Share of people who live with another customer, at one address, and of their orders made on the other's phone."""

AGAIN, NEW_PHONE, GIFT = 0.08, 0.03, 0.08
"""Of orders: followed by another within the hour; the first from a new phone; sent to someone else."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something someone wants to do.

    Args:
        at: From the first day's midnight, where the shops are.
        who: Name of the actor.
        what: "buy", "pay_off" or "refund_last".
        amount_minor: Of a purchase, or of a refund the share of the last purchase in percent; below 0: so many percent
            of what is available.
        shop: Number of the shop.
        category: Scenario.
        device: Name of the device; "" tells none.
        address: Name of the address.
        instrument: Name of the repayment instrument.
        tampered: The device says that it is an emulator.
        term: Installments wanted.
        owner: The customer whose line it is acts, and can confirm on the own phone.
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
    owner: bool = True


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


@dataclass(frozen=True, slots=True)
class Home:
    """Where an honest customer lives.

    Args:
        address: Name of the address.
        other: Name of the customer who lives there too; "" for none.
    """

    address: str
    other: str = ""


def honest(name: str, days: int, random: Random, home: Home | None = None) -> Actor:
    """Buys what people buy, mostly from the own phone; now and then a gift, a new phone, something dear, a return."""
    home = home or Home(f"{name}-home")
    usual = USUAL_MINOR * math.exp(random.gauss(0, SPREAD))
    device, often = f"{name}-phone", random.uniform(0.08, 0.2)
    returns = SERIAL_RETURNED if random.random() < SERIAL else RETURNED
    intents: list[Intent] = []
    for day in range(days):
        if random.random() >= often:
            continue
        if random.random() < NEW_PHONE:
            device = f"{name}-phone-{day}"
        hours = [random.uniform(8, 22)]
        if random.random() < AGAIN:
            hours.append(hours[0] + random.uniform(0.1, 1))
        for hour in hours:
            dear = random.random() < (DEAR if intents else FIRST_DEAR)
            amount = -_log_uniform(*DEAR_SHARE, random) if dear else round(usual * math.exp(random.gauss(0, SPREAD)))
            lent = home.other and random.random() < LENT
            intents.append(
                Intent(
                    _at(day, hour),
                    name,
                    amount_minor=amount if dear else max(2_000, amount),
                    shop=random.randrange(HONEST_SHOPS),
                    category=random.choice(CATEGORIES),
                    device=f"{home.other}-phone" if lent else device,
                    address=f"friend-{random.randrange(10_000)}" if random.random() < GIFT else home.address,
                    instrument=f"{name}-card",
                    term=random.choice((1, 3, 3, 6)),
                )
            )
        if random.random() < returns:
            intents.append(Intent(_at(day + random.randrange(3, 8), 12), name, "refund_last", amount_minor=100))
    return Actor(name, HONEST, tuple(intents))


def _log_uniform(low: int, high: int, random: Random) -> int:
    return round(math.exp(random.uniform(math.log(low), math.log(high))))


def stolen_account(name: str, days: int, random: Random) -> list[Actor]:
    """A grown account, then someone else's device, a new address, dear goods that sell for cash, as fast as it goes."""
    actor = honest(name, days // 2, random)
    start = _at(days // 2 + random.randrange(max(1, days // 3)), random.uniform(0, 4))
    loot = [
        Intent(
            start + timedelta(minutes=random.uniform(4, 20) * n), name, amount_minor=random.randrange(150_000, 400_000),
            shop=random.randrange(HONEST_SHOPS), device=f"{name}-thief", address=f"{name}-drop",
            instrument=f"{name}-card", tampered=random.random() < 0.5, owner=False,
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
            instrument=f"{name}-card", term=1, owner=False,
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
    """The honest customers, some of them in couples."""
    names, homes = [f"honest-{n}" for n in range(customers)], Random(f"homes {seed}")
    home_of: dict[str, Home] = {}
    for one, other in zip(names[::2], names[1::2], strict=False):
        if homes.random() < COUPLE:
            home_of |= {one: Home(f"{one}-home", other), other: Home(f"{one}-home", one)}
    return [honest(name, days, Random(f"honest {seed} {n}"), home_of.get(name)) for n, name in enumerate(names)]


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
