"""A line is never oversold: 64 threads through the service layer on the platform's own table (reliability R1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from functions.core.clock import epoch_ms
from functions.core.errors import UnavailableError
from functions.core.ids import id_bytes, new_id
from functions.credit.lines.store import LineItem, hold_refusal, plan_hold, plan_move, plan_open
from functions.lending.line import LineChange
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem, Tables, connect
from functions.platform.storage.transactions import commit
from tests.builders.proxy import running_proxy
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")
THREADS, EACH = 64, 10
AMOUNT = 1_000
FITS = 12
"""Below the hard velocity cap of a quarter-hour, so that it is the money that runs out."""


class _RefusedError(Exception):
    def __init__(self, raw: RawItem | None) -> None:
        super().__init__()
        self.raw = raw


@pytest.fixture
def tables(running_platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> Tables:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    outputs = running_platform.ready["outputs"]
    return Tables(connect("us-east-1", running_platform.aws_endpoint), outputs["TableName"], outputs["LedgerTableName"])


def a_line(tables: Tables, alias: int, limit: int) -> None:
    now = datetime.now(UTC)
    line = LineItem(
        pk=keys.line(alias), version=1, customer=id_bytes(new_id("cus", now)), currency="CNY", limit=limit,
        available=limit, held=0, outstanding=0, grade="A", terms="1,3", zone="UTC", language="en",
        opened_at_ms=epoch_ms(now),
    )  # fmt: skip
    commit(tables, plan_open(line, _RefusedError))


def line_of(tables: Tables, alias: int) -> LineItem:
    line = tables.get(LineItem, keys.line(alias), consistent=True)
    assert line is not None
    assert line.limit == line.available + line.held + line.outstanding
    return line


def test_sixty_four_threads_hold_exactly_what_fits(tables: Tables) -> None:
    alias = int(datetime.now(UTC).timestamp() * 1000) % 10**9
    a_line(tables, alias, FITS * AMOUNT)

    def thread(number: int) -> int:
        won = 0
        for attempt in range(EACH):
            won += _held(tables, alias, f"{number}-{attempt}")
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        won = sum(pool.map(thread, range(THREADS)))
    line = line_of(tables, alias)
    assert won == FITS
    assert (line.available, line.held) == (0, FITS * AMOUNT)


def _held(tables: Tables, alias: int, name: str) -> bool:
    uses = tuple(hashlib.sha256(f"{kind} {alias} {name}".encode()).digest()[:8] for kind in ("token", "key"))
    for _ in range(8):
        line, now_ms = line_of(tables, alias), epoch_ms(datetime.now(UTC))
        try:
            commit(tables, plan_hold(line, AMOUNT, uses, now_ms, _RefusedError))
        except _RefusedError as refused:
            why = hold_refusal(refused.raw, AMOUNT, uses, now_ms)
            if why == "stale":
                continue
            return why == "used"  # by nobody but this very hold, whose answer came too late for the client
        except UnavailableError:
            continue  # the same again, as a shop would
        return True
    raise AssertionError("never settled")


@pytest.fixture
def conflicting(running_platform: RunningPlatform, tables: Tables) -> Iterator[Tables]:
    """The tables behind a proxy that cancels three transactions in ten, as DynamoDB does where two meet."""
    with running_proxy(running_platform.aws_endpoint) as proxy:
        proxy.conflict(0.3)
        yield Tables(connect("us-east-1", proxy.url), tables.table, tables.ledger_table)
        assert proxy.fired(), "no conflict was injected: the test proves nothing"


@pytest.mark.slow
def test_injected_conflicts_neither_lose_nor_double_a_hold(tables: Tables, conflicting: Tables) -> None:
    alias = int(datetime.now(UTC).timestamp() * 1000 + 2) % 10**9
    a_line(tables, alias, FITS * AMOUNT)
    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(lambda number: _held(conflicting, alias, f"c-{number}"), range(2 * FITS)))
    line = line_of(tables, alias)
    assert (won, line.available, line.held) == (FITS, 0, FITS * AMOUNT)


def test_moves_from_many_threads_lose_nothing(tables: Tables) -> None:
    alias = int(datetime.now(UTC).timestamp() * 1000 + 1) % 10**9
    a_line(tables, alias, 10**9)
    hold = LineChange(available_minor=-7, held_minor=7)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: commit(tables, plan_move(alias, hold)), range(200)))
    assert line_of(tables, alias).held == 1_400
