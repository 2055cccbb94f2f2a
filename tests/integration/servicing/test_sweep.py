"""The sweep: finds all that is due and nothing else, hands it out in pages, and survives being run at any time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute

from functions.core.clock import isoformat
from functions.core.errors import UnavailableError
from functions.core.ids import id_bytes, new_id
from functions.lending.plan import PlanState
from functions.lending.plans.next_action import next_action
from functions.lending.plans.packing import UnreadablePlanError
from functions.lending.plans.store import PlanItem
from functions.platform.container import Container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key
from functions.platform.storage.table import Item, Tables
from functions.platform.storage.transactions import Put, Update, WriteSet, commit
from functions.servicing import events, sweep
from functions.servicing.sweep import HANDLERS, PAGE_IDS, UnknownPrefixError, handler_of, look_ahead
from tests.builders.platform import START, Platform
from tests.builders.platform import platform as build
from tests.builders.servicing import a_debtor, message_states, stored_plan

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SEEN: list[list[str]] = []


class Alarm(Item):
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)


def put_alarms(box: Container, count: int, at: Any, *, first: int = 0) -> None:
    for number in range(first, first + count):
        shard = number % box.settings.shards
        item = Alarm(pk=f"tst_{number:04d}", sk="timer", shard=keys.action_hour(shard), hour=hour_key(at))
        commit(box.tables, WriteSet.of(Put(item)))


def take(due: Sequence[sweep.Key], now: Any) -> None:
    SEEN.append([pk for pk, sk in due if sk == "timer"])


def fail(due: Sequence[sweep.Key], now: Any) -> None:
    raise UnavailableError


def pages(platform: Platform) -> list[dict[str, Any]]:
    return platform.drain(platform.settings.sweep_queue_url)


def batch(*bodies: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(body)} for n, body in enumerate(bodies)]}


def test_it_hands_out_what_is_due_in_pages_and_leaves_what_is_not(platform: Platform):
    put_alarms(platform.box, 60, START)
    put_alarms(platform.box, 5, START + HOUR, first=100)
    assert events.sweep_schedule({}) == {"due": 60}
    found = pages(platform)
    assert sorted(len(page["keys"]) for page in found) == [10, PAGE_IDS, PAGE_IDS]
    handed = sorted(key for page in found for key, _ in page["keys"])
    assert handed == [f"tst_{number:04d}" for number in range(60)]
    assert {page["at"] for page in found} == {isoformat(START)}
    assert {sk for page in found for _, sk in page["keys"]} == {"timer"}


def test_an_hour_that_has_begun_is_due_and_the_next_is_not(platform: Platform):
    put_alarms(platform.box, 1, START + HOUR)
    platform.clock.advance(HOUR - timedelta(seconds=1))
    assert events.sweep_schedule({}) == {"due": 0}
    platform.clock.advance(timedelta(seconds=1))
    assert events.sweep_schedule({}) == {"due": 1}


def test_every_shard_is_read_and_what_waits_longest_is_found_first():
    with build(shards=8) as platform:
        put_alarms(platform.box, 40, START - 3 * DAY)
        put_alarms(platform.box, 8, START + 2 * DAY, first=200)
        assert sweep.sweep(START) == 40
        assert len({key for page in pages(platform) for key, _ in page["keys"]}) == 40
        hour, due = look_ahead(START, 100)
        assert hour == START + 2 * DAY
        assert due is not None
        assert len(due) == 48
        assert look_ahead(START, 47) == (START + 2 * DAY, None)
        assert look_ahead(START + 2 * DAY, 100) == (None, None)


def test_the_next_hour_is_found_behind_more_leavings_than_were_asked_for(platform: Platform):
    put_alarms(platform.box, 6, START - DAY)
    put_alarms(platform.box, 1, START + 2 * DAY, first=100)
    assert look_ahead(START, 3) == (START + 2 * DAY, None)


def test_looking_ahead_finds_the_hour_and_what_is_due_then_in_one_request(platform: Platform):
    put_alarms(platform.box, 3, START + DAY)
    put_alarms(platform.box, 2, START + 2 * DAY, first=100)
    with platform.metered() as meter:
        hour, due = look_ahead(START, 25)
    assert (hour, len(due or ())) == (START + DAY, 3)
    assert meter.requests == ["Query"]


def test_an_index_longer_than_a_query_is_read_to_its_end(platform: Platform, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "QUERY_IDS", 7)
    put_alarms(platform.box, 20, START)
    with platform.metered() as meter:
        assert sweep.sweep(START) == 20
    assert meter.requests == ["Query"] * 3
    assert len({key for page in pages(platform) for key, _ in page["keys"]}) == 20


def test_an_idle_shard_costs_one_request(platform: Platform):
    put_alarms(platform.box, 30, START + DAY)
    with platform.metered() as meter:
        sweep.sweep(START)
    assert meter.requests == ["Query"]
    assert pages(platform) == []


def test_a_queue_that_is_away_leaves_everything_for_the_next_sweep(platform: Platform):
    put_alarms(platform.box, 3, START)
    original = platform.box.__dict__["_clients"]
    platform.box.__dict__["_clients"] = {**original, "sqs": Away()}
    with pytest.raises(UnavailableError):
        sweep.sweep(START)
    platform.box.__dict__["_clients"] = original
    assert sweep.sweep(START) == 3


class Away:
    """An SQS that answers nobody."""

    def send_message_batch(self, **arguments: Any) -> Any:
        from botocore.exceptions import EndpointConnectionError

        raise EndpointConnectionError(endpoint_url="https://sqs")


def test_a_page_is_done_as_of_its_sweep_even_where_the_clock_is_seen_late(platform: Platform):
    asked = []
    page = {"kind": "page", "at": isoformat(START + DAY), "keys": [["tst_1", "-"]]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "handler_of", lambda prefix: lambda due, now: asked.append(now))
        sweep.do_page(page)
        platform.clock.advance(3 * DAY)
        sweep.do_page(page)
    assert asked == [START + DAY, START + 3 * DAY]


def test_a_mixed_page_reaches_every_handler_even_where_one_fails(platform: Platform, monkeypatch: pytest.MonkeyPatch):
    SEEN.clear()
    monkeypatch.setattr(sweep, "HANDLERS", {"tst": f"{__name__}:take", "bad": f"{__name__}:fail"})
    page = {"kind": "page", "at": isoformat(START), "keys": [["bad_1", "-"], ["tst_1", "timer"], ["new_1", "-"]]}
    with pytest.raises(UnavailableError):
        sweep.do_page(page)
    assert SEEN == [["tst_1"]]
    with pytest.raises(UnknownPrefixError):
        handler_of("new")


ONE_BY_ONE = {"apay", "cbal", "cpo", "col", "bill", "auth", "dis", "chk", "till", "case", "capp", "lim"}
"""Prefixes whose handlers read what they look after item by item; the others read the whole page in one request."""


@pytest.mark.parametrize("prefix", sorted(ONE_BY_ONE))
def test_what_can_not_be_read_keeps_nothing_behind_it_waiting(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    bad, good = (new_id(prefix, START + number * DAY) for number in range(2))
    marks = {name: id_bytes(name) for name in (bad, good)}
    original, asked = Tables.dispatch, list[str]()

    def dispatch(self: Tables, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        key = arguments.get("Key", {}).get("pk", {}).get("S", "")
        asked.extend(name for name, mark in marks.items() if "_" in key and id_bytes(key) == mark)
        if asked and asked[-1] == bad and operation == "GetItem":
            asked.append("failed")
            raise UnavailableError
        return original(self, operation, arguments)

    monkeypatch.setattr(Tables, "dispatch", dispatch)
    with pytest.raises(UnavailableError):
        handler_of(prefix)([(name, keys.TIMER) for name in (bad, good)], START + 30 * DAY)
    assert bad in asked
    assert good in asked


def test_a_plan_that_can_not_be_read_keeps_no_other_waiting(platform: Platform) -> None:
    debtor = a_debtor(platform)
    broken, sound = (stored_plan(platform, debtor, count=3, amount_minor=90_000) for _ in range(2))
    commit(platform.box.tables, WriteSet.of(Update(PlanItem, broken.pk, keys.SELF, (PlanItem.packed.set(b"no plan"),))))
    page = {"kind": "page", "at": isoformat(START + 60 * DAY), "keys": [[broken.pk, "-"], [sound.pk, "-"]]}
    with pytest.raises(UnreadablePlanError):
        sweep.do_page(page)
    after = platform.box.tables.get(PlanItem, sound.pk)
    assert after is not None
    assert after.version > sound.version


def test_a_half_failed_batch_brings_back_only_what_failed(platform: Platform, monkeypatch: pytest.MonkeyPatch):
    SEEN.clear()
    monkeypatch.setattr(sweep, "HANDLERS", {"tst": f"{__name__}:take", "bad": f"{__name__}:fail"})
    good, bad = ({"kind": "page", "at": isoformat(START), "keys": [[f"{p}_1", "timer"]]} for p in ("tst", "bad"))
    answer = events.sweep_pages(batch(good, bad, {"kind": "nonsense"}, good))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert SEEN == [["tst_1"], ["tst_1"]]


def test_every_handler_named_in_the_table_exists(platform: Platform):
    for prefix in HANDLERS:
        assert callable(handler_of(prefix))


def test_a_due_plan_costs_one_read_and_one_write_request(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform))
    at = next_action(plan.plan(), plan.segment, plan.zone)
    assert at is not None
    with platform.metered() as meter:
        sweep.do_page({"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"]]})
    assert meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert len(message_states(platform)) == 1


def test_an_hour_without_a_message_costs_one_write_of_the_plan_and_its_index_entry(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform))
    due_at = plan.plan().rows[0].due_on
    now = START
    while now.astimezone().date() < due_at:
        item = platform.tables.get(PlanItem, plan.pk)
        now = next_action(item.plan(), item.segment, item.zone)
        with platform.metered() as meter:
            before = len(message_states(platform))
            sweep.do_page({"kind": "page", "at": isoformat(now), "keys": [[plan.pk, "-"]]})
            silent = len(message_states(platform)) == before
        if silent:
            assert meter.requests.count("TransactWriteItems") == 1
            assert meter.write_units <= 2 + 2
            return
    raise AssertionError("no silent hour before the first due day")


def test_a_page_done_twice_or_late_by_another_writes_nothing(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform))
    at = next_action(plan.plan(), plan.segment, plan.zone)
    page = {"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"], ["plan_00000000000000000000000000", "-"]]}
    sweep.do_page(page)
    version = platform.tables.get(PlanItem, plan.pk).version
    with platform.metered() as meter:
        sweep.do_page(page)
    assert meter.requests == ["BatchGetItem"]
    assert platform.tables.get(PlanItem, plan.pk).version == version


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
def test_a_write_that_fails_is_done_by_the_next_delivery_once(platform: Platform, lost: bool):
    plan = stored_plan(platform, a_debtor(platform))
    at = next_action(plan.plan(), plan.segment, plan.zone)
    page = {"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"]]}
    with platform.failing("TransactWriteItems", times=1, lost=lost), pytest.raises(UnavailableError):
        sweep.do_page(page)
    sweep.do_page(page)
    assert len(message_states(platform)) == 1
    requested = [event for event in platform.events() if event.type == "reminder.requested"]
    assert len(requested) == 1


def test_two_workers_on_one_plan_do_its_work_once(platform: Platform):
    """The second reads before the first writes; its condition fails, and what it reads anew needs nothing."""
    plan = stored_plan(platform, a_debtor(platform))
    at = next_action(plan.plan(), plan.segment, plan.zone)
    page = {"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"]]}
    client = platform.tables.connection.client
    original, entered = client._make_api_call, []

    def call(name: str, parameters: dict[str, Any]) -> Any:
        if name == "TransactWriteItems" and not entered:
            entered.append(name)
            sweep.do_page(page)
        return original(name, parameters)

    client._make_api_call = call
    try:
        sweep.do_page(page)
    finally:
        client._make_api_call = original
    assert len(message_states(platform)) == 1
    assert platform.tables.get(PlanItem, plan.pk).version == 2


def test_a_message_that_is_there_without_its_mark_does_not_stop_the_plan(platform: Platform):
    """As if the plan had been restored from before."""
    plan = stored_plan(platform, a_debtor(platform))
    at = next_action(plan.plan(), plan.segment, plan.zone)
    page = {"kind": "page", "at": isoformat(at), "keys": [[plan.pk, "-"]]}
    sweep.do_page(page)
    commit(platform.tables, WriteSet.of(Put(plan)))
    sweep.do_page(page)
    assert len(message_states(platform)) == 1
    assert platform.tables.get(PlanItem, plan.pk).hour > hour_key(at)


def test_reminders_slept_through_are_noted_and_not_sent(platform: Platform):
    plan = stored_plan(platform, a_debtor(platform))
    now = START + 40 * DAY
    sweep.do_page({"kind": "page", "at": isoformat(now), "keys": [[plan.pk, "-"]]})
    states = message_states(platform)
    assert set(states.values()) == {("suppressed", "too_late")}
    assert {(number, step) for _, number, step in states} == {
        (1, step) for step in ("T-7", "T-3", "T-1", "T", "T+1", "T+3", "T+7")
    }
    assert [e.type for e in platform.events() if e.type.startswith("reminder.")] == []


def test_a_charge_off_closes_the_line_and_posts_in_the_same_write(platform: Platform):
    from functions.core.ids import id_bytes
    from functions.credit.lines.store import LineItem
    from tests.builders.servicing import ALIAS

    owner = a_debtor(platform)
    plan = stored_plan(platform, owner)
    line = LineItem(
        pk=keys.line(ALIAS), version=1, customer=id_bytes(owner.id), currency="CNY", limit=100_000, available=70_000,
        outstanding=30_000, grade="A", terms="3", zone=plan.zone, language="zh", opened_at_ms=0,
    )  # fmt: skip
    commit(platform.tables, WriteSet.of(Put(line)))
    now = START + 260 * DAY
    sweep.do_page({"kind": "page", "at": isoformat(now), "keys": [[plan.pk, "-"]]})
    after = platform.tables.get(LineItem, keys.line(ALIAS))
    assert (after.status, after.limit, after.available, after.outstanding) == ("closed", 70_000, 70_000, 0)
    stored = platform.tables.get(PlanItem, plan.pk)
    assert stored.plan().state is PlanState.CHARGED_OFF
    assert stored.hour is None
    entries = [raw for raw in platform.items("whitenote-ledger") if raw["pk"]["S"].endswith(owner.id)]
    assert len(entries) == 1
    assert "plan.charged_off" in [event.type for event in platform.events()]
    sweep.do_page({"kind": "page", "at": isoformat(now), "keys": [[plan.pk, "-"]]})
    assert platform.tables.get(LineItem, keys.line(ALIAS)).limit == 70_000
