"""Least privilege, as far as a template can show it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.functions import FunctionSpec
from infra.policies import POLICY_FOLDER, load_statements

pytestmark = pytest.mark.xdist_group("template")

# These know no resource: AWS's service authorization reference.
WITHOUT_RESOURCE = {
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "dynamodb:ListStreams",
    "cloudwatch:PutMetricData",
}


def statements(resources: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, statement)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_action_is_a_wildcard(resources: dict[str, dict[str, Any]]) -> None:
    for role, statement in statements(resources):
        for action in as_list(statement["Action"]):
            assert "*" not in action, (role, action)


def test_no_data_action_is_allowed_on_everything(resources: dict[str, dict[str, Any]]) -> None:
    for role, statement in statements(resources):
        if "NotResource" in statement:
            # A text message to a phone has no ARN; what it must not reach is every topic.
            assert as_list(statement["Action"]) == ["sns:Publish"], role
            assert statement["NotResource"] == {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}, role
        elif "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCE, (role, statement["Action"])


def test_every_statement_allows_and_names_resources_of_the_stack(resources: dict[str, dict[str, Any]]) -> None:
    for role, statement in statements(resources):
        assert statement["Effect"] == "Allow", role
        for resource in as_list(statement.get("Resource", [])):
            assert resource == "*" or isinstance(resource, dict), (role, resource)


def test_the_ledger_can_only_be_added_to(resources: dict[str, dict[str, Any]]) -> None:
    forbidden = {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQLUpdate",
                 "dynamodb:PartiQLDelete", "dynamodb:DeleteTable", "dynamodb:UpdateTable"}  # fmt: skip
    for role, statement in statements(resources):
        if "LedgerTable" in json.dumps(statement.get("Resource")):
            assert not forbidden & set(as_list(statement["Action"])), role


def test_every_function_has_a_policy_file_and_every_file_a_function(specs: dict[str, FunctionSpec]) -> None:
    assert {path.stem for path in POLICY_FOLDER.glob("*.json")} == set(specs)
    for spec in specs.values():
        for statement in load_statements(spec):
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition"}
            assert statement["Sid"], spec.name


def test_a_function_logs_to_its_own_group_only(
    resources: dict[str, dict[str, Any]], specs: dict[str, FunctionSpec]
) -> None:
    for spec in specs.values():
        role = resources[f"{spec.logical_id}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        logs = [s for s in role if any(a.startswith("logs:") for a in as_list(s["Action"]))]
        assert [s["Resource"] for s in logs] == [{"Fn::GetAtt": [f"{spec.logical_id}Logs", "Arn"]}]


def test_only_the_functions_that_sign_may_sign(resources: dict[str, dict[str, Any]]) -> None:
    signers = {role for role, s in statements(resources) if "kms:Sign" in as_list(s["Action"])}
    assert signers <= {"CheckpointRole"}
