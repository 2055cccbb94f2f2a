"""`make deploy STAGE=`: packages and template to S3, then one CloudFormation change set.

The embedded platform is deployed to by the same code. The template always goes by its S3 address: with a hundred routes
it is larger than what can be sent directly.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import template
from infra.customer_key import CustomerKey

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_UNCHANGED = ("didn't contain changes", "No updates are to be performed")


class DeploymentError(RuntimeError):
    """The stack did not become what was asked; the message names each resource that failed and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An account and region, through its clients.

    Args:
        session: A boto3 session.
        endpoint: Where AWS is, or None for the real one.
        poll_s: How long to wait between looks at the stack.
    """

    session: Any
    endpoint: str | None = None
    poll_s: float = 5.0

    def client(self, service: str) -> Any:  # noqa: ANN401  boto3 clients are made at run time
        """A client of the service."""
        return self.session.client(service, endpoint_url=self.endpoint)


def stack_name(stage: str) -> str:
    """The stack's name; every physical name begins with it, so stages live side by side."""
    return f"whitenote-{stage}"


def artifact_bucket(target: Target, stack: str) -> str:
    """The bucket of the stack's packages and templates, made if it is not there."""
    account = target.client("sts").get_caller_identity()["Account"]
    region = target.session.region_name
    name = f"{stack}-artifacts-{account}-{region}"
    s3 = target.client("s3")
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **where)
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True, "BlockPublicPolicy": True,
                "IgnorePublicAcls": True, "RestrictPublicBuckets": True,
            },
        )  # fmt: skip
    return name


def upload(target: Target, bucket: str, kind: str, name: str, content: bytes) -> str:
    """Store under a name that its content decides, once.

    Returns:
        The key.
    """
    stem, _, suffix = name.rpartition(".")
    key = f"{kind}/{stem}-{hashlib.sha256(content).hexdigest()[:20]}.{suffix}"
    s3 = target.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if not listed.get("KeyCount"):
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def template_url(target: Target, bucket: str, key: str) -> str:
    """Where CloudFormation fetches the template."""
    if target.endpoint:
        return f"{target.endpoint}/{bucket}/{key}"
    return f"https://{bucket}.s3.{target.session.region_name}.amazonaws.com/{key}"


def deploy(
    target: Target,
    stack: str,
    document: Mapping[str, Any],
    zips: Mapping[str, Path],
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """Bring the stack to the template, code and parameters given.

    Args:
        target: Where.
        stack: Its name.
        document: The template.
        zips: Package by group.
        parameters: All parameters but those of the code.

    Returns:
        The stack's outputs.

    Raises:
        DeploymentError: CloudFormation refused or rolled back.
    """
    bucket = artifact_bucket(target, stack)
    code = {
        template.ZIPS[group]: upload(target, bucket, "code", f"{group}.zip", path.read_bytes())
        for group, path in zips.items()
    }
    body = template.dumps(document).encode()
    url = template_url(target, bucket, upload(target, bucket, "template", "template.json", body))
    _change(target.client("cloudformation"), stack, url, {**parameters, "CodeBucket": bucket, **code}, target.poll_s)
    return outputs(target, stack)


def outputs(target: Target, stack: str) -> dict[str, str]:
    """What the stack says of itself; empty if there is no whole stack of that name."""
    described = _describe(target.client("cloudformation"), stack)
    if described is None or not described["StackStatus"].endswith("_COMPLETE"):
        return {}
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:  # noqa: ANN401
    from botocore.exceptions import ClientError

    try:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    gone = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
    return None if described["StackStatus"] in gone else described


def _change(cloudformation: Any, stack: str, url: str, parameters: Mapping[str, str], poll_s: float) -> None:  # noqa: ANN401
    known = _describe(cloudformation, stack)
    name = f"deploy-{time.time_ns()}"
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if known else "CREATE",
        TemplateURL=url,
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
    )
    while True:
        made = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        if made["Status"] in {"CREATE_COMPLETE", "FAILED"}:
            break
        time.sleep(poll_s)
    if made["Status"] == "FAILED":
        reason = made.get("StatusReason", "")
        if known and any(text in reason for text in _UNCHANGED):
            cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
            return
        raise DeploymentError(f"{stack}: {reason}")
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    _wait(cloudformation, stack, poll_s)


def _wait(cloudformation: Any, stack: str, poll_s: float) -> None:  # noqa: ANN401
    while True:
        described = _describe(cloudformation, stack)
        status = described["StackStatus"] if described else "REVIEW_IN_PROGRESS"
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return
        if status.endswith("_COMPLETE") or "FAILED" in status:
            raise DeploymentError(f"{stack} is {status}\n" + "\n".join(_failures(cloudformation, stack)))
        time.sleep(poll_s)


def _failures(cloudformation: Any, stack: str) -> list[str]:  # noqa: ANN401
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]


def check_live(environment: Mapping[str, str]) -> None:
    """Refuse a live stage whose adapters are those of the sandbox.

    Args:
        environment: WHITENOTE_ variables as the functions will have them.

    Raises:
        DeploymentError: Names the first port without a real adapter.
    """
    from functions.platform.container import ConfigurationError, refuse_unfit
    from functions.platform.settings import Settings

    try:
        refuse_unfit(Settings.from_environ(environment), environment)
    except ConfigurationError as error:
        raise DeploymentError(str(error)) from error


def main() -> None:
    """Package and deploy to the account of the environment's credentials."""
    import boto3

    from infra.manifest import Manifest
    from infra.package import BUILD, build_zip

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--arch", choices=["arm64", "x86_64"], default="arm64")
    parser.add_argument("--set", action="append", default=[], metavar="Name=Value", help="a template parameter")
    given = parser.parse_args()
    wanted = dict(pair.split("=", 1) for pair in given.set)
    stack = stack_name(given.stage)
    try:
        check_live(template.literal_environment({"Stage": given.stage, **wanted}))
        target = Target(boto3.Session())
        key = CustomerKey.of_stack(target, stack) or CustomerKey.new()
        zips = {n: build_zip(g, given.arch, BUILD).path for n, g in Manifest.load().groups.items()}
        before = outputs(target, stack)
        known = wanted.get("PublicUrl") or before.get("PublicUrl")
        parameters = {
            "Stage": given.stage, "Architecture": given.arch, "CustomerJwks": key.jwks(),
            "PublicUrl": known or "https://not-known-yet.invalid", **wanted,
        }  # fmt: skip
        document = template.render()
        done = deploy(target, stack, document, zips, parameters)
        if not known:
            # Without a domain of its own the API's address is known only now, and the functions need to know it.
            done = deploy(target, stack, document, zips, {**parameters, "PublicUrl": done["ApiUrl"]})
        key.keep(target, done["SecretId"])
    except DeploymentError as error:
        sys.exit(f"not deployed: {error}")
    print(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
