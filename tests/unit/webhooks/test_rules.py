"""Retry table, body, signature: the pure rules of delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from functions.platform.bus.registry import EVENT_TYPES, MERCHANT
from functions.webhooks import retry
from functions.webhooks.payload import MASKED, MAX_BYTES, MERCHANT_TYPES, body_of, is_pattern, is_subscribed
from functions.webhooks.retry import Outcome
from functions.webhooks.signature import secret_of, secret_text, signed_headers

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
KEY = b"k" * 32


def event(**changes):
    return {
        "id": "evt_1", "type": "capture.created", "version": 1, "object_id": "cap_1", "sequence": 1,
        "occurred_at": "2026-11-22T08:00:00.000Z", "request_id": "req", "merchant_id": "mer_1", "customer_id": "cus_1",
        "data": {"capture": {"id": "cap_1"}}, **changes,
    }  # fmt: skip


def test_the_retry_table_is_the_published_one():
    instants = [AT]
    while (following := retry.next_try(len(instants), instants[-1])) is not None:
        instants.append(following)
    hours = [(b - a) / timedelta(hours=1) for a, b in pairwise(instants)]
    assert hours == [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]


def test_a_test_event_is_tried_once():
    assert retry.next_try(1, AT, most=1) is None


@pytest.mark.parametrize(("status", "outcome"), [
    (200, Outcome.DELIVERED), (204, Outcome.DELIVERED), (299, Outcome.DELIVERED), (410, Outcome.GONE),
    (301, Outcome.AGAIN), (307, Outcome.AGAIN), (199, Outcome.AGAIN), (404, Outcome.AGAIN), (500, Outcome.AGAIN),
    (None, Outcome.AGAIN),
])  # fmt: skip
def test_only_a_success_is_a_delivery_and_a_redirect_is_none(status: int | None, outcome: Outcome):
    assert retry.outcome_of(status) is outcome


def test_the_queue_waits_up_to_fifteen_minutes_and_never_too_short():
    assert retry.queue_delay_s(timedelta(minutes=15)) == 900
    assert retry.queue_delay_s(timedelta(minutes=15, milliseconds=1)) is None
    assert retry.queue_delay_s(timedelta(seconds=4, milliseconds=1)) == 5
    assert retry.queue_delay_s(-timedelta(seconds=9)) == 0


def test_the_body_is_the_event_without_what_is_not_the_merchants():
    import json

    body = json.loads(body_of(event()))
    assert "customer_id" not in body
    assert "merchant_id" not in body
    assert body["data"] == {"capture": {"id": "cap_1"}}
    assert (body["object"], body["sequence"]) == ("event", 1)


def test_a_sensitive_category_is_masked_wherever_it_stands():
    text = body_of(event(data={"checkout": {"category": "health"}, "list": [{"category": "health"}]}))
    assert "health" not in text
    assert text.count(MASKED) == 2
    assert '"category":"travel"' in body_of(event(data={"checkout": {"category": "travel"}}))


@given(st.integers(0, 60_000), st.sampled_from(["x", "é", "界"]))
def test_a_body_is_always_under_twenty_kilobytes(size: int, character: str):
    body = body_of(event(data={"note": character * size}))
    assert len(body.encode()) < MAX_BYTES
    assert ('"omitted":"too_large"' in body) == (len(character.encode()) * size + 240 > MAX_BYTES) or size > 5_000


def test_merchants_may_subscribe_to_every_type_of_theirs_and_to_no_other():
    for name, kind in EVENT_TYPES.items():
        assert is_pattern(name) == (kind.audience == MERCHANT), name
    assert set(MERCHANT_TYPES) == {name for name, kind in EVENT_TYPES.items() if kind.audience == MERCHANT}
    assert is_pattern("*")
    assert is_pattern("capture.*")
    assert not is_pattern("reminder.*")
    assert not is_pattern("captur*")


def test_a_pattern_takes_its_own_kind_only():
    assert is_subscribed(("capture.*",), "capture.created")
    assert not is_subscribed(("capture.*",), "checkout.created")
    assert not is_subscribed(("capture.created",), "capture.created_again")
    assert is_subscribed(("refund.created", "*"), "plan.created")


def test_a_receiver_verifies_with_either_secret_while_a_rotation_overlaps():
    now = datetime.now(UTC)
    old, new = secret_of(KEY, "whk_1", 1), secret_of(KEY, "whk_1", 2)
    headers = signed_headers("evt_1", now, '{"a":1}', [new, old])
    for secret in (old, new):
        assert Webhook(secret_text(secret)).verify('{"a":1}', headers) == {"a": 1}
    assert len(headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize("change", ["body", "id", "timestamp", "secret"])
def test_whatever_is_changed_on_the_way_shows(change: str):
    now = datetime.now(UTC)
    secret = secret_of(KEY, "whk_1", 1)
    headers, body = signed_headers("evt_1", now, '{"a":1}', [secret]), '{"a":1}'
    if change == "body":
        body = '{"a":2}'
    elif change == "id":
        headers["webhook-id"] = "evt_2"
    elif change == "timestamp":
        headers["webhook-timestamp"] = str(int(now.timestamp()) + 1)
    else:
        secret = secret_of(KEY, "whk_2", 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(secret)).verify(body, headers)


def test_a_secret_is_of_its_environment_endpoint_and_generation():
    made = {secret_of(key, name, n) for key in (KEY, b"o" * 32) for name in ("whk_1", "whk_2") for n in (1, 2)}
    assert len(made) == 8
    assert all(len(secret) == 32 for secret in made)
