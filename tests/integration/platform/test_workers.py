"""The workers that know no business word: publisher, projector, dead letters, and how a trigger reaches them."""

from __future__ import annotations

import json
import sys
import types

import pytest

from functions.platform.bus import registry, workers
from functions.platform.bus.registry import EVENT_TYPES, MERCHANT, Renderers
from functions.platform.bus.stream import dumps
from functions.platform.bus.triggers import run
from tests.builders.customers import a_customer


def sqs(*bodies, queue="projections-dlq"):
    arn = f"arn:aws:sqs:eu-central-1:123456789012:whitenote-{queue}"
    return {"Records": [{"messageId": f"m{n}", "body": body, "eventSourceARN": arn} for n, body in enumerate(bodies)]}


def test_a_state_change_reaches_the_bus_once_per_delivery(platform):
    sqs_client, events = platform.client("sqs"), platform.client("events")
    url = sqs_client.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs_client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="whitenote", EventPattern=json.dumps({"source": ["whitenote"]}))
    events.put_targets(Rule="all", EventBusName="whitenote", Targets=[{"Id": "q", "Arn": arn}])
    customer = a_customer()
    records = platform.records()
    assert workers.publish(records) == {"batchItemFailures": []}
    assert workers.publish(records) == {"batchItemFailures": []}
    one, again = platform.drain(url)
    assert one["detail"] == again["detail"]
    assert (one["detail"]["type"], one["detail"]["object_id"]) == ("customer.created", customer.id)


def test_a_record_that_cannot_be_rendered_is_parked_whole(platform):
    a_customer()
    records = platform.records()
    told = [record for record in records["Records"] if "ob" in record["dynamodb"].get("NewImage", {})]
    del told[0]["dynamodb"]["NewImage"]["idn"]
    whole = json.loads(dumps(told[0]))  # bytes in base 64, as everything on a queue
    assert workers.publish(records) == {"batchItemFailures": []}
    (parked,) = platform.drain(platform.settings.parking_queue_url)
    assert (parked["consumer"], parked["record"]) == ("publisher", whole)


@pytest.fixture
def projection(monkeypatch):
    seen = []

    def project(envelope):
        if envelope["type"] == "thing.broken":
            raise ValueError("poison")
        seen.append(envelope["id"])

    fake = types.ModuleType("own_projection")
    fake.project = project
    monkeypatch.setitem(sys.modules, "own_projection", fake)
    monkeypatch.setattr(registry, "PROJECTIONS", {"thing": "own_projection:project"})
    return seen


def event(event_id, kind):
    return json.dumps({"detail": {"id": event_id, "type": kind}})


def test_an_event_goes_to_the_owner_of_its_type_and_others_are_dropped(platform, projection):
    answer = workers.project(sqs(event("1", "thing.made"), event("2", "other.made"), event("3", "thing.gone")))
    assert (answer, projection) == ({"batchItemFailures": []}, ["1", "3"])


def test_only_what_failed_comes_again(platform, projection):
    answer = workers.project(sqs(event("1", "thing.made"), event("2", "thing.broken"), "not json"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert projection == ["1"]


def letters(platform):
    return [item for item in platform.items() if item["pk"]["S"].startswith("dead_")]


def test_a_dead_letter_is_kept_whole_and_once(platform):
    body = json.dumps({"n": '"' * 60_000})
    for _ in range(2):
        assert workers.bury(sqs(body)) == {"batchItemFailures": []}
    (item,) = letters(platform)
    assert (item["sr"]["S"], item["b"]["S"]) == ("whitenote-projections-dlq", body)


def test_letters_of_different_queues_are_different_letters(platform):
    workers.bury(sqs("{}"))
    workers.bury(sqs("{}", queue="webhooks-dlq"))
    assert len(letters(platform)) == 2


def test_a_letter_that_cannot_be_kept_stays_in_its_queue(platform):
    with platform.failing("TransactWriteItems"):
        assert workers.bury(sqs("{}", "{}")) == {
            "batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
        }


class Event:
    context = None

    def __init__(self, body):
        self.body = body

    def to_dict(self):
        return self.body


def test_a_trigger_runs_the_worker_behind_its_path(platform):
    assert run("functions.platform.bus.workers:bury", Event(sqs("{}"))) == {"batchItemFailures": []}
    assert len(letters(platform)) == 1


def test_metrics_are_flushed_even_when_the_worker_fails(platform, capsys):
    from functions.platform.observability import count

    class Failing(Event):
        def to_dict(self):
            count("Tried")
            raise ValueError("no event")

    with pytest.raises(ValueError, match="no event"):
        run("functions.platform.bus.workers:bury", Failing({}))
    assert '"Tried"' in capsys.readouterr().out


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_type_has_an_audience_and_a_name_of_two_words(kind):
    assert EVENT_TYPES[kind].audience in {MERCHANT, registry.CUSTOMER, registry.STAFF}
    subject, _, verb = kind.partition(".")
    assert subject.replace("_", "").isalpha()
    assert verb.replace("_", "").isalpha()


@pytest.mark.parametrize(
    "kind", [kind for kind in EVENT_TYPES if kind.partition(".")[0] in {"customer", "merchant", "api_key"}]
)
def test_the_renderers_of_customers_and_merchants_are_there(kind):
    assert callable(Renderers()[kind])


def test_an_event_of_no_type_has_no_renderer():
    with pytest.raises(KeyError):
        Renderers()["thing.unknown"]
