"""One role per function: what infra/policies/<function>.json says its code calls, plus what its triggers and logs need.

The files are plain IAM statements. `${Table.Arn}` and the like stand for the stack's own resources. No wildcard stands
on a data action: tests/infrastructure reads every file, and compares it with the calls that the functions really made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.functions import FunctionSpec

POLICY_FOLDER = Path(__file__).with_name("policies")

# What every function needs so that powertools and Lambda can write its log lines and traces, on its own group only.
_TRACING = {
    "Sid": "Traces",
    "Effect": "Allow",
    "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    "Resource": "*",
}

Statement = Mapping[str, Any]


def load_statements(spec: FunctionSpec, folder: Path = POLICY_FOLDER) -> list[dict[str, Any]]:
    """The statements of the function's own file.

    Raises:
        FileNotFoundError: The function has no policy file; an empty list is a decision, no file is an oversight.
    """
    statements: list[dict[str, Any]] = json.loads((folder / f"{spec.name}.json").read_text(encoding="utf-8"))
    return statements


def role(spec: FunctionSpec, triggers: Iterable[Statement], folder: Path = POLICY_FOLDER) -> dict[str, Any]:
    """The function's role as a CloudFormation resource."""
    logs = {
        "Sid": "Logs",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": [f"{spec.logical_id}Logs", "Arn"]},
    }
    statements = [logs, _TRACING, *triggers, *(_substituted(s) for s in load_statements(spec, folder))]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": spec.suffix,
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
        },
    }


def _substituted(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, str) and "${" in value:
        return {"Fn::Sub": value}
    if isinstance(value, list):
        return [_substituted(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _substituted(inner) for name, inner in value.items()}
    return value
