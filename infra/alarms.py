"""Alarms and the dashboard: for every function, queue and stream, from the same tables the template is made of.

Each alarm has its runbook in docs/operations.md under its own name; tests/infrastructure holds that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.chalice_output import STAGE_NAME
from infra.functions import FunctionSpec
from infra.triggers import QUEUES

METRICS_NAMESPACE = "Whitenote"
_DEAD = (
    "ProjectionsDlq", "MessagesDlq", "AssessmentsDlq", "WebhooksDlq", "SweepDlq", "TillsDlq", "ParkingQueue",
    "UndeliveredQueue",
)  # fmt: skip
_HOUR_MS = 3600 * 1000

Resources = dict[str, dict[str, Any]]


def _alarm(
    name: str,
    says: str,
    metric: tuple[str, str],
    dimensions: Mapping[str, Any],
    *,
    statistic: str = "Sum",
    threshold: float = 0,
    period_s: int = 60,
    periods: int = 1,
) -> dict[str, Any]:
    percentile = statistic.startswith("p")
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": "${AWS::StackName}-" + name},
            "AlarmDescription": f"{says} Runbook: docs/operations.md, {name.split('.', maxsplit=1)[0]}",
            "Namespace": metric[0],
            "MetricName": metric[1],
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "ExtendedStatistic" if percentile else "Statistic": statistic,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
            "Period": period_s,
            "EvaluationPeriods": periods,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "AlertsTopic"}],
            "OKActions": [{"Ref": "AlertsTopic"}],
        },
    }


def alarms(specs: Mapping[str, FunctionSpec], streaming: Iterable[str]) -> Resources:
    """Every alarm.

    Args:
        specs: All functions.
        streaming: Names of those that read a stream.
    """
    out: Resources = {}
    for spec in specs.values():
        function = {"FunctionName": {"Ref": spec.logical_id}}
        out[f"{spec.logical_id}ErrorsAlarm"] = _alarm(
            f"function-errors.{spec.suffix}", "The function failed.", ("AWS/Lambda", "Errors"), function, periods=3
        )
        out[f"{spec.logical_id}ThrottlesAlarm"] = _alarm(
            f"function-throttles.{spec.suffix}", "Lambda refused to run it.", ("AWS/Lambda", "Throttles"), function,
            periods=3,
        )  # fmt: skip
    for name in streaming:
        spec = specs[name]
        out[f"{spec.logical_id}IteratorAgeAlarm"] = _alarm(
            f"iterator-age.{spec.suffix}", "A stream is read over an hour late.", ("AWS/Lambda", "IteratorAge"),
            {"FunctionName": {"Ref": spec.logical_id}}, statistic="Maximum", threshold=_HOUR_MS, periods=5,
        )  # fmt: skip
    for queue in (*_DEAD, "LostQueue"):
        lost = queue == "LostQueue"
        out[f"{queue}DepthAlarm"] = _alarm(
            "lost-messages" if lost else f"dead-letter-depth.{queue}",
            "Even the dead letter consumer failed." if lost else "Dead letters are not being stored.",
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible"), {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}},
            statistic="Maximum", periods=1 if lost else 5,
        )  # fmt: skip
    for queue in (
        "ProjectionsQueue", "MessagesQueue", "AssessmentsQueue", "WebhooksQueue", "SweepQueue", "TillsQueue",
    ):  # fmt: skip
        out[f"{queue}AgeAlarm"] = _alarm(
            f"queue-age.{queue}", "A message has waited over 15 minutes.",
            ("AWS/SQS", "ApproximateAgeOfOldestMessage"), {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}},
            statistic="Maximum", threshold=900, periods=3,
        )  # fmt: skip
    api = {"ApiName": {"Ref": "AWS::StackName"}, "Stage": STAGE_NAME}
    own = {"service": "whitenote"}
    out |= {
        "DeadLetteredAlarm": _alarm(
            "dead-lettered", "A message was given up on and stored.", ("AWS/Lambda", "Invocations"),
            {"FunctionName": {"Ref": "DeadLetters"}},
        ),
        "ApiErrorsAlarm": _alarm(
            "api-5xx", "The API answers with server errors.", ("AWS/ApiGateway", "5XXError"), api, threshold=5,
            periods=3,
        ),
        "ApiLatencyAlarm": _alarm(
            "api-latency", "The slowest one in a hundred takes over 3 s.", ("AWS/ApiGateway", "Latency"), api,
            statistic="p99", threshold=3000, periods=5,
        ),
        **{
            f"Table{what}ThrottlesAlarm": _alarm(
                f"table-throttles.{what.lower()}s", "DynamoDB refused requests.",
                ("AWS/DynamoDB", f"{what}ThrottleEvents"), {"TableName": {"Ref": "Table"}}, periods=3,
            )
            for what in ("Read", "Write")
        },
        "SweepLagAlarm": _alarm(
            "sweep-lag", "Plans wait over an hour for what is due.", (METRICS_NAMESPACE, "SweepLagSeconds"), own,
            statistic="Maximum", threshold=3600, period_s=300, periods=3,
        ),
        "WebhookEndpointsDisabledAlarm": _alarm(
            "webhook-endpoints-disabled", "A merchant's webhook endpoint was given up on.",
            (METRICS_NAMESPACE, "WebhookEndpointDisabled"), own, period_s=300,
        ),
        "ModelDriftAlarm": _alarm(
            "model-drift", "The people who are scored no longer look like those of training.",
            (METRICS_NAMESPACE, "ModelDriftAlarms"), own, period_s=3600,
        ),
        "FraudChampionAlarm": _alarm(
            "fraud-champion", "Orders are scored by another fraud model than people chose.",
            (METRICS_NAMESPACE, "fraud_champion_not_carried"), own, period_s=300,
        ),
        "LedgerLagAlarm": _alarm(
            "ledger-lag", "Ledger entries wait over 15 minutes for their place in the log.",
            (METRICS_NAMESPACE, "LedgerLagSeconds"), own, statistic="Maximum", threshold=900, period_s=300, periods=3,
        ),
        "PaymentCodesGuessedAlarm": _alarm(
            "payment-codes-guessed", "Somebody is guessing payment codes.",
            (METRICS_NAMESPACE, "payment_code_wrong"), own, threshold=25, period_s=600,
        ),
    }  # fmt: skip
    return out


def dashboard(specs: Mapping[str, FunctionSpec], streaming: Iterable[str]) -> dict[str, Any]:
    """One page: is money moving, is anything late, is anything lost."""
    stack, region = "${AWS::StackName}", "${AWS::Region}"
    names = {spec.name: f"{stack}-{spec.suffix}" for spec in specs.values()}
    dead = [f"{stack}-{_physical(queue)}" for queue in _DEAD] + [f"{stack}-lost"]
    rows: list[tuple[str, list[list[Any]], str]] = [
        ("Authorizations a minute", [[METRICS_NAMESPACE, m, "service", "whitenote"] for m in (
            "authorization_approved", "authorization_held", "authorization_declined")], "Sum"),
        ("Time in the payment API, ms", [["AWS/Lambda", "Duration", "FunctionName", names["pay_api"], {"stat": s}]
            for s in ("p50", "p99")], "p99"),
        ("API answers", [["AWS/ApiGateway", m, "ApiName", stack, "Stage", STAGE_NAME] for m in (
            "Count", "4XXError", "5XXError")], "Sum"),
        ("Lag, s", [[METRICS_NAMESPACE, m, "service", "whitenote"] for m in ("SweepLagSeconds", "LedgerLagSeconds")],
            "Maximum"),
        ("Stream age, ms", [["AWS/Lambda", "IteratorAge", "FunctionName", names[n]] for n in streaming], "Maximum"),
        ("Queues, messages", [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
            f"{stack}-{q}"] for q in ("projections", "messages", "assessments", "webhooks", "sweep",
            "tills")], "Maximum"),
        ("Dead letters", [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q] for q in dead], "Maximum"),
        ("Function errors", [["AWS/Lambda", "Errors", "FunctionName", n] for n in names.values()], "Sum"),
        ("Function throttles", [["AWS/Lambda", "Throttles", "FunctionName", n] for n in names.values()], "Sum"),
        ("Table units", [["AWS/DynamoDB", m, "TableName", stack] for m in (
            "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")], "Sum"),
    ]  # fmt: skip
    widgets = [
        {
            "type": "metric", "x": 12 * (i % 2), "y": 6 * (i // 2), "width": 12, "height": 6,
            "properties": {"title": title, "metrics": metrics, "stat": stat, "period": 60, "region": region},
        }
        for i, (title, metrics, stat) in enumerate(rows)
    ]  # fmt: skip
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Ref": "AWS::StackName"},
            "DashboardBody": {"Fn::Sub": json.dumps({"widgets": widgets}, separators=(",", ":"))},
        },
    }


def _physical(queue: str) -> str:
    return next(short for short, logical in QUEUES.items() if logical == queue)
