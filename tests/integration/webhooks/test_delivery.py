"""Deliveries: signed, tried by the table, given up, disabled."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from functions.webhooks.retry import DELAYS
from functions.webhooks.store import DeliveryItem
from tests.builders.platform import Platform
from tests.builders.webhooks import Hooked, Receiver, Wire, told


def test_an_event_arrives_signed_and_says_what_the_list_says(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url)
    event_id = told(merchant, wire)
    wire.run()
    (got,) = receiver.requests
    assert got.headers["webhook-id"] == event_id == got.json["id"]
    assert got.headers["content-type"] == "application/json"
    assert got.json["data"]["checkout"]["status"] == "open"
    assert merchant.events()[0] == got.json
    delivery = merchant.delivery(event_id)
    assert (delivery["status"], delivery["tries"], delivery["last_status"]) == ("delivered", 1, 204)


@pytest.mark.pain(18)
def test_each_events_sequence_is_higher_than_the_one_before_it_of_the_same_object(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    order = merchant.order()
    merchant.cancel(order["id"])
    wire.tell()
    wire.waiting.reverse()  # the queue keeps no order
    wire.run()
    by_sequence = sorted(receiver.requests, key=lambda each: each.json["sequence"])
    assert [each.json["type"] for each in by_sequence] == ["checkout.created", "checkout.cancelled"]
    assert [each.json["sequence"] for each in by_sequence] == [1, 2]
    assert {each.json["object_id"] for each in by_sequence} == {order["id"]}


def test_an_endpoint_is_told_only_what_it_asked_for(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["refund.*"])
    told_before = len(receiver.requests)
    event_id = told(merchant, wire)
    wire.run()
    assert len(receiver.requests) == told_before
    assert merchant.event(event_id)["deliveries"] == []


def test_failed_tries_come_again_by_the_published_table_and_then_the_endpoint_is_disabled(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform
) -> None:
    made = merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [500] * 20
    begun = platform.clock.wall()
    instants: list[float] = []
    step = wire.step

    def noted() -> dict[str, Any]:
        before = len(receiver.requests)
        body = step()
        if len(receiver.requests) > before:
            instants.append((platform.clock.wall() - begun).total_seconds())
        return body

    wire.step = noted  # type: ignore[method-assign]
    wire.run(hours=77)
    assert [b - a for a, b in pairwise(instants)] == [each.total_seconds() for each in DELAYS]
    delivery = merchant.delivery(event_id)
    assert (delivery["status"], delivery["tries"], delivery["next_try_at"]) == ("failed", 10, None)
    view = merchant.read(made["id"])
    assert (view["status"], view["disabled_reason"]) == ("disabled", "failing")
    assert view["health"]["state"] == "failing"
    assert view["health"]["consecutive_failures"] == 10
    assert wire.tell() == ["webhook_endpoint.disabled"]
    assert wire.sweep() == 0


def test_the_sandboxs_clock_neither_hurries_a_waiting_webhook_nor_stops_for_it(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform
) -> None:
    from functions.servicing.sweep import look_ahead, peek

    merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    receiver.answers = [500] * 3
    wire.run(hours=0.2)
    tried = len(receiver.requests)
    assert tried == 3
    platform.clock.advance_business(timedelta(days=90))
    assert peek(platform.clock.now(), 25) == []
    assert look_ahead(platform.clock.now() - timedelta(days=100), 1) == (None, None)
    wire.sweep()
    wire._drain(platform.clock.wall())
    assert len(receiver.requests) == tried
    wire.run(hours=0.6)
    assert len(receiver.requests) == tried + 1


def test_gone_disables_at_once_and_tells_the_merchants_other_endpoints(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    with Receiver() as other:
        made = merchant.endpoint(receiver.url, events=["checkout.*"])
        merchant.endpoint(other.url, events=["webhook_endpoint.*"])
        wire.tell()
        receiver.answers = [410]
        told(merchant, wire)
        wire.run()
        assert merchant.read(made["id"])["disabled_reason"] == "gone"
        assert wire.tell() == ["webhook_endpoint.disabled"]
        wire.run()
        assert other.types() == ["webhook_endpoint.disabled"]
    told(merchant, wire)
    wire.run(hours=1)
    assert len(receiver.requests) == 1


def test_one_event_that_a_receiver_chokes_on_does_not_cost_it_all_the_others(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    made = merchant.endpoint(receiver.url, events=["checkout.*"])
    told(merchant, wire)
    receiver.answers = [500]
    wire.run()
    told(merchant, wire)
    receiver.answers = [204]
    wire.run()
    receiver.answers = [500] * 20
    wire.run(hours=77)
    assert merchant.read(made["id"])["status"] == "enabled"


def test_what_waits_for_an_endpoint_that_was_disabled_meanwhile_is_not_sent(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    made = merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [500]
    wire.run()
    merchant.api.patch(f"/v1/webhook-endpoints/{made['id']}", {"status": "disabled"}, token=merchant.key)
    wire.run(hours=1)
    assert len(receiver.requests) == 1
    delivery = merchant.delivery(event_id)
    assert (delivery["status"], delivery["last_problem"]) == ("failed", "endpoint_not_enabled")


def test_a_redirect_counts_as_a_failure(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [301]
    wire.run()
    assert merchant.delivery(event_id)["status"] == "pending"
    assert merchant.delivery(event_id)["last_status"] == 301
    assert [each.path for each in receiver.requests] == ["/hooks"]


def test_a_delivery_item_is_small(merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [500] * 4
    wire.run(hours=1)
    (endpoint_id,) = [each["endpoint_id"] for each in merchant.event(event_id)["deliveries"]]
    item = platform.tables.get(DeliveryItem, event_id, endpoint_id)
    assert item is not None
    assert len(json.dumps(item.serialize(), default=str)) < 1_024
