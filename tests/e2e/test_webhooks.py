"""Webhooks the whole way: stream, bus, queue, sender, a real receiver on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.builders.remote import RemoteShop, eventually
from tests.builders.webhooks import Received, Receiver
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def endpoint(shop: RemoteShop, receiver: Receiver) -> Iterator[dict[str, Any]]:
    made = shop.post("/v1/webhook-endpoints", {"url": receiver.url}, token=shop.key)
    yield made
    shop.call("DELETE", f"/v1/webhook-endpoints/{made['id']}", token=shop.key)


def arrived(receiver: Receiver, kind: str, object_id: str) -> Received:
    def look() -> Received | None:
        found = (each for each in receiver.requests if each.json["type"] == kind)
        return next((each for each in found if each.json["object_id"] == object_id), None)

    result: Received = eventually(f"{kind} of {object_id}", look)
    return result


def test_a_purchase_is_told_signed_and_stands_in_the_list(
    shop: RemoteShop, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    auth = shop.authorize(shop.newcomer(), 60_000)
    capture = shop.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": 60_000}, token=shop.key)
    told = arrived(receiver, "authorization.approved", auth["id"])
    assert Webhook(endpoint["secret"]).verify(told.body, told.headers) == told.json
    assert told.json["data"]["authorization"]["status"] == "approved"
    arrived(receiver, "capture.created", capture["id"])

    def delivered() -> bool:
        event = shop.get(f"/v1/events/{told.json['id']}", shop.key)
        return [d["status"] for d in event["deliveries"] if d["endpoint_id"] == endpoint["id"]] == ["delivered"]

    eventually("the delivery is marked", delivered)
    assert told.json["id"] in {event["id"] for event in shop.get("/v1/events?limit=100", shop.key)["data"]}


def refuse_first_tries(receiver: Receiver, kind: str) -> None:
    """Of every event of a kind the first try fails, whatever else is told meanwhile."""

    def status_for(received: Received) -> int:
        name = received.headers["webhook-id"]
        is_first = sum(each.headers["webhook-id"] == name for each in receiver.requests) == 1
        return 500 if received.json["type"] == kind and is_first else 204

    receiver.status_for = status_for  # type: ignore[method-assign]


def test_a_failed_delivery_comes_again_and_a_replay_sends_once_more(
    shop: RemoteShop, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    refuse_first_tries(receiver, "checkout.created")
    reference = f"hooked-{time.time_ns()}"
    order = {"amount_minor": 5_000, "currency": "CNY", "category": "electronics", "reference": reference}
    checkout = shop.post("/v1/checkouts", order, token=shop.key)
    first = arrived(receiver, "checkout.created", checkout["id"])
    event_id = first.json["id"]

    def times(count: int) -> bool:
        return sum(each.headers["webhook-id"] == event_id for each in receiver.requests) >= count

    eventually("the second try, after five seconds", lambda: times(2))
    shop.post(f"/v1/events/{event_id}/replay", {"endpoint_id": endpoint["id"]}, token=shop.key, status=202)
    eventually("the replay", lambda: times(3))


def test_a_test_event_arrives(shop: RemoteShop, receiver: Receiver, endpoint: dict[str, Any]) -> None:
    path = f"/v1/webhook-endpoints/{endpoint['id']}/test"
    asked = shop.post(path, {}, token=shop.key, status=202)
    told = arrived(receiver, "webhook_endpoint.tested", endpoint["id"])
    assert told.headers["webhook-id"] == asked["last_test_event_id"]
