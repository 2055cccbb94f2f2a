"""Staff are paged over the topic, once per event; a lost dispute of a stranger's order is a label."""

from __future__ import annotations

import json

import pytest

from functions.core.errors import UnavailableError
from functions.risk.casework.labels import label_of
from functions.risk.events import learn_of_dispute, page
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.builders.suspicion import suspect


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def listening(platform: Platform) -> str:
    """A queue that hears what the topic says."""
    sqs = platform.client("sqs")
    url: str = sqs.create_queue(QueueName="staff")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    platform.client("sns").subscribe(TopicArn=platform.settings.alerts_topic_arn, Protocol="sqs", Endpoint=arn)
    return url


def test_an_alert_pages_the_staff_once_with_objects_and_reasons(shop: Shop) -> None:
    url = listening(shop.platform)
    order = shop.authorize(60_000)["id"]
    suspect(shop, "velocity", "line", "alert", "suspend", "open_case", order=order)
    [alert] = [e for e in shop.platform.events() if e.type == "fraud.alert"]
    body = json.dumps({"source": "whitenote", "detail-type": alert.type, "detail": alert.to_dict()})
    batch = {"Records": [{"messageId": "1", "body": body}, {"messageId": "2", "body": body}]}
    assert page(batch) == {"batchItemFailures": []}
    [said] = shop.platform.drain(url)
    assert said["Subject"] == "Fraud alert (high): velocity"
    assert order in said["Message"]
    assert "seen" in said["Message"]
    assert shop.customer_id in said["Message"]


def test_a_page_that_the_topic_did_not_take_comes_again(shop: Shop) -> None:
    suspect(shop, "velocity", "line", "alert", "open_case")
    [alert] = [e for e in shop.platform.events() if e.type == "fraud.alert"]
    body = json.dumps({"detail": alert.to_dict()})
    shop.platform.client("sns").delete_topic(TopicArn=shop.platform.settings.alerts_topic_arn)
    assert page({"Records": [{"messageId": "1", "body": body}]}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert UnavailableError.status == 503


@pytest.mark.parametrize(("kind", "status", "fraud"), [("unauthorized", "lost", True), ("not_received", "lost", None)])
def test_a_lost_dispute_of_an_order_nobody_made_is_a_label(
    shop: Shop, kind: str, status: str, fraud: bool | None
) -> None:
    order = shop.authorize(60_000)["id"]
    dispute = {"kind": kind, "status": status, "authorization_id": order}
    event = {"object_id": order, "occurred_at": "2026-12-01T00:00:00Z", "data": {"dispute": dispute}}
    learn_of_dispute(event)
    learn_of_dispute(event)
    found = label_of(order)
    assert (found.fraud if found else None) is fraud
