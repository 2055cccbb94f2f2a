"""Endpoints over HTTP: made once, changed, rotated, tested, deleted; each merchant its own."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from functions.webhooks.endpoint_service import MOST_ENDPOINTS
from tests.builders.platform import Platform
from tests.builders.webhooks import Hooked, Receiver, Wire, a_hooked_merchant

URL = "https://shop.example.com/hooks"


def test_the_secret_is_shown_at_creation_and_to_a_replay_within_ten_minutes_only(
    merchant: Hooked, platform: Platform
) -> None:
    made = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    assert made["secret"].startswith("whsec_")
    again = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    assert (again["id"], again["secret"], again.replayed) == (made["id"], made["secret"], True)
    assert "secret" not in merchant.read(made["id"]).body
    platform.clock.advance(timedelta(minutes=10))
    late = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    assert (late["id"], late["secret"]) == (made["id"], None)


@pytest.mark.pain(23)
def test_a_key_with_another_body_is_refused(merchant: Hooked) -> None:
    merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    other = merchant.api.post("/v1/webhook-endpoints", {"url": URL + "2"}, token=merchant.key, key="k")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")


def test_no_secret_is_stored(merchant: Hooked, platform: Platform) -> None:
    secret = merchant.endpoint(URL)["secret"]
    assert secret.removeprefix("whsec_") not in repr(platform.items())


def test_an_acknowledgement_lost_at_creation_leads_to_the_same_endpoint(merchant: Hooked, platform: Platform) -> None:
    with platform.failing("TransactWriteItems", lost=True):
        lost = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    assert lost.status == 503
    again = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key, key="k")
    assert again.status == 201
    assert again["secret"]
    assert len(merchant.api.get("/v1/webhook-endpoints", token=merchant.key)["data"]) == 1


def test_another_merchants_endpoint_is_not_there(merchant: Hooked, platform: Platform) -> None:
    made, other = merchant.endpoint(URL), a_hooked_merchant(platform)
    path = f"/v1/webhook-endpoints/{made['id']}"
    answers = [
        other.api.get(path, token=other.key),
        other.api.patch(path, {"description": "mine"}, token=other.key),
        other.api.delete(path, token=other.key),
        other.api.post(f"{path}/rotate", {}, token=other.key),
        other.api.post(f"{path}/test", {}, token=other.key),
    ]
    assert [answer.status for answer in answers] == [404] * 5
    assert other.api.get("/v1/webhook-endpoints", token=other.key)["data"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://shop.example.com/"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": URL, "events": ["reminder.sent"]}, "/events/0"),
        ({"url": URL, "events": ["capture.created", "nothing.*"]}, "/events/1"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "surprise": 1}, "/surprise"),
        ({}, "/url"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(merchant: Hooked, body: dict[str, object], pointer: str) -> None:
    refused = merchant.api.post("/v1/webhook-endpoints", body, token=merchant.key)
    assert refused.status == 422
    assert refused["errors"][0]["pointer"] == pointer


def test_a_merchant_has_at_most_sixteen(merchant: Hooked) -> None:
    made = [merchant.endpoint(f"{URL}/{number}") for number in range(MOST_ENDPOINTS)]
    refused = merchant.api.post("/v1/webhook-endpoints", {"url": URL}, token=merchant.key)
    assert (refused.status, refused["code"]) == (409, "too_many_endpoints")
    merchant.api.delete(f"/v1/webhook-endpoints/{made[0]['id']}", token=merchant.key)
    assert merchant.endpoint(URL).status == 201


def test_changing_says_what_it_is_now_and_the_same_again_changes_nothing(merchant: Hooked) -> None:
    path = f"/v1/webhook-endpoints/{merchant.endpoint(URL)['id']}"
    change = {"events": ["refund.*", "capture.created"], "status": "disabled", "description": "orders"}
    changed = merchant.api.patch(path, change, token=merchant.key)
    assert (changed["events"], changed["status"]) == (["refund.*", "capture.created"], "disabled")
    assert changed["disabled_reason"] == "merchant"
    assert merchant.api.patch(path, change, token=merchant.key)["version"] == changed["version"]
    enabled = merchant.api.patch(path, {"status": "enabled"}, token=merchant.key)
    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
    assert merchant.api.patch(path, {}, token=merchant.key).status == 422


def test_deleting_again_answers_the_same_and_nothing_reads_it_any_more(merchant: Hooked) -> None:
    path = f"/v1/webhook-endpoints/{merchant.endpoint(URL)['id']}"
    assert merchant.api.delete(path, token=merchant.key)["status"] == "deleted"
    assert merchant.api.delete(path, token=merchant.key)["status"] == "deleted"
    assert merchant.api.get(path, token=merchant.key).status == 404
    assert merchant.api.patch(path, {"status": "enabled"}, token=merchant.key).status == 404


def test_both_secrets_sign_while_a_rotation_overlaps_and_the_old_one_ends_in_time(
    merchant: Hooked, platform: Platform, receiver: Receiver, wire: Wire
) -> None:
    made = merchant.endpoint(receiver.url)
    path = f"/v1/webhook-endpoints/{made['id']}/rotate"
    rotated = merchant.api.post(path, {"overlap_s": 3600}, token=merchant.key)
    assert rotated["secret"] != made["secret"]
    assert len(rotated["former_secrets_until"]) == 1
    for advance, count in ((0, 2), (3600, 1)):
        platform.clock.advance(timedelta(seconds=advance))
        merchant.order()
        wire.tell()
        wire.run()
        assert len(receiver.requests[-1].headers["webhook-signature"].split()) == count
    signed = receiver.requests[0].headers["webhook-signature"].split()
    at, body = platform.clock.wall() - timedelta(seconds=3600), receiver.requests[0].body
    expected = [
        Webhook(secret).sign(receiver.requests[0].headers["webhook-id"], at, body)
        for secret in (rotated["secret"], made["secret"])
    ]
    assert signed == expected


def test_a_leaked_secret_ends_at_once(merchant: Hooked) -> None:
    path = f"/v1/webhook-endpoints/{merchant.endpoint(URL)['id']}/rotate"
    for _ in range(2):
        merchant.api.post(path, {}, token=merchant.key)
    refused = merchant.api.post(path, {}, token=merchant.key)
    assert (refused.status, refused["code"]) == (409, "rotation_under_way")
    assert merchant.api.post(path, {"overlap_s": 0}, token=merchant.key)["former_secrets_until"] == []


def test_rotating_with_the_same_key_rotates_once(merchant: Hooked) -> None:
    path = f"/v1/webhook-endpoints/{merchant.endpoint(URL)['id']}/rotate"
    first = merchant.api.post(path, {}, token=merchant.key, key="r")
    again = merchant.api.post(path, {}, token=merchant.key, key="r")
    assert (again["secret"], again["version"], again.replayed) == (first["secret"], first["version"], True)


def test_a_test_event_goes_the_whole_way_to_this_endpoint_alone_and_is_tried_once(
    merchant: Hooked, receiver: Receiver, wire: Wire
) -> None:
    with Receiver() as other:
        merchant.endpoint(other.url)
        made = merchant.endpoint(receiver.url, events=["refund.created"])
        path = f"/v1/webhook-endpoints/{made['id']}"
        merchant.api.patch(path, {"status": "disabled"}, token=merchant.key)
        receiver.answers = [500]
        asked = merchant.api.post(f"{path}/test", {}, token=merchant.key, key="t")
        assert asked.status == 202
        assert merchant.api.post(f"{path}/test", {}, token=merchant.key, key="t").replayed
        wire.tell()
        wire.run(hours=1)
        assert receiver.types() == ["webhook_endpoint.tested"]
        assert other.requests == []
    (delivery,) = merchant.event(asked["last_test_event_id"])["deliveries"]
    assert (delivery["status"], delivery["last_status"], delivery["tries"]) == ("failed", 500, 1)
    assert receiver.url not in receiver.requests[0].body


_keys = itertools.count()


def test_what_others_change_meanwhile_is_not_lost(merchant: Hooked, platform: Platform) -> None:
    """A write that loses the race is decided again on what is there now."""
    made = merchant.endpoint(URL)
    path = f"/v1/webhook-endpoints/{made['id']}"
    client = platform.tables.connection.client
    original, raced = client._make_api_call, []

    def call(name: str, parameters: dict[str, object]) -> object:
        if name == "TransactWriteItems" and not raced:
            raced.append(name)
            merchant.api.patch(path, {"description": "quicker"}, token=merchant.key)
        return original(name, parameters)

    client._make_api_call = call
    try:
        changed = merchant.api.patch(path, {"events": ["refund.*"]}, token=merchant.key)
    finally:
        client._make_api_call = original
    assert (changed["description"], changed["events"]) == ("quicker", ["refund.*"])
