"""A dead letter goes once more to whoever could not take it."""

from __future__ import annotations

import json
from typing import Any

from functions.platform.bus.workers import bury
from tests.builders.platform import Platform
from tests.builders.shop import a_shop, all_api


def buried(platform: Platform, queue: str, body: dict[str, Any]) -> str:
    record = {
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:1:whitenote-{queue}", "messageId": queue, "body": json.dumps(body),
        "attributes": {"SentTimestamp": "1795900000000"},
    }  # fmt: skip
    assert bury({"Records": [record]}) == bury({"Records": [record]}) == {"batchItemFailures": []}
    letters = all_api().get("/v1/dead-letters", token=platform.staff_token("auditor"))["data"]
    return str(next(letter["id"] for letter in letters if letter["source"] == f"whitenote-{queue}"))


def replay(platform: Platform, letter: str, key: str = "k") -> Any:
    return all_api().post(f"/v1/dead-letters/{letter}/replay", {}, token=platform.staff_token("operator"), key=key)


def test_a_letter_of_a_queue_goes_back_to_that_queue_once_per_command(platform: Platform) -> None:
    letter = buried(platform, "projections-dlq", {"detail": {"id": "evt_1"}, "detail-type": "plan.created"})
    url = platform.client("sqs").get_queue_url(QueueName="whitenote-projections")["QueueUrl"]
    first, again = replay(platform, letter), replay(platform, letter)
    assert (first["status"], first["replayed_by"], again.replayed) == ("replayed", "stf_1", True)
    assert platform.drain(url) == [{"detail": {"id": "evt_1"}, "detail-type": "plan.created"}]
    shown = all_api().get(f"/v1/dead-letters/{letter}", token=platform.staff_token("auditor"))
    assert (shown["event_id"], shown["event_type"]) == ("evt_1", "plan.created")


def test_a_parked_record_is_taken_by_its_consumer_again(platform: Platform) -> None:
    shop = a_shop(platform)
    order = shop.authorize(60_000)["id"]
    record = next(r for r in platform.records(reader="x")["Records"] if r["dynamodb"]["Keys"]["pk"]["S"] == order)
    letter = buried(platform, "parking", {"consumer": "risk", "reason": "ValueError", "record": record})
    assert replay(platform, letter).status == 200
    assert [i for i in platform.items() if i["pk"]["S"].startswith("seen#risk#")]


def test_an_event_that_was_not_delivered_is_put_on_the_bus_again(platform: Platform) -> None:
    shop = a_shop(platform)
    shop.authorize(60_000)
    event = platform.events()[-1]
    letter = buried(platform, "undelivered", {"source": "whitenote", "detail": event.to_dict()})
    assert replay(platform, letter).status == 200


def test_what_nobody_can_take_is_left_for_a_person(platform: Platform) -> None:
    letter = buried(platform, "undelivered", {"requestContext": {"condition": "RetriesExhausted"}})
    refused = replay(platform, letter)
    assert (refused.status, refused["code"]) == (409, "not_replayable")
