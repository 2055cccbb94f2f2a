"""The platform is killed while reminders are going out, twice, and started again: each message once, and all of them.

A kill takes back what was done since the last snapshot, two seconds at most: table, queues and the channel's log
together. What is then done again must not have been done already. `make campaign` runs it: it starts a platform of its
own three times.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.core.clock import parse_instant
from infra.local import Running
from infra.platform_local import free_port
from infra.seed import seed
from tests.builders.remote import RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

STEPS = ("T-7", "T-3", "T-1", "T", "T+1", "T+3", "T+7")
PEOPLE, DAYS = 4, 45
PATIENCE_S = 300


@contextmanager
def started(port: int, state: Path) -> Iterator[tuple[Running, RemoteShop]]:
    eventually("the port of the one before is free", lambda: free_port(port) == port)
    running = Running(port, state, seed=seed)
    try:
        ready = running.ready
        yield running, RemoteShop(RunningPlatform(ready["base_url"], ready["aws_endpoint"], ready))
    finally:
        running.stop()


def sent(shop: RemoteShop) -> Counter[tuple[str, int, str]]:
    """How often the sandbox channel took each reminder: plan, installment, step."""
    pages = shop.platform.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=shop.platform.ready["outputs"]["TableName"], ConsistentRead=True)
    items = {item["pk"]["S"]: item for page in found for item in page["Items"]}
    out: Counter[tuple[str, int, str]] = Counter()
    for pk in items:
        message = items.get(pk.removeprefix("sent#")) if pk.startswith("sent#") else None
        if message is not None and message["ab"]["S"].startswith("plan_"):
            out[message["ab"]["S"], int(message["n"]["N"]), message["st"]["S"].partition(" ")[0]] += 1
    return out


def until_sent(shop: RemoteShop, least: int) -> None:
    """Wait until so many reminders are out and more are under way."""
    ends_at = time.monotonic() + PATIENCE_S
    while sum(sent(shop).values()) < least:
        assert shop.clock()["status"] == "advancing"
        assert time.monotonic() < ends_at, "no reminder went out"


def until_idle(shop: RemoteShop) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while shop.clock()["status"] != "idle":
        assert time.monotonic() < ends_at, "the clock did not arrive"
        time.sleep(0.5)


def test_a_platform_killed_in_the_middle_of_a_sweep_finishes_it_and_sends_each_reminder_once(tmp_path: Path) -> None:
    port = free_port()
    with started(port, tmp_path) as (running, shop):
        plans: dict[str, list[dict[str, Any]]] = {}
        for _ in range(PEOPLE):
            who = shop.newcomer()
            auth = shop.authorize(who, 90_000, term=3)
            path = f"/v1/authorizations/{auth['id']}/captures"
            bought = shop.post(path, {"amount_minor": 90_000}, token=shop.key)
            plans[bought["plan_id"]] = bought["schedule"]
            eventually("the plan in the list", lambda who=who: shop.get("/v1/me/plans", who.token)["data"])
        target = parse_instant(shop.clock()["now"]) + timedelta(days=DAYS)
        shop.send_clock(target)
        until_sent(shop, PEOPLE // 2)
        running.platform.kill()
    with started(port, tmp_path) as (running, shop):
        until_sent(shop, 2 * PEOPLE + 1)
        running.platform.kill()
    with started(port, tmp_path) as (_running, shop):
        until_idle(shop)
        assert parse_instant(shop.clock()["now"]) >= target
        out = sent(shop)
        assert set(out.values()) == {1}
        assert out.keys() == expected(plans, target.date())
        balance = shop.get("/v1/ledger/trial-balance", shop.staff("auditor"))
        assert all(currency["difference_minor"] == 0 for currency in balance["currencies"])


def expected(plans: dict[str, list[dict[str, Any]]], until: date) -> set[tuple[str, int, str]]:
    """Every step of every installment whose day came; nobody pays, so none loses its reason."""
    return {
        (plan, row["number"], step)
        for plan, schedule in plans.items()
        for row in schedule
        for step in STEPS
        if date.fromisoformat(row["due_on"]) + timedelta(days=int(step[1:] or 0)) < until
    }
