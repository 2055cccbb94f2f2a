"""Compares what functions really called (infra.embedded.calls) with what infra/policies lets them call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.request import urlopen

from infra.functions import FunctionSpec
from infra.policies import load_statements
from infra.triggers import QUEUES

Grant = tuple[str, str, str]
"""Function, IAM action, resource as a policy file writes it."""


def granted(specs: Mapping[str, FunctionSpec]) -> set[Grant]:
    """All that the policy files allow."""
    out = set()
    for name, spec in specs.items():
        for statement in load_statements(spec):
            resources = statement.get("Resource", statement.get("NotResource", ""))
            for resource in [resources] if isinstance(resources, str) else resources:
                out |= {(name, action, _short(resource)) for action in statement["Action"]}
    return out


def _short(resource: str) -> str:
    """Mail identities and phones are no resources of the stack; one word stands for them."""
    return "outside" if resource.startswith("arn:") else resource


def used(calls: Iterable[Iterable[str]], outputs: Mapping[str, str]) -> set[Grant]:
    """The recorded calls in the words of policy files.

    Args:
        calls: Function's physical name, action and resource's physical name.
        outputs: Of the stack.
    """
    stack = outputs["TableName"]
    tables = {
        outputs["TableName"]: "${Table.Arn}",
        f"{outputs['TableName']}/index/gsi1": "${Table.Arn}/index/gsi1",
        outputs["LedgerTableName"]: "${LedgerTable.Arn}",
    }
    names = {
        "dynamodb": tables,
        "events": {outputs["BusName"]: "${Bus.Arn}"},
        "kms": {outputs["DataKeyId"]: "${DataKey.Arn}", outputs["SigningKeyId"]: "${SigningKey.Arn}"},
        "secretsmanager": {outputs["SecretId"]: "${MasterSecret}"},
        "s3": {
            outputs["CheckpointBucketName"]: "${CheckpointBucket.Arn}",
            f"{outputs['CheckpointBucketName']}/*": "${CheckpointBucket.Arn}/*",
            f"{outputs['DocumentBucketName']}/*": "${DocumentBucket.Arn}/*",
        },
        "sqs": {f"{stack}-{short}": f"${{{logical}.Arn}}" for short, logical in QUEUES.items()},
        "sns": {outputs["AlertsTopicArn"]: "${AlertsTopic}", "": "outside"},
        "ses": {"": "outside"},
    }
    return {
        (function.removeprefix(f"{stack}-").replace("-", "_"), action, _known(names, action, resource))
        for function, action, resource in calls
    }


def _known(names: Mapping[str, Mapping[str, str]], action: str, resource: str) -> str:
    return names.get(action.partition(":")[0], {}).get(resource, resource)


def compare(
    calls: Iterable[Iterable[str]], outputs: Mapping[str, str], specs: Mapping[str, FunctionSpec]
) -> tuple[list[Grant], list[Grant]]:
    """What was called without a right to it, and what is allowed and was not called.

    Returns:
        Missing and unused, sorted. Unused means something only after a run that does everything.
    """
    allowed, called = granted(specs), used(calls, outputs)
    return sorted(called - allowed), sorted(allowed - called)


def as_text(grants: Iterable[Grant]) -> str:
    """One line each."""
    return "\n".join(f"  {function}: {action} on {resource}" for function, action, resource in grants)


def recorded(aws_endpoint: str) -> list[list[str]]:
    """The calls that an embedded platform has recorded so far."""
    with urlopen(f"{aws_endpoint}/_whitenote/calls", timeout=30) as answer:  # noqa: S310  our own address
        calls: list[list[str]] = json.load(answer)
    return calls
