"""Every trigger has somewhere for its failures to go, and everything that goes there is read."""

from __future__ import annotations

import json

import pytest

from functions.platform.bus.publisher import SOURCE
from functions.platform.bus.registry import EVENT_TYPES, MERCHANT, projections_of
from functions.servicing import events as servicing
from infra.functions import FunctionSpec
from infra.triggers import UnknownSourceError, wire
from tests.infrastructure.reading import Resources, of_type

pytestmark = pytest.mark.xdist_group("template")


def test_every_queue_a_function_reads_has_a_dead_letter_queue(resources: Resources) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    read = {
        m["EventSourceArn"]["Fn::GetAtt"][0]
        for m in of_type(resources, "AWS::Lambda::EventSourceMapping").values()
        if m["EventSourceArn"]["Fn::GetAtt"][1] == "Arn"
    }
    assert read
    for name in read:
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues, name
        assert redrive["maxReceiveCount"] >= 3, name


def test_every_dead_letter_is_read_and_only_the_last_queue_is_not(resources: Resources) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    targets = {
        q["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for q in queues.values() if "RedrivePolicy" in q
    }
    read = {
        m["EventSourceArn"]["Fn::GetAtt"][0]
        for m in of_type(resources, "AWS::Lambda::EventSourceMapping").values()
        if m["FunctionName"] == {"Ref": "DeadLetters"}
    }
    assert targets - read == {"LostQueue"}
    assert {"ParkingQueue", "UndeliveredQueue"} <= read


def test_a_message_stays_hidden_for_six_times_its_readers_timeout(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    queues = of_type(resources, "AWS::SQS::Queue")
    for name, mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").items():
        source, attribute = mapping["EventSourceArn"]["Fn::GetAtt"]
        if attribute == "Arn":
            timeout = functions[mapping["FunctionName"]["Ref"]]["Timeout"]
            assert queues[source]["VisibilityTimeout"] >= 6 * timeout, name


def test_dead_letters_are_kept_two_weeks(resources: Resources) -> None:
    for name, queue in of_type(resources, "AWS::SQS::Queue").items():
        assert queue["MessageRetentionPeriod"] == 14 * 86400, name
        assert queue["SqsManagedSseEnabled"], name


def test_every_trigger_reports_single_failures(resources: Resources) -> None:
    for name, mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_every_stream_consumer_gives_up_somewhere_and_bisects(resources: Resources) -> None:
    streams = {
        n: m
        for n, m in of_type(resources, "AWS::Lambda::EventSourceMapping").items()
        if m["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
    }
    assert streams
    for name, mapping in streams.items():
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
            "Fn::GetAtt": ["UndeliveredQueue", "Arn"]
        }, name
        assert mapping["BisectBatchOnFunctionError"] is True, name
        assert 3 <= mapping["MaximumRetryAttempts"] <= 10000, name
        assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3600, name
        assert mapping["StartingPosition"] == "TRIM_HORIZON", name
        for item in mapping.get("FilterCriteria", {}).get("Filters", []):
            assert isinstance(json.loads(item["Pattern"]), dict), name


def test_a_table_has_at_most_two_stream_consumers(resources: Resources) -> None:
    """DynamoDB throttles a third reader of one shard."""
    tables = [
        m["EventSourceArn"]["Fn::GetAtt"][0]
        for m in of_type(resources, "AWS::Lambda::EventSourceMapping").values()
        if m["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
    ]
    assert all(tables.count(table) <= 2 for table in tables)


def test_every_schedule_and_bus_rule_has_somewhere_for_what_it_cannot_deliver(resources: Resources) -> None:
    schedules = of_type(resources, "AWS::Scheduler::Schedule")
    assert schedules
    for name, schedule in schedules.items():
        assert schedule["Target"]["DeadLetterConfig"], name
        assert json.loads(schedule["Target"]["Input"])["time"], name
        function = schedule["Target"]["Arn"]["Fn::GetAtt"][0]
        assert resources[f"{function}Async"]["Properties"]["DestinationConfig"]["OnFailure"], name
    rules = of_type(resources, "AWS::Events::Rule")
    assert rules
    for name, rule in rules.items():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}}, name


def test_the_bus_may_send_to_every_queue_its_rules_name(resources: Resources) -> None:
    (statement,) = resources["BusQueuesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {json.dumps(r) for r in statement["Resource"]}
    for rule in of_type(resources, "AWS::Events::Rule").values():
        for target in rule["Targets"]:
            assert json.dumps(target["Arn"]) in allowed
            assert json.dumps(target["DeadLetterConfig"]["Arn"]) in allowed


def test_a_queue_that_does_not_exist_is_refused(specs: dict[str, FunctionSpec]) -> None:
    event = {"Type": "SQS", "Properties": {"Queue": {"Fn::Sub": "arn:x:sqs:r:a:typo"}}}
    with pytest.raises(UnknownSourceError, match="typo"):
        wire(specs["projector"], (event,))


def routed(resources: Resources, rule: str, event_type: str) -> bool:
    pattern = resources[rule]["Properties"]["EventPattern"]
    assert pattern["source"] == [SOURCE]
    return any(event_type.startswith(choice["prefix"]) for choice in pattern["detail-type"])


def test_every_event_reaches_the_queue_of_who_must_hear_it(resources: Resources) -> None:
    """And messages, which cost the most, get no event that no one is told of."""
    for kind, event in EVENT_TYPES.items():
        assert routed(resources, "ProjectionsRule", kind) or not projections_of(kind), kind
        assert routed(resources, "WebhooksRule", kind) or event.audience != MERCHANT, kind
        assert routed(resources, "MessagesRule", kind) == (kind in servicing._ON_EVENT), kind
