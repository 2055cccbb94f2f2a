"""Rings: customers tied together by the devices, addresses and instruments they share.

Source: union by size with path halving: Tarjan and van Leeuwen, Worst-case analysis of set union algorithms (1984).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PUBLIC_FROM: Final = 25
"""A thing used by so many customers (a dormitory's door, an internet café) says nothing about any two of them."""


@dataclass(frozen=True, slots=True)
class Link:
    """A customer used a thing.

    Args:
        customer: Id or alias.
        thing: Its kind and hash, for example "device:3f…".
    """

    customer: str
    thing: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Customers tied together.

    Args:
        customers: Sorted.
        things: What ties them (each used by two of them or more), sorted.
    """

    customers: tuple[str, ...]
    things: tuple[str, ...]


def rings(links: Iterable[Link], least: int = 2, public_from: int = PUBLIC_FROM) -> tuple[Ring, ...]:
    """The groups of customers that shared things connect, the largest first.

    Args:
        links: In any order; the same link twice is one.
        least: Customers a group needs to be told.
        public_from: Things with so many customers or more connect nobody.
    """
    users: dict[str, set[str]] = {}
    for link in links:
        users.setdefault(link.thing, set()).add(link.customer)
    shared = {thing: sorted(customers) for thing, customers in users.items() if 1 < len(customers) < public_from}
    groups = _Groups()
    for customers in shared.values():
        for other in customers[1:]:
            groups.join(customers[0], other)
    members: dict[str, set[str]] = {}
    ties: dict[str, set[str]] = {}
    for thing, customers in shared.items():
        root = groups.root(customers[0])
        members.setdefault(root, set()).update(customers)
        ties.setdefault(root, set()).add(thing)
    found = [Ring(tuple(sorted(who)), tuple(sorted(ties[root]))) for root, who in members.items() if len(who) >= least]
    return tuple(sorted(found, key=lambda ring: (-len(ring.customers), ring.customers)))


class _Groups:
    """Disjoint sets."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._size: dict[str, int] = {}

    def root(self, one: str) -> str:
        parent = self._parent
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: str, other: str) -> None:
        a, b = self.root(one), self.root(other)
        if a == b:
            return
        if self._size.get(a, 1) < self._size.get(b, 1):
            a, b = b, a
        self._parent[b] = a
        self._size[a] = self._size.get(a, 1) + self._size.get(b, 1)
