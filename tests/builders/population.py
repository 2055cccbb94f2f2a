"""People with plans and habits on the running platform: some pay on time, some weeks late, some never.

people = settle_in(shop, random.Random(7), 50)
live_on(shop, people, month)          # each pays by habit
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import httpx

from functions.core.clock import parse_instant
from tests.builders.remote import Newcomer, RemoteShop

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin")
ON_TIME, LATE, NEVER = "on_time", "late", "never"
_AT_ONCE = 2
_TRIES = 60
_TOKEN_S = 600
"""Access tokens live a quarter of an hour of wall time."""


class PatientShop(RemoteShop):
    """Asks again, with the same key, where the answer is 503: as the contract has it, and a loaded machine needs it."""

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str | None = None
    ) -> httpx.Response:
        key = key or f"patient-{time.time_ns()}-{id(body)}"
        for _ in range(_TRIES):
            answer = super().call(method, path, body, token=token, key=key)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(answer.headers.get("retry-after", 1)))
        return answer


@dataclass
class Person:
    """Somebody with plans and a habit.

    Args:
        habit: One of the three above.
        paid: (plan, installment) → business time before and after it was paid.
    """

    who: Newcomer
    zone: str
    habit: str
    signed_in_s: float
    plans: list[str] = field(default_factory=list)
    paid: dict[tuple[str, int], tuple[datetime, datetime]] = field(default_factory=dict)


def business_now(shop: RemoteShop) -> datetime:
    """The platform's business time."""
    return parse_instant(shop.clock()["now"])


def settle_in(shop: RemoteShop, chance: Random, count: int) -> list[Person]:
    """People with a line and a plan each."""
    traits = [
        (chance.choice(ZONES), chance.choices([ON_TIME, LATE, NEVER], [6, 3, 1])[0], chance.choice([3, 6, 12]),
         chance.randrange(20_000, 200_000))
        for _ in range(count)
    ]  # fmt: skip

    def arrive(trait: tuple[str, str, int, int]) -> Person:
        zone, habit, term, amount = trait
        person = Person(shop.newcomer(zone=zone), zone, habit, time.monotonic())
        buy(shop, person, amount, term)
        return person

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(arrive, traits))


def buy(shop: RemoteShop, person: Person, amount_minor: int, term: int) -> None:
    """One more plan."""
    _stay_signed_in(shop, person)
    auth = shop.authorize(person.who, amount_minor, term=term)
    path = f"/v1/authorizations/{auth['id']}/captures"
    person.plans.append(str(shop.post(path, {"amount_minor": amount_minor}, token=shop.key)["plan_id"]))


def live_on(shop: RemoteShop, people: Sequence[Person], month: int) -> None:
    """Each pays what is due by habit and looks at the line; what is paid is remembered."""
    before = business_now(shop)

    def month_of(person: Person) -> list[tuple[Person, tuple[str, int]]]:
        return [(person, row) for row in _live_a_month(shop, person, month)]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        paid = [each for of_one in pool.map(month_of, people) for each in of_one]
    after = business_now(shop)
    for person, row in paid:
        person.paid.setdefault(row, (before, after))


def _live_a_month(shop: RemoteShop, person: Person, month: int) -> list[tuple[str, int]]:
    """The installments that are paid now."""
    _stay_signed_in(shop, person)
    pays = person.habit == ON_TIME or (person.habit == LATE and month % 2 == 0)
    plans = [shop.get(f"/v1/me/plans/{plan}", person.who.token) for plan in person.plans] if pays else []
    due = sum(plan["due_minor"] for plan in plans)
    if due:
        body = {"amount_minor": due, "currency": "CNY", "intent": "due"}
        assert shop.post("/v1/me/repayments", body, token=person.who.token)["status"] == "received"
        plans = [shop.get(f"/v1/me/plans/{plan}", person.who.token) for plan in person.plans]
    shop.line(person.who)  # asserts its identity
    return [
        (plan["id"], row["number"])
        for plan in plans
        for row in plan["schedule"]
        if row["paid_minor"] >= row["total_minor"]
    ]


def _stay_signed_in(shop: RemoteShop, person: Person) -> None:
    if time.monotonic() - person.signed_in_s < _TOKEN_S:
        return
    phone = shop.get("/v1/me", person.who.token)["phone"]
    challenge = shop.post("/v1/sign-in/code", {"phone": phone}, token="", status=202)
    body = {"challenge_id": challenge["challenge_id"], "code": "000000"}
    token = shop.post("/v1/sign-in/verify", body, token="", status=200)["access_token"]
    person.who = Newcomer(person.who.id, token, person.who.limit_minor)
    person.signed_in_s = time.monotonic()
