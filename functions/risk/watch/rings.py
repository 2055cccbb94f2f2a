"""The people around a customer: who used the same devices, addresses and instruments, and who used theirs.

A walk from the customer over the links outwards, a few steps and at most so many people far: enough to see a ring, and
to draw it for the person who looks at the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from functions.credit.lines.store import LineItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.risk.measures.links import PUBLIC_FROM, Link
from functions.risk.profile import RiskProfile
from functions.risk.reading import Reading
from functions.risk.store import ProfileItem
from functions.risk.watch.store import KEPT_DAYS, LinkItem

STEPS: Final = 3
MOST_PEOPLE: Final = 60
_BATCH: Final = 100

Thing = tuple[str, int]
"""Kind and 64-bit hash."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a walk has found.

    Args:
        links: Who used what; customers by their lines' names ("line#…"), things as "device:<hash>".
        customer_ids: Line's name to `cus_…`.
        orders: Line's name to the latest orders of two days, by id; of the people whose things were looked at.
    """

    links: tuple[Link, ...]
    customer_ids: dict[str, str]
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)


def line_name(alias: int) -> str:
    """How a line is named as a pivot and in a ring."""
    return keys.line(alias)


def around(start: Sequence[Thing], today: int, reading: Reading | None = None) -> Surroundings:
    """Walk from some things over everyone who used them.

    Args:
        start: The things of an order, or of a customer.
        today: Days since 1970; what was used more than 30 days ago ties no one.
        reading: What was read already.
    """
    reading, orders = reading or Reading(), dict[str, tuple[str, ...]]()
    links: dict[tuple[int, Thing], Link] = {}
    people: dict[int, str] = {}
    seen_things: set[Thing] = set()
    things = list(dict.fromkeys(start))
    for _ in range(STEPS):
        fresh = [thing for thing in things if thing not in seen_things][:_BATCH]
        if not fresh:
            break
        seen_things.update(fresh)
        newcomers: list[int] = []
        for thing, item in _users(fresh, reading):
            users = [user for user in item.all_users() if today - user.last_day < KEPT_DAYS]
            if len(users) >= PUBLIC_FROM:
                continue
            for user in users:
                if user.alias not in people and len(people) < MOST_PEOPLE:
                    people[user.alias] = user.customer_id
                    newcomers.append(user.alias)
                if user.alias in people:
                    links[user.alias, thing] = Link(line_name(user.alias), f"{thing[0]}:{thing[1]:016x}")
        profiles = _profiles(newcomers, reading)
        orders |= {line_name(alias): item.orders_since(0) for alias, item in profiles}
        things = [thing for _, item in profiles for thing in things_of_profile(item.profile(), today)]
    return Surroundings(tuple(links.values()), {line_name(alias): who for alias, who in people.items()}, orders)


def things_of_profile(profile: RiskProfile, today: int) -> list[Thing]:
    """The devices, addresses and instruments that a customer used in 30 days."""
    named = (("device", profile.devices), ("address", profile.addresses), ("instrument", profile.instruments))
    return [(kind, token.hash) for kind, tokens in named for token in tokens if today - token.last_day < KEPT_DAYS]


def owed_by(names: Iterable[str]) -> dict[str, int]:
    """What each of some lines has held and outstanding; minor units."""
    wanted = list(names)[:_BATCH]
    found = container().tables.batch_get([(LineItem, name, keys.SELF) for name in wanted])
    return {item.pk: item.held + item.outstanding for item in found if isinstance(item, LineItem)}


def _users(things: Sequence[Thing], reading: Reading) -> list[tuple[Thing, LinkItem]]:
    found = reading.all((LinkItem, keys.links(*thing)) for thing in things)
    return [(thing, item) for thing, item in zip(things, found, strict=True) if isinstance(item, LinkItem)]


def _profiles(aliases: Sequence[int], reading: Reading) -> list[tuple[int, ProfileItem]]:
    found = reading.all((ProfileItem, keys.profile(alias)) for alias in aliases)
    return [(alias, item) for alias, item in zip(aliases, found, strict=True) if isinstance(item, ProfileItem)]
