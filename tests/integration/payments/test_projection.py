"""The merchant's list and the timer of an authorization, whatever order its events come in and however often."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from functions.payments.events import project
from functions.payments.timers import act
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import write_each
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

EXTENDED, UNTIL = "2026-12-06T08:00:00Z", "2026-11-25T08:00:00Z"


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def a_life(shop: Shop) -> list[dict[str, Any]]:
    """Approved, extended, suspended: each event with the next sequence."""
    shop.authorize(120_000)
    [approved] = [e.to_dict() for e in shop.platform.events() if e.type == "authorization.approved"]
    auth = approved["data"]["authorization"]
    longer = auth | {"expires_at": EXTENDED}
    stopped = longer | {"suspension": {"case_id": "case_1", "since": auth["created_at"], "until": UNTIL}}
    later = [("authorization.extended", longer), ("authorization.suspended", stopped)]
    return [approved] + [
        approved | {"type": kind, "sequence": approved["sequence"] + n, "data": {"authorization": state}}
        for n, (kind, state) in enumerate(later, 1)
    ]


def timer(platform: Platform) -> dict[str, Any] | None:
    return next((i for i in platform.items() if i["sk"]["S"] == "timer"), None)


def rows(platform: Platform) -> list[dict[str, Any]]:
    return [i for i in platform.items() if i["pk"]["S"].startswith("list#mer_") and i["pk"]["S"].endswith("#auth")]


def test_the_timer_is_of_the_newest_event_in_whatever_order_they_come_and_however_often(shop: Shop) -> None:
    events = a_life(shop)
    for n, order in enumerate(itertools.permutations([*events, events[0]])):
        clear = shop.platform.tables, plan_timer(events[0]["object_id"], None, 1, 0)
        write_each(*clear)
        for event in order:
            project(event)
        found = timer(shop.platform)
        assert found is not None
        assert (found["gs"]["S"], found["v"]["N"]) == ("2026-11-25T08", str(events[-1]["sequence"])), n
    assert len(rows(shop.platform)) == 1


def test_a_look_at_an_order_as_it_was_does_not_put_off_what_an_event_has_told_since(shop: Shop) -> None:
    events = a_life(shop)
    project(events[-1])
    act([(events[0]["object_id"], "timer")], shop.platform.clock.now())  # sees the order as approved, sequence 1
    found = timer(shop.platform)
    assert found is not None
    assert found["gs"]["S"] == "2026-11-25T08"


def test_a_timer_that_an_old_event_brings_back_is_taken_away_by_looking(shop: Shop) -> None:
    auth = shop.authorize(120_000)
    events = [e.to_dict() for e in shop.platform.events() if e.type == "authorization.approved"]
    assert shop.api.post(f"/v1/authorizations/{auth['id']}/void", token=shop.key).status == 200
    shop.settle()
    assert timer(shop.platform) is None
    project(events[0])
    assert timer(shop.platform) is not None
    act([(auth["id"], "timer")], shop.platform.clock.now())
    assert timer(shop.platform) is None


def test_row_and_timer_cost_three_units_where_a_transaction_would_cost_five(shop: Shop) -> None:
    events = a_life(shop)
    with shop.platform.metered() as meter:
        project(events[0])
    assert (meter.requests, meter.write_units) == (["PutItem", "PutItem"], 3)
