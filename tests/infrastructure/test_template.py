"""What only AWS would tell us otherwise, after the deployment: rules that the whole template keeps."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.chalice_output import Declared
from infra.functions import FunctionSpec
from infra.manifest import ROOT
from infra.policies import load_statements
from infra.template import PARAMETERS, RUNTIME, TemplateError, build, dumps
from tests.infrastructure.reading import Resources, of_type, strings, walk

pytestmark = pytest.mark.xdist_group("template")


def test_the_same_app_gives_the_same_bytes(declared: Declared, specs: dict[str, FunctionSpec]) -> None:
    assert dumps(build(declared, specs)) == dumps(build(declared, specs))


def test_nothing_refers_to_what_is_not_there(template: dict[str, Any]) -> None:
    known = template["Resources"].keys() | template["Parameters"].keys()
    for value in walk(template["Resources"]):
        if isinstance(value, dict) and len(value) == 1:
            ((name, target),) = value.items()
            if name == "Ref" and not target.startswith("AWS::"):
                assert target in known, target
            if name == "Fn::GetAtt":
                assert target[0] in template["Resources"], target
            if name == "Fn::If":
                assert target[0] in template["Conditions"], target
            if name == "Fn::Sub" and isinstance(target, str):
                for mark in re.findall(r"\$\{([^!}]+)\}", target):
                    assert mark.startswith("AWS::") or mark.split(".")[0] in known, target
    for name, resource in template["Resources"].items():
        depends = resource.get("DependsOn", [])
        for other in [depends] if isinstance(depends, str) else depends:
            assert other in template["Resources"], (name, other)


def test_a_conditional_resource_is_used_only_under_its_condition(template: dict[str, Any]) -> None:
    conditional = {n: r["Condition"] for n, r in template["Resources"].items() if "Condition" in r}

    def check(value: Any, granted: frozenset[str], where: str) -> None:
        if isinstance(value, dict):
            if set(value) == {"Fn::If"}:
                condition, yes, no = value["Fn::If"]
                check(yes, granted | {condition}, where)
                check(no, granted, where)
                return
            used = {value.get("Ref")} | {(value.get("Fn::GetAtt") or [None])[0]}
            if isinstance(value.get("Fn::Sub"), str):
                used |= {mark.split(".")[0] for mark in re.findall(r"\$\{([^!}]+)\}", value["Fn::Sub"])}
            for name in used & conditional.keys():
                assert conditional[name] in granted, f"{where} uses {name} outside {conditional[name]}"
            for inner in value.values():
                check(inner, granted, where)
        elif isinstance(value, list):
            for inner in value:
                check(inner, granted, where)

    for name, resource in template["Resources"].items():
        check(resource["Properties"], frozenset({resource["Condition"]} if "Condition" in resource else ()), name)
    check(template["Outputs"], frozenset(), "Outputs")


def test_every_function_says_its_runtime_memory_and_timeout(
    resources: Resources, specs: dict[str, FunctionSpec]
) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    assert len(functions) == len(specs)
    for name, function in functions.items():
        assert function["Runtime"] == RUNTIME, name
        assert function["MemorySize"] >= 256, name
        assert 1 <= function["Timeout"] <= 900, name
        assert function["Architectures"] == [{"Ref": "Architecture"}], name


def test_code_comes_from_s3_under_parameters(resources: Resources) -> None:
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        code = function["Code"]
        assert code["S3Bucket"] == {"Ref": "CodeBucket"}, name
        assert code["S3Key"]["Ref"] in {"MlCode", "ConsoleCode", "WorkerCode"}, name


def test_only_the_scoring_functions_carry_the_models(resources: Resources) -> None:
    heavy = {
        n for n, f in of_type(resources, "AWS::Lambda::Function").items() if f["Code"]["S3Key"] == {"Ref": "MlCode"}
    }
    assert heavy == {"PayApi", "CreditApi", "Assessor"}


def test_the_authorizer_does_not_run_app_py(resources: Resources) -> None:
    assert resources["Authorizer"]["Properties"]["Handler"].startswith("functions.")


def test_every_function_has_its_own_role_and_log_group(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    roles = {json.dumps(f["Role"]) for f in functions.values()}
    assert len(roles) == len(functions)
    for name, function in functions.items():
        group = resources[function_logs(resources, name)]["Properties"]
        assert group["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"]
        assert group["RetentionInDays"]


def function_logs(resources: Resources, function: str) -> str:
    logs = resources[function]["DependsOn"]
    assert resources[logs]["Type"] == "AWS::Logs::LogGroup"
    return logs


def test_every_name_begins_with_the_stacks_name_so_that_stacks_live_side_by_side(resources: Resources) -> None:
    named = ("Name", "FunctionName", "QueueName", "TableName", "BucketName", "TopicName", "AlarmName", "DashboardName",
             "UserPoolName", "TrailName", "UsagePlanName", "ClientName")  # fmt: skip
    for logical, resource in resources.items():
        if (
            resource["Type"] in {"AWS::Lambda::Permission", "AWS::CloudWatch::Alarm"}
            and "FunctionName" in resource["Properties"]
        ):
            continue
        for prop in named:
            value = resource["Properties"].get(prop)
            if value is None or resource["Type"] in {
                "AWS::Lambda::EventSourceMapping",
                "AWS::Lambda::EventInvokeConfig",
            }:
                continue
            text = value.get("Ref") or value.get("Fn::Sub", "")
            assert text == "AWS::StackName" or text.startswith("${AWS::StackName}-"), (logical, prop)


def test_no_stream_arn_or_account_is_written_down(template: dict[str, Any]) -> None:
    for text in strings(template):
        assert "/stream/20" not in text, text
        assert not re.search(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{12}:", text), text


def test_tables_streams_and_keys_outlive_the_stack(resources: Resources) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::S3::Bucket"):
        for name, resource in resources.items():
            if resource["Type"] == kind:
                assert resource["DeletionPolicy"] == "Retain", name
                assert resource["UpdateReplacePolicy"] == "Retain", name


def test_tables_are_as_the_data_model_says(resources: Resources) -> None:
    for name, table in of_type(resources, "AWS::DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["SSESpecification"]["SSEEnabled"], name
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsLive", True, False]}, name
    (index,) = resources["Table"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "gsi1"
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_checkpoints_can_not_be_deleted(resources: Resources) -> None:
    bucket = resources["CheckpointBucket"]["Properties"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"


def test_a_live_stage_has_64_shards_and_its_own_staff_pool(resources: Resources) -> None:
    environment = resources["PayApi"]["Properties"]["Environment"]["Variables"]
    assert environment["WHITENOTE_SHARDS"] == {"Fn::If": ["IsLive", "64", "1"]}
    assert "StaffPool" in json.dumps(environment["WHITENOTE_STAFF_ISSUER"]["Fn::If"][1])


def test_a_function_is_told_of_the_queues_keys_and_buckets_it_may_use_and_of_no_other(
    resources: Resources, specs: dict[str, FunctionSpec]
) -> None:
    kinds = ("Queue", "Topic", "Bucket", "Key")
    for spec in specs.values():
        variables = resources[spec.logical_id]["Properties"]["Environment"]["Variables"].values()
        known = {each["Ref"] for each in variables if isinstance(each, dict) and each.get("Ref", "").endswith(kinds)}
        assert all(f"${{{name}" in json.dumps(load_statements(spec)) for name in known), spec.name


@pytest.mark.parametrize("live", [True, False])
def test_the_environment_fits_lambda(resources: Resources, *, live: bool) -> None:
    """4 KB in all, with two keys in each key set and the longest addresses that AWS gives.

    A live stage names its adapters, and its staff's keys by their address; a sandbox has its own adapters.
    """
    key_set, adapter, address = 2 * 230, 70 if live else 0, 100

    def longest(value: Any) -> int:
        if isinstance(value, str):
            return len(value)
        if "Fn::If" in value:
            condition, on, off = value["Fn::If"]
            return longest(on if live else off) if condition == "IsLive" else max(longest(on), longest(off))
        name = value.get("Ref", "")
        if "MaxLength" in PARAMETERS.get(name, {}):
            return int(PARAMETERS[name]["MaxLength"])
        return key_set if name.endswith("Jwks") else adapter if name.endswith("Adapter") else address

    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        assert sum(len(key) + longest(value) for key, value in variables.items()) < 4096, name


def test_the_template_is_within_cloudformations_limits(template: dict[str, Any]) -> None:
    assert len(template["Resources"]) <= 500
    assert len(template["Outputs"]) <= 200
    assert len(dumps(template).encode()) <= 1_000_000


def test_a_function_of_app_py_that_no_table_knows_is_refused(
    declared: Declared, specs: dict[str, FunctionSpec]
) -> None:
    with pytest.raises(TemplateError, match="Stranger"):
        build(Declared({**declared.handlers, "Stranger": "app.stranger"}, declared.events, declared.api), specs)
    missing = {k: v for k, v in declared.handlers.items() if k != "Publisher"}
    with pytest.raises(TemplateError, match="Publisher"):
        build(Declared(missing, declared.events, declared.api), specs)


def test_every_alarm_has_its_runbook(resources: Resources) -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert alarms
    for alarm in alarms.values():
        name = alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-").split(".")[0]
        assert f"### {name}\n" in operations, name
        assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}]


def test_the_dashboard_is_json_and_knows_every_function(resources: Resources, specs: dict[str, FunctionSpec]) -> None:
    body_text = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert json.loads(body_text)["widgets"]
    for spec in specs.values():
        assert f"${{AWS::StackName}}-{spec.suffix}" in body_text
