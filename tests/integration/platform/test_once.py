"""Each event is handled once by each consumer: duplicates, side by side, broken off, failed, and long ago."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.platform.bus import invocation
from functions.platform.bus.queues import each_message
from functions.platform.bus.registry import is_repeatable
from functions.platform.bus.triggers import run
from functions.platform.bus.workers import project
from functions.servicing.events import ASK_FOR_WORK
from functions.webhooks.events import webhooks
from tests.builders.platform import TABLE, Platform
from tests.builders.shop import a_shop

DONE: dict[str, list[Any]] = {"batchItemFailures": []}
EVENT = {"id": "evt_1", "type": "thing.made"}


def batch(*details: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"messageId": f"m{n}", "body": json.dumps({"detail": detail})} for n, detail in enumerate(details)]


def failed(*names: str) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


class Consumer:
    """Remembers what it handled, and does something besides."""

    def __init__(self, besides: Callable[[], None] = lambda: None) -> None:
        self.seen: list[str] = []
        self.besides = besides

    def __call__(self, body: dict[str, Any]) -> None:
        self.seen.append(body["detail"]["id"])
        self.besides()


def records(platform: Platform) -> list[dict[str, Any]]:
    return [item for item in platform.items() if item["pk"]["S"].startswith("handled#")]


@pytest.mark.usefixtures("platform")
def test_a_duplicate_in_the_batch_or_later_does_not_run() -> None:
    consumer = Consumer()
    for _ in range(2):
        assert each_message(batch(EVENT, EVENT, {"id": "evt_2"}), consumer, consumer="one") == DONE
    assert consumer.seen == ["evt_1", "evt_2"]


@pytest.mark.parametrize("asks", sorted(ASK_FOR_WORK))
def test_an_event_that_asks_for_work_is_handed_on_each_time_and_gets_no_record(platform: Platform, asks: str) -> None:
    consumer = Consumer()
    body = json.dumps({"detail-type": asks, "detail": EVENT})
    for name in ("m0", "m1"):
        batch_of_one = [{"messageId": name, "body": body}]
        assert each_message(batch_of_one, consumer, consumer="one", repeatable=ASK_FOR_WORK.__contains__) == DONE
    assert consumer.seen == ["evt_1", "evt_1"]
    assert records(platform) == []


@pytest.mark.usefixtures("platform")
def test_each_consumer_handles_it_for_itself() -> None:
    consumer = Consumer()
    for name in ("one", "two"):
        each_message(batch(EVENT), consumer, consumer=name)
    assert consumer.seen == ["evt_1", "evt_1"]


@pytest.mark.usefixtures("platform")
def test_a_duplicate_beside_it_waits_for_the_end_and_does_not_run() -> None:
    at_it, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        at_it.set()
        assert go_on.wait(20)

    consumer = Consumer(slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(each_message, batch(EVENT), consumer, consumer="one")
        assert at_it.wait(20)
        beside = each_message(batch(EVENT), consumer, consumer="one")
        go_on.set()
        assert (first.result(), beside) == (DONE, failed("m0"))
    assert each_message(batch(EVENT), consumer, consumer="one") == DONE
    assert consumer.seen == ["evt_1"]


def test_what_failed_is_run_again_at_once(platform: Platform) -> None:
    def break_down() -> None:
        raise ValueError("poison")

    assert each_message(batch(EVENT), Consumer(break_down), consumer="one") == failed("m0")
    assert records(platform) == []
    consumer = Consumer()
    assert each_message(batch(EVENT), consumer, consumer="one") == DONE
    assert consumer.seen == ["evt_1"]


@pytest.mark.parametrize(("left_ms", "runs"), [(60_000, 1), (-1, 2)], ids=["while it may run", "after its time"])
def test_a_run_that_was_broken_off_is_run_again_once_its_time_is_over(
    platform: Platform, left_ms: int, runs: int
) -> None:
    """A killed function raises nothing that anybody could catch."""

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    invocation.begin(invocation.ByHand(left_ms))
    consumer = Consumer(die)
    with pytest.raises(Killed):
        each_message(batch(EVENT), consumer, consumer="one")
    consumer.besides = lambda: None
    again = each_message(batch(EVENT), consumer, consumer="one")
    assert (len(consumer.seen), again) == (runs, DONE if runs == 2 else failed("m0"))
    [record] = records(platform)
    assert record["st"]["S"] == ("COMPLETED" if runs == 2 else "INPROGRESS")


def test_a_record_lives_for_a_day(platform: Platform) -> None:
    consumer = Consumer()
    each_message(batch(EVENT), consumer, consumer="one")
    [record] = records(platform)
    key = {name: record[name] for name in ("pk", "sk")}
    platform.client("dynamodb").update_item(
        TableName=TABLE, Key=key, UpdateExpression="SET #t = #t - :d", ExpressionAttributeNames={"#t": "ttl"},
        ExpressionAttributeValues={":d": {"N": str(24 * 60 * 60 + 1)}},
    )  # fmt: skip
    each_message(batch(EVENT), consumer, consumer="one")
    assert consumer.seen == ["evt_1", "evt_1"]


def test_a_message_that_asks_for_work_is_done_each_time(platform: Platform) -> None:
    work = [{"messageId": "m", "body": json.dumps({"kind": "page"})}]
    done: list[Any] = []
    for _ in range(2):
        assert each_message(work, done.append, consumer="one") == DONE
    assert (len(done), records(platform)) == (2, [])


def test_what_a_consumer_may_repeat_is_handed_on_each_time_and_gets_no_record(platform: Platform) -> None:
    consumer = Consumer()
    one, other = (json.dumps({"detail-type": kind, "detail": EVENT}) for kind in ("thing.listed", "thing.made"))
    for body in (one, other, one, other):
        message = [{"messageId": "m", "body": body}]
        assert each_message(message, consumer, consumer="one", repeatable="thing.listed".__eq__) == DONE
    assert (len(consumer.seen), len(records(platform))) == (3, 1)


def test_the_webhook_sender_and_the_lists_of_orders_take_an_event_again_without_a_record(platform: Platform) -> None:
    """Their items carry their own conditions: what is written the second time is what stood there."""
    shop = a_shop(platform)
    endpoint = {"url": "https://shop.example.com/hooks", "events": ["*"]}
    assert shop.api.post("/v1/webhook-endpoints", endpoint, token=shop.key).status == 201
    shop.authorize(60_000)
    [told] = [event for event in platform.events() if event.type == "authorization.approved"]
    body = json.dumps({"source": "whitenote", "detail-type": told.type, "detail": told.to_dict()})
    message = {"Records": [{"messageId": "m0", "body": body}]}
    before = platform.items()
    assert (webhooks(message), project(message)) == (DONE, DONE)
    once = platform.items()
    assert len(once) == len(before) + 5  # the event, its row, its delivery; the order's row and timer
    assert (webhooks(message), project(message)) == (DONE, DONE)
    assert (platform.items(), records(platform)) == (once, [])


@pytest.mark.parametrize("kind", ["dispute.closed", "checkout.confirmed", "credit_line.opened"])
def test_what_begins_something_keeps_its_record(kind: str) -> None:
    assert not is_repeatable(kind)


class Event:
    """What Chalice hands over."""

    def __init__(self, context: object) -> None:
        self.context = context

    def to_dict(self) -> dict[str, Any]:
        return {"Records": []}


@pytest.mark.usefixtures("platform")
def test_the_end_of_the_invocation_is_the_triggers() -> None:
    run("functions.platform.bus.workers:project", Event(invocation.ByHand(1_234)))
    assert invocation.context().get_remaining_time_in_millis() == 1_234
    run("functions.platform.bus.workers:project", Event(None))
    assert invocation.context().get_remaining_time_in_millis() == 60_000
