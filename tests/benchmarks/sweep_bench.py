"""Row 11: the due-date sweep over a hundred thousand and a million plans: real worker code, requests counted.

A day of 24 sweeps. One plan in five hundred is owed a reminder that day, evenly over its hours; all others wait in
later ones. What must hold: plans that are owed nothing cost no more than a read request per thousand, a plan that is
owed something costs one write request, the time per such plan does not grow with the number of plans, nor does memory.
"""

from __future__ import annotations

import contextlib
import os
import time
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from functions.platform.container import container
from functions.platform.storage.action_index import hour_key, hour_of
from functions.servicing.sweep import do_page, sweep
from tests.builders.plan_store import PlanStore, SimulatedTables
from tests.builders.platform import Platform, platform
from tests.builders.servicing import a_debtor, stored_plan

FEW, MANY = 100_000, 1_000_000
SHARDS = 64
HOURS = 24
MEMORY_HOURS = 4
ONE_DUE_IN = 500
LINEAR, FLAT = 1.25, 1.25


class _Queue:
    """Hands every page to the worker at once."""

    def send(self, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            do_page(body)


def measure() -> list[dict[str, Any]]:
    """The rows."""
    with platform(shards=SHARDS) as built, _quiet():
        owner = a_debtor(built, zone="UTC")
        item = stored_plan(built, owner, zone="UTC", count=12, amount_minor=120_000)
        first = hour_of(item.hour or "")
        built.clock.at = first
        raw = next(each for each in built.items() if each["pk"]["S"] == item.pk)
        container().__dict__["queue"] = lambda _url: _Queue()
        _day(built, raw, first, FEW)  # warm
        few, many = _day(built, raw, first, FEW), _day(built, raw, first, MANY)
        small, large = _memory(built, raw, first, FEW), _memory(built, raw, first, MANY)
    return [
        _row("read requests per 1,000 idle plans and sweep", many["idle_reads"], None, "requests", 1.0),
        _row("write requests per action hour due", many["writes"], None, "requests", 1.0),
        _row("time per due plan, 10⁶ plans vs 10⁵", many["ms"], few["ms"], "ms", LINEAR),
        _row("peak memory of a sweep, 10⁶ plans vs 10⁵", large, small, "kB", FLAT),
    ]


def _row(name: str, ours: float, peer: float | None, unit: str, most: float) -> dict[str, Any]:
    ratio = ours if peer is None else ours / peer
    return {
        "id": 11, "name": f"sweep: {name}", "ours": round(ours, 3), "peer": peer and round(peer, 3), "unit": unit,
        "ratio": round(ratio, 3), "reach": f"≤ {most}", "ok": ratio <= most,
    }  # fmt: skip


def _store(raw: Any, first: datetime, plans: int, due: int, *, deferred: bool = False) -> PlanStore:
    """A day's hours with so many due in each, and a month of hours with the rest."""
    idle = plans - due * HOURS
    later = [hour_key(first + timedelta(hours=hour)) for hour in range(HOURS, HOURS * 31)]
    hours = {hour_key(first + timedelta(hours=hour)): due for hour in range(HOURS)}
    return PlanStore(raw, SHARDS, hours | {hour: idle // len(later) for hour in later}, deferred)


def _day(built: Platform, raw: Any, first: datetime, plans: int) -> dict[str, float]:
    store = _store(raw, first, plans, plans // ONE_DUE_IN // HOURS)
    container().tables = SimulatedTables(store)
    began = time.process_time()
    for hour in range(HOURS):
        built.clock.at = first + timedelta(hours=hour)
        sweep(built.clock.now())
    took = time.process_time() - began
    due = sum(list(store.due.values())[:HOURS])
    assert store.messages == store.moved == due, (store.messages, store.moved, due)
    return {
        "ms": took * 1000 / due,
        "writes": store.requests["TransactWriteItems"] / due,
        "idle_reads": store.requests["Query"] / HOURS / ((plans - due) / 1000),
    }


def _memory(built: Platform, raw: Any, first: datetime, plans: int) -> float:
    """The worker's peak in kB over what was there before each sweep."""
    store = _store(raw, first, plans, MANY // ONE_DUE_IN // HOURS, deferred=True)
    container().tables = SimulatedTables(store)
    peaks = []
    tracemalloc.start()
    try:
        for hour in range(MEMORY_HOURS):
            built.clock.at = first + timedelta(hours=hour)
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            sweep(built.clock.now())
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
            store.settle()
    finally:
        tracemalloc.stop()
    return max(peaks[1:]) / 1024  # the first sweep after a start also fills caches


@contextlib.contextmanager
def _quiet() -> Any:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
