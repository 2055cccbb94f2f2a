"""From what app.py declares to event source mappings and schedules, each with somewhere for its failures to go.

app.py names queues and streams by short names (`projections`, `whitenote-ledger`): no account, no region, no stream
date ever stands in the code. Here they become references to the stack's own resources.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.functions import FunctionSpec, logical_id

QUEUES = {
    "projections": "ProjectionsQueue",
    "messages": "MessagesQueue",
    "assessments": "AssessmentsQueue",
    "webhooks": "WebhooksQueue",
    "staff-alerts": "StaffAlertsQueue",
    "tills": "TillsQueue",
    "sweep": "SweepQueue",
    "projections-dlq": "ProjectionsDlq",
    "messages-dlq": "MessagesDlq",
    "assessments-dlq": "AssessmentsDlq",
    "webhooks-dlq": "WebhooksDlq",
    "staff-alerts-dlq": "StaffAlertsDlq",
    "tills-dlq": "TillsDlq",
    "sweep-dlq": "SweepDlq",
    "parking": "ParkingQueue",
    "undelivered": "UndeliveredQueue",
}
ALL_DEAD_LETTERS = "dead-letters"
"""A queue name that stands for the function's `sources` alone."""

STREAMS = {"whitenote": "Table", "whitenote-ledger": "LedgerTable"}

# A service that is away may be away for long: about four hours at Lambda's back-off, inside the stream's 24.
_STREAM_RETRIES = 240
_STREAM_MAX_AGE_S = 23 * 3600

SCHEDULED_EVENT = {
    "version": "0",
    "id": "<aws.scheduler.execution-id>",
    "detail-type": "Scheduled Event",
    "source": "aws.scheduler",
    "account": "",
    "time": "<aws.scheduler.scheduled-time>",
    "region": "",
    "resources": ["<aws.scheduler.schedule-arn>"],
    "detail": {},
}
"""Chalice's schedule handlers want a whole CloudWatch event; Scheduler fills in the marks."""

Resources = dict[str, dict[str, Any]]
Statement = dict[str, Any]


class UnknownSourceError(LookupError):
    """app.py names a queue or stream that the template does not have."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a function's triggers need.

    Args:
        resources: Event source mappings and schedules.
        statements: What its role must be allowed, so that Lambda can read the source and report failures.
    """

    resources: Resources
    statements: tuple[Statement, ...]


def wire(spec: FunctionSpec, events: tuple[Mapping[str, Any], ...]) -> Wiring:
    """Mappings, schedules and rights for all events of one function.

    Raises:
        UnknownSourceError: A queue or stream that the stack does not have.
    """
    resources: Resources = {}
    statements: list[Statement] = []
    for event in events:
        properties = event["Properties"]
        if event["Type"] == "SQS":
            queues = list(_queues(spec, properties))
            for queue in queues:
                resources[f"{spec.logical_id}From{queue}"] = _queue_mapping(spec, queue, properties)
            statements.append(
                {
                    "Effect": "Allow",
                    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    "Resource": [{"Fn::GetAtt": [queue, "Arn"]} for queue in queues],
                }
            )
        elif event["Type"] == "DynamoDB":
            table = _look_up(STREAMS, properties["Stream"], "stream")
            resources[f"{spec.logical_id}From{table}"] = _stream_mapping(spec, table, properties)
            statements += _stream_statements(table)
        elif event["Type"] == "Schedule":
            resources[f"{spec.logical_id}Schedule"] = _schedule(spec, properties["Schedule"])
            resources[f"{spec.logical_id}Async"] = _async_config(spec)
            statements.append(_may_report_failures())
        else:
            raise UnknownSourceError(f"{spec.name}: no rule for a {event['Type']} trigger")
    return Wiring(resources, tuple(statements))


def _look_up(known: Mapping[str, str], name: str, kind: str) -> str:
    if name not in known:
        raise UnknownSourceError(f"{kind} {name!r}: app.py may name {', '.join(sorted(known))}")
    return known[name]


def _queues(spec: FunctionSpec, properties: Mapping[str, Any]) -> Iterator[str]:
    name = str(properties["Queue"]["Fn::Sub"]).rpartition(":")[2]
    if name != ALL_DEAD_LETTERS:
        yield _look_up(QUEUES, name, "queue")
    for source in spec.sources:
        yield _look_up(QUEUES, source, "queue")


def _queue_mapping(spec: FunctionSpec, queue: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]},
            "FunctionName": {"Ref": spec.logical_id},
            "BatchSize": properties.get("BatchSize", 10),
            "MaximumBatchingWindowInSeconds": properties.get("MaximumBatchingWindowInSeconds", 0),
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": {"Fn::If": ["IsLive", spec.concurrency, 2]}},
        },
    }


def _stream_mapping(spec: FunctionSpec, table: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    mapping: dict[str, Any] = {
        "EventSourceArn": {"Fn::GetAtt": [table, "StreamArn"]},
        "FunctionName": {"Ref": spec.logical_id},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": properties.get("BatchSize", 40),
        "MaximumBatchingWindowInSeconds": properties.get("MaximumBatchingWindowInSeconds", 0),
        "ParallelizationFactor": {"Fn::If": ["IsLive", spec.parallel, 1]},
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": _STREAM_RETRIES,
        "MaximumRecordAgeInSeconds": _STREAM_MAX_AGE_S,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}}},
    }
    if spec.filters:
        mapping["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in spec.filters]}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping}


def _stream_statements(table: str) -> list[Statement]:
    return [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            "Resource": {"Fn::GetAtt": [table, "StreamArn"]},
        },
        # ListStreams knows no resource: AWS's own service authorization reference.
        {"Effect": "Allow", "Action": ["dynamodb:ListStreams"], "Resource": "*"},
        _may_report_failures(),
    ]


def _may_report_failures() -> Statement:
    return {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]},
    }


def _schedule(spec: FunctionSpec, expression: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": {"Fn::Sub": "${AWS::StackName}-" + spec.suffix},
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": [spec.logical_id, "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["SchedulerRole", "Arn"]},
                "Input": json.dumps(SCHEDULED_EVENT, separators=(",", ":")),
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}},
            },
        },
    }


def _async_config(spec: FunctionSpec) -> dict[str, Any]:
    """Scheduler invokes asynchronously: what fails inside the function is Lambda's to retry and to report."""
    return {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": spec.logical_id},
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 3600,
            "DestinationConfig": {
                "OnFailure": {"Destination": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}},
            },
        },
    }


def scheduler_role(scheduled: list[FunctionSpec]) -> Resources:
    """The one role with which Scheduler invokes the scheduled functions; nothing if there is none."""
    if not scheduled:
        return {}
    return {
        "SchedulerRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "scheduler.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "schedules",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": ["lambda:InvokeFunction"],
                                    "Resource": [{"Fn::GetAtt": [logical_id(s.name), "Arn"]} for s in scheduled],
                                },
                                _may_report_failures(),
                            ],
                        },
                    }
                ],
            },
        }
    }
