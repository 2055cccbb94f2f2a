"""The sandbox's clock as each process sees it: what has just happened is never judged as of before."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.core.clock import FixedClock, OffsetClock, isoformat
from functions.platform.bus.queues import each_message
from functions.platform.container import container
from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage import keys
from functions.platform.storage.transactions import Put, WriteSet, commit
from tests.builders.platform import START, Platform

MIDNIGHT = START + timedelta(days=40)


@pytest.fixture
def lagging(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has looked at the clock before it moved, and would not look again for long."""
    box = platform.box
    monkeypatch.setattr("functions.platform.container.CLOCK_CACHE_S", 3_600.0)
    box.clock = OffsetClock(box._offset, FixedClock(START))
    assert box.clock.now() == START
    moved = ClockItem(pk=keys.CLOCK, version=1, offset_s=int((MIDNIGHT - START).total_seconds()))
    commit(platform.tables, WriteSet.of(Put(moved)))


@pytest.mark.usefixtures("lagging")
@pytest.mark.parametrize(
    "body",
    [
        {"detail-type": "plan.delinquent", "detail": {"id": "evt_1", "occurred_at": isoformat(MIDNIGHT)}},
        {"kind": "message", "id": "msg_1", "at": isoformat(MIDNIGHT)},
    ],
    ids=["an event", "a message that is woken"],
)
def test_a_consumer_never_sees_a_time_before_that_of_what_it_hears(body: dict[str, Any]) -> None:
    seen: list[datetime] = []
    record = {"messageId": "m", "body": json.dumps(body)}
    each_message([record], lambda _: seen.append(container().clock.now()), consumer="one")
    assert seen == [MIDNIGHT]


@pytest.mark.usefixtures("lagging")
def test_what_happened_before_costs_no_look_at_the_clock() -> None:
    seen: list[datetime] = []
    body = {"detail-type": "plan.delinquent", "detail": {"id": "evt_1", "occurred_at": isoformat(START)}}
    record = {"messageId": "m", "body": json.dumps(body)}
    each_message([record], lambda _: seen.append(container().clock.now()), consumer="one")
    assert seen == [START]
