"""Events as their merchant reads them: thirty days, its own, nothing of the customer; replayed when asked."""

from __future__ import annotations

import json
from datetime import timedelta

from functions.platform.storage import keys
from functions.webhooks.event_service import keep
from functions.webhooks.store import KEPT, EventItem
from tests.builders.platform import Platform
from tests.builders.shop import a_shop
from tests.builders.webhooks import Hooked, Receiver, Wire, a_hooked_merchant, told


def test_nobody_hears_of_another_merchants_events(
    merchant: Hooked, platform: Platform, receiver: Receiver, wire: Wire
) -> None:
    other = a_hooked_merchant(platform)
    other.endpoint(receiver.url)
    event_id = told(merchant, wire)
    wire.run()
    assert receiver.requests == []
    assert other.event(event_id).status == 404
    assert other.events() == []
    assert other.api.post(f"/v1/events/{event_id}/replay", {}, token=other.key).status == 404


def test_an_event_is_kept_thirty_days_and_no_longer(
    merchant: Hooked, receiver: Receiver, wire: Wire, platform: Platform
) -> None:
    event_id = told(merchant, wire)
    wire.run()
    platform.clock.advance(KEPT - timedelta(seconds=1))
    assert merchant.event(event_id).status == 200
    platform.clock.advance(timedelta(seconds=1))
    assert merchant.event(event_id).status == 404
    assert merchant.events() == []
    item = platform.tables.get(EventItem, event_id)
    assert item is not None
    assert item.ttl == int(platform.clock.wall().timestamp())


def test_a_replay_sends_again_under_the_same_id_with_a_new_round_of_tries(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    made = merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [410]
    wire.run()
    wire.tell()
    path = f"/v1/events/{event_id}/replay"
    nobody = merchant.api.post(path, {}, token=merchant.key)
    assert nobody["deliveries"][0]["status"] == "failed", "disabled: not replayed to unless it is named"
    asked = merchant.api.post(path, {"endpoint_id": made["id"]}, token=merchant.key, key="again")
    assert (asked.status, asked["deliveries"][0]["status"]) == (202, "pending")
    replay = merchant.api.post(path, {"endpoint_id": made["id"]}, token=merchant.key, key="again")
    assert replay.replayed
    receiver.answers = [500]
    wire.run(hours=0.1)
    assert [each.headers["webhook-id"] for each in receiver.requests] == [event_id] * 3
    assert merchant.delivery(event_id)["tries"] == 3


def test_a_replay_reaches_an_endpoint_that_is_newer_than_the_event(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    event_id = told(merchant, wire)
    wire.run()
    merchant.endpoint(receiver.url)
    wire.tell()
    merchant.api.post(f"/v1/events/{event_id}/replay", {}, token=merchant.key)
    wire.run()
    assert receiver.requests[0].headers["webhook-id"] == event_id


def test_a_replay_hurries_what_waits(merchant: Hooked, receiver: Receiver, wire: Wire) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    event_id = told(merchant, wire)
    receiver.answers = [500] * 5
    wire.run(hours=3)
    receiver.answers = []
    before = len(receiver.requests)
    merchant.api.post(f"/v1/events/{event_id}/replay", {}, token=merchant.key)
    wire.run()
    assert len(receiver.requests) == before + 1
    wire.run(hours=6)
    assert len(receiver.requests) == before + 1, "what the index still held is not sent a second time"


def test_what_merchants_do_not_hear_of_is_not_kept(merchant: Hooked, platform: Platform) -> None:
    for kind in ("reminder.sent", "case.opened", "nothing.known"):
        keep({"type": kind, "id": "evt_x", "merchant_id": merchant.id})
    keep({"type": "capture.created", "id": "evt_y", "merchant_id": None})
    assert merchant.events() == []
    assert not [item for item in platform.items() if item["pk"]["S"] == keys.listing(merchant.id, "event")]


def test_an_order_with_a_hundred_long_lines_is_told_and_its_lines_are_read_by_its_id(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    merchant.endpoint(receiver.url, events=["checkout.*"])
    wire.tell()
    lines = [{"name": "x" * 200, "unit_amount_minor": 1_000} for _ in range(100)]
    merchant.order(100_000, lines=lines)
    wire.tell()
    wire.run()
    (got,) = receiver.requests
    assert len(got.body.encode()) < 20_000
    assert got.json["data"]["checkout"]["amount_minor"] == 100_000
    assert "lines" not in got.json["data"]["checkout"]
    assert merchant.api.get(f"/v1/checkouts/{got.json['object_id']}", token=merchant.key)["lines"]


def test_a_whole_purchase_tells_its_merchant_nothing_of_the_customer(platform: Platform, receiver: Receiver) -> None:
    """Every event that a purchase with an alert makes, as its merchant reads it."""
    shop = a_shop(platform)
    with Wire(platform) as wire:
        hooked = Hooked(platform, shop.api, shop.merchant_id, shop.key)
        for number in range(8):  # at once: a rule must speak
            shop.authorize(10_000 + number)
        from functions.risk.events import check

        for _ in range(3):
            check(platform.records(reader="risk"))
            wire.tell()
        wire.run()
        kinds = {each["type"] for each in hooked.events()}
        assert {"authorization.approved", "authorization.suspended", "fraud.alert"} <= kinds
        text = json.dumps(hooked.events())
        for private in (shop.customer_id, "grade", "rules", "reasons", "line#", "income", "customer"):
            assert private not in text, private
