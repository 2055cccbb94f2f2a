"""The sandbox's clock: stops at every action hour, waits for rest, never runs backwards, never runs twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute

from functions.core.errors import NotFoundError, UnavailableError
from functions.platform.container import CLOCK_CACHE_S
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key
from functions.platform.storage.table import Item
from functions.platform.storage.transactions import Delete, Put, WriteSet, commit
from functions.servicing import clock, events, sweep
from functions.servicing.clock import ClockBackwardsError, ClockTooFarError, advance, progress
from tests.builders.machine import Machine, live, sandbox_time
from tests.builders.platform import START, Platform
from tests.builders.shop import all_api

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DONE: list[tuple[str, datetime]] = []
"""What the handler below did, and when."""


class Alarm(Item):
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)


def put_alarm(platform: Platform, name: str, at: datetime) -> None:
    item = Alarm(pk=f"tst_{name}", shard=keys.action_hour(0), hour=hour_key(at))
    commit(platform.tables, WriteSet.of(Put(item)))


def act(due: Sequence[sweep.Key], now: datetime) -> None:
    """A handler: rings an alarm once and takes it out of the index."""
    from functions.platform.container import container

    for pk, _ in due:
        item = container().tables.get(Alarm, pk, consistent=True)
        if item is None:
            continue
        if pk.endswith("stubborn"):
            raise UnavailableError
        DONE.append((pk, now))
        commit(container().tables, WriteSet.of(Delete(Alarm, pk, "-")))


def gathered(platform: Platform) -> Machine:
    """The machine after the first beacon has come out: the turn that begins to sweep is on the queue."""
    machine = Machine(platform)
    machine.stream()
    machine.messenger()
    return machine


@pytest.fixture(autouse=True)
def _alarms(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "HANDLERS", {"tst": f"{__name__}:act"})
    monkeypatch.setattr(clock, "POLLS", 1)
    sandbox_time(platform)
    DONE.clear()


def test_it_stops_at_each_hour_in_which_something_is_due_in_order(platform: Platform):
    for name, days in (("c", 30), ("a", 1), ("b", 7), ("beyond", 61)):
        put_alarm(platform, name, START + days * DAY)
    advance(START + 60 * DAY)
    Machine(platform).run()
    assert DONE == [("tst_a", START + DAY), ("tst_b", START + 7 * DAY), ("tst_c", START + 30 * DAY)]
    assert progress().now == START + 60 * DAY
    assert progress().target is None
    assert progress().stops == 4


def test_more_than_a_page_goes_through_the_queue_before_time_goes_on(platform: Platform):
    names = [f"{number:02d}" for number in range(sweep.PAGE_IDS + 5)]
    for name in names:
        put_alarm(platform, name, START + DAY)
    put_alarm(platform, "after", START + 2 * DAY)
    advance(START + 3 * DAY)
    Machine(platform).run()
    assert sorted(DONE) == [*((f"tst_{name}", START + DAY) for name in names), ("tst_after", START + 2 * DAY)]


def test_what_is_due_before_the_start_is_done_first(platform: Platform):
    put_alarm(platform, "late", START - 2 * DAY)
    advance(START + DAY)
    Machine(platform).run()
    assert DONE == [("tst_late", START)]


def test_what_is_due_at_the_target_is_done(platform: Platform):
    put_alarm(platform, "last", START + DAY)
    advance(START + DAY)
    Machine(platform).run()
    assert DONE == [("tst_last", START + DAY)]


def test_a_target_within_an_hour_does_not_do_the_next_hour(platform: Platform):
    put_alarm(platform, "next", START + DAY + HOUR)
    advance(START + DAY + HOUR - timedelta(seconds=1))
    Machine(platform).run()
    assert DONE == []
    advance(START + DAY + HOUR)
    Machine(platform).run()
    assert DONE == [("tst_next", START + DAY + HOUR)]


def test_wall_time_does_not_move(platform: Platform):
    advance(START + 365 * DAY)
    Machine(platform).run()
    assert progress().wall == START
    assert platform.box.clock.wall() == START
    assert platform.box.clock.now() == START + 365 * DAY


def test_an_instant_within_a_second_is_never_stopped_short_of(platform: Platform):
    at = START + DAY + timedelta(milliseconds=1)
    advance(at)
    Machine(platform).run()
    assert at <= progress().now <= at + timedelta(seconds=1)


def test_time_does_not_run_backwards(platform: Platform):
    advance(START + 2 * DAY)
    Machine(platform).run()
    with pytest.raises(ClockBackwardsError) as refused:
        advance(START + DAY)
    assert refused.value.extra["now"] == "2026-11-24T08:00:00.000Z"
    assert progress().now == START + 2 * DAY


def test_an_advance_under_way_can_go_further_but_not_less_far(platform: Platform):
    put_alarm(platform, "a", START + DAY)
    put_alarm(platform, "b", START + 5 * DAY)
    advance(START + 3 * DAY)
    machine = Machine(platform)
    machine.step()
    with pytest.raises(ClockBackwardsError):
        advance(START + 2 * DAY)
    advance(START + 6 * DAY)
    machine.run()
    assert [at for _, at in DONE] == [START + DAY, START + 5 * DAY]
    assert progress().now == START + 6 * DAY


def test_more_than_ten_years_ahead_is_refused(platform: Platform):
    with pytest.raises(ClockTooFarError):
        advance(START + timedelta(days=3661))


def test_a_live_stage_has_no_such_clock(platform: Platform):
    live(platform)
    with pytest.raises(NotFoundError):
        advance(START + DAY)
    with pytest.raises(NotFoundError):
        progress()


@pytest.mark.parametrize("shuffle", [None, 1])
def test_duplicates_and_disorder_change_nothing(platform: Platform, shuffle: int | None):
    for days in range(1, 4):
        put_alarm(platform, str(days), START + days * DAY)
    advance(START + 10 * DAY)
    advance(START + 10 * DAY)
    Machine(platform, copies=2, shuffle=shuffle).run()
    assert [(f"tst_{days}", START + days * DAY) for days in range(1, 4)] == DONE
    assert progress().stops == 4
    assert platform.drain(platform.settings.sweep_queue_url) == []


def test_it_waits_for_the_work_of_a_stop(platform: Platform):
    put_alarm(platform, "stubborn", START + DAY)
    put_alarm(platform, "after", START + 2 * DAY)
    advance(START + 3 * DAY)
    machine = Machine(platform)
    for _ in range(12):
        machine.step()
    assert progress().now == START + DAY
    assert DONE == []


def test_it_waits_until_the_stream_has_been_read(platform: Platform):
    put_alarm(platform, "a", START + DAY)
    put_alarm(platform, "b", START + 2 * DAY)
    advance(START + 3 * DAY)
    machine = gathered(platform)
    for _ in range(12):
        machine.sweeper()
        machine.messenger()
    assert progress().now == START + DAY
    machine.run()
    assert progress().now == START + 3 * DAY


def test_it_waits_until_the_messages_are_sent(platform: Platform):
    put_alarm(platform, "a", START + DAY)
    put_alarm(platform, "b", START + 2 * DAY)
    advance(START + 3 * DAY)
    machine = gathered(platform)
    for _ in range(12):
        machine.sweeper()
        machine.stream()
    assert progress().now == START + DAY
    machine.run()
    assert progress().now == START + 3 * DAY


def test_it_waits_for_a_message_that_is_slower_than_the_beacon(platform: Platform):
    put_alarm(platform, "a", START + DAY)
    put_alarm(platform, "b", START + 2 * DAY)
    advance(START + 3 * DAY)
    machine = gathered(platform)
    url, sqs = platform.settings.messages_queue_url, platform.client("sqs")
    slow = {"source": "whitenote", "detail-type": "plan.created", "detail": {}}
    while progress().now == START:
        machine.sweeper()
    machine.sweeper()
    machine.stream()
    for body in platform.drain(url):
        events.on_message(body)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(slow))
    for _ in range(5):
        machine.sweeper()
    assert progress().now == START + DAY
    machine.run()
    assert progress().now == START + 3 * DAY


def test_what_was_told_before_is_heard_before_time_moves(platform: Platform):
    """An order of a moment ago has its timers: the projector has heard of it."""
    url, sqs = platform.settings.projections_queue_url, platform.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    machine = Machine(platform)
    advance(START + DAY)
    for _ in range(8):
        machine.step()
    assert progress().now == START
    put_alarm(platform, "by the projector", START + HOUR)
    platform.drain(url)
    machine.run()
    assert DONE == [("tst_by the projector", START + HOUR)]
    assert progress().now == START + DAY


def test_a_quiet_stop_costs_one_look_and_one_write(platform: Platform):
    """What tells nothing has nobody to wait for."""
    for days in range(1, 11):
        put_alarm(platform, str(days), START + days * DAY)
    advance(START + 20 * DAY)
    machine = gathered(platform)
    sweep.HANDLERS["tst"] = f"{__name__}:quietly"  # type: ignore[index]
    with platform.metered() as meter:
        machine.sweeper()
    assert progress().now == START + 20 * DAY
    clocks = meter.requests.count("TransactWriteItems") - len(DONE)
    assert len(DONE) == 10
    assert clocks <= 10 + 4
    assert meter.requests.count("Query") <= 10 + 4


def quietly(due: Sequence[sweep.Key], now: datetime) -> int:
    act(due, now)
    return 0


def test_http_advance_is_for_the_operator_and_shows_progress(platform: Platform):
    api = all_api()
    operator, auditor, support = (platform.staff_token(role) for role in ("operator", "auditor", "support"))
    to = {"to": "2026-11-23T10:00:00+02:00"}
    assert api.post("/v1/test-clock/advance", to, token=support).status == 403
    assert api.post("/v1/test-clock/advance", to, token=auditor).status == 403
    assert api.post("/v1/test-clock/advance", to, token=platform.customer_token("cus_1")).status == 401
    reply = api.post("/v1/test-clock/advance", to, token=operator)
    assert (reply.status, reply["status"], reply["target"]) == (202, "advancing", "2026-11-23T08:00:00.000Z")
    Machine(platform).run()
    reply = api.get("/v1/test-clock", token=auditor)
    assert (reply.status, reply["status"], reply["now"]) == (200, "idle", "2026-11-23T08:00:00.000Z")
    back = api.post("/v1/test-clock/advance", {"to": "2026-11-22T08:00:00Z"}, token=operator)
    assert (back.status, back["code"]) == (422, "clock_backwards")


@pytest.mark.parametrize("to", ["tomorrow", "2027-02-01", "2027-02-01T00:00:00", "", 5, None])
def test_http_advance_refuses_what_is_no_instant(platform: Platform, to: Any):
    api = all_api()
    reply = api.post("/v1/test-clock/advance", {"to": to}, token=platform.staff_token("operator"))
    assert (reply.status, reply["errors"][0]["pointer"]) == (422, "/to")


def test_http_a_live_stage_answers_404(platform: Platform):
    live(platform)
    api = all_api()
    token = platform.staff_token("operator")
    assert api.post("/v1/test-clock/advance", {"to": "2027-02-01T00:00:00Z"}, token=token).status == 404
    assert api.get("/v1/test-clock", token=token).status == 404


def test_instants_are_utc():
    assert START.tzinfo is UTC


def test_it_is_idle_only_when_every_process_sees_the_time_it_has_come_to(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    waits: list[tuple[float, datetime | None]] = []
    monkeypatch.setattr(clock.time, "sleep", lambda seconds: waits.append((seconds, progress().target)))
    advance(START + DAY)
    Machine(platform).run()
    assert progress().target is None
    assert waits[-1] == (CLOCK_CACHE_S, START + DAY)
