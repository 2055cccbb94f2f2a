"""What a queue's consumer answers."""

from __future__ import annotations

import json

from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.stream import dumps


def messages(*bodies):
    return [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]


def test_only_failed_messages_come_back():
    def handle(body):
        if body["n"] == 1:
            raise ValueError("poison")

    answer = each_message(messages('{"n": 0}', '{"n": 1}', '{"n": 2}', "not json"), handle, consumer="x")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m3"}]}


def test_an_event_is_the_detail_of_its_message():
    assert event_of({"version": "0", "detail": {"id": "evt_1"}}) == {"id": "evt_1"}


def test_bytes_and_sets_of_an_image_become_json():
    assert json.loads(dumps({"b": b"\x00", "s": {3, 1}})) == {"b": "AA==", "s": [1, 3]}
