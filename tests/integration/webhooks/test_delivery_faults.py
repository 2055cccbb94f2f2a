"""Whatever comes twice or dies in between, an event arrives, under one id."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.core.errors import UnavailableError
from functions.webhooks.delivery_service import LEASE, deliver
from functions.webhooks.events import on_message, webhooks
from tests.builders.platform import Platform
from tests.builders.webhooks import Hooked, Receiver, Wire, told


@pytest.mark.pain(18)
def test_an_event_that_comes_twice_is_kept_and_delivered_once(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    wire.put(dict(wire.waiting[0][2]))
    wire.run(hours=1)
    assert len(receiver.requests) == 1
    assert len([each for each in merchant.events() if each["type"] == "checkout.created"]) == 1


def test_a_delivery_message_that_comes_many_times_sends_once(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    wire.step()
    message = dict(wire.waiting[0][2])
    for _ in range(4):
        wire.put(dict(message))
    wire.run(hours=1)
    assert len(receiver.requests) == 1


class Killed(BaseException):
    """The function is gone; nothing after this line runs."""


def test_a_death_between_sending_and_marking_sends_again_under_the_same_id(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    wire.step()
    message = dict(wire.waiting[0][2])
    with monkeypatch.context() as patch:
        patch.setattr("functions.webhooks.delivery_service._mark", _killed)
        with pytest.raises(Killed):
            wire.step()
    assert merchant.delivery(event_id)["status"] == "pending"
    deliver(message)
    assert len(receiver.requests) == 1, "the claim lives: nobody else sends"
    wire.run(hours=LEASE / timedelta(hours=1) + 0.1)
    assert [each.headers["webhook-id"] for each in receiver.requests] == [event_id] * 2
    assert merchant.delivery(event_id)["status"] == "delivered"


def _killed(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("lost", [False, True], ids=["not applied", "answer lost"])
@pytest.mark.parametrize("write", range(4))
def test_a_storage_fault_at_any_write_delivers_in_the_end(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform, write: int, lost: bool
) -> None:
    """Keep, claim, mark, health: each fails once, and the message comes again as SQS brings it."""
    merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    client = platform.tables.connection.client
    original, seen = client._make_api_call, []

    def call(name: str, parameters: dict[str, Any]) -> Any:
        if name != "TransactWriteItems":
            return original(name, parameters)
        seen.append(name)
        if len(seen) != write + 1:
            return original(name, parameters)
        if lost:
            original(name, parameters)
        from botocore.exceptions import ConnectionClosedError

        raise ConnectionClosedError(endpoint_url="injected")

    client._make_api_call = call
    try:
        for _ in range(12):
            if not wire.waiting:
                break
            message = wire.waiting[0]
            try:
                wire.step()
            except UnavailableError:
                wire.put(message[2], platform.clock.wall() + timedelta(seconds=360))
    finally:
        client._make_api_call = original
    assert merchant.delivery(event_id)["status"] == "delivered"
    assert {each.headers["webhook-id"] for each in receiver.requests} == {event_id}
    assert len(receiver.requests) <= 2


def test_a_queue_that_is_away_loses_nothing(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform
) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    event = wire.waiting[0][2]
    sqs = platform.client("sqs")
    original = sqs._make_api_call
    sqs._make_api_call = _away
    try:
        with pytest.raises(UnavailableError):
            wire.step()
    finally:
        sqs._make_api_call = original
    wire.put(event)
    wire.run()
    assert len(receiver.requests) == 1


def _away(*_: object) -> None:
    from botocore.exceptions import EndpointConnectionError

    raise EndpointConnectionError(endpoint_url="injected")


def test_one_bad_message_of_a_batch_comes_back_alone(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    wire.step()
    good = json.dumps(wire.waiting[0][2])
    records = [{"messageId": "good", "body": good}, {"messageId": "bad", "body": "{}"}]
    assert webhooks({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert len(receiver.requests) == 1


def test_a_whole_batch_is_sent_side_by_side(merchant: Hooked, wire: Wire) -> None:
    """Ten receivers that answer only when all ten have been asked."""
    import threading

    barrier = threading.Barrier(10, timeout=20)

    def wait_for_all(_: Any) -> bool:
        barrier.wait()
        return False

    with Receiver(wait_for_all) as slow:
        for _ in range(10):
            merchant.endpoint(slow.url, events=["checkout.*"])
        wire.tell()
        told(merchant, wire)
        wire.step()
        records = [{"messageId": str(n), "body": json.dumps(each[2])} for n, each in enumerate(wire.waiting)]
        assert len(records) == 10
        assert webhooks({"Records": records}) == {"batchItemFailures": []}
        assert len(slow.requests) == 10


def test_a_message_of_an_event_that_is_over_is_dropped(platform: Platform) -> None:
    on_message({"kind": "delivery", "event": "evt_gone", "endpoint": "whk_gone", "try": 1})
