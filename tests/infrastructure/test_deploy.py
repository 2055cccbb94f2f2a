"""Deployment: change sets on the embedded platform, keys, and what a live stage refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from functions.platform.container import SANDBOX_ADAPTERS
from infra.cfn_yaml import load
from infra.customer_key import CustomerKey
from infra.deploy import DeploymentError, check_live, deploy, outputs, stack_name, upload
from infra.issuer import KEYS_FILE, STAFF_AUDIENCE, STAFF_ISSUER, Issuer, write_private
from infra.platform_local import Platform
from infra.template import OVERRIDES, literal_environment

pytestmark = pytest.mark.xdist_group("embedded")

QUEUE = {
    "Type": "AWS::SQS::Queue",
    "Properties": {
        "QueueName": {"Fn::Sub": "${AWS::StackName}-q"},
        "Tags": [{"Key": "colour", "Value": {"Ref": "Colour"}}],
    },
}
SECRET = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {
        "Name": {"Fn::Sub": "${AWS::StackName}-master"},
        "GenerateSecretString": {"SecretStringTemplate": "{}", "GenerateStringKey": "master", "PasswordLength": 64},
    },
}


def small(**resources: Any) -> dict[str, Any]:
    return {
        "Parameters": {"CodeBucket": {"Type": "String"}, "Colour": {"Type": "String", "Default": "red"}},
        "Resources": {"Queue": QUEUE, **resources},
        "Outputs": {"Colour": {"Value": {"Ref": "Colour"}}, "Url": {"Value": {"Ref": "Queue"}}},
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("deploy"))
    platform.wait()
    yield platform
    platform.stop()


def test_a_stack_is_made_changed_and_left_alone_when_nothing_changed(running: Platform) -> None:
    target = running.target()
    made = deploy(target, "whitenote-one", small(), {}, {})
    assert made["Colour"] == "red"
    assert made["Url"].endswith("/whitenote-one-q")
    assert deploy(target, "whitenote-one", small(), {}, {"Colour": "red"}) == made
    assert deploy(target, "whitenote-one", small(), {}, {"Colour": "blue"})["Colour"] == "blue"
    assert outputs(target, "whitenote-one")["Colour"] == "blue"


def test_stacks_live_side_by_side(running: Platform) -> None:
    target = running.target()
    urls = {deploy(target, stack_name(stage), small(), {}, {})["Url"] for stage in ("dev", "test")}
    assert len(urls) == 2


def test_a_resource_that_fails_is_named_with_its_reason(running: Platform) -> None:
    broken = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "VisibilityTimeout": 99999999}}
    with pytest.raises(DeploymentError, match="Broken"):
        deploy(running.target(), "whitenote-two", small(Broken=broken), {}, {})
    assert outputs(running.target(), "whitenote-two") == {}


def test_a_stack_that_is_not_there_has_no_outputs(running: Platform) -> None:
    assert outputs(running.target(), "whitenote-nowhere") == {}


def test_code_is_stored_once_under_a_name_its_content_decides(running: Platform) -> None:
    target = running.target()
    target.client("s3").create_bucket(Bucket="code")
    first = upload(target, "code", "code", "ml.zip", b"one")
    assert upload(target, "code", "code", "ml.zip", b"one") == first
    assert upload(target, "code", "code", "ml.zip", b"two") != first
    assert target.client("s3").get_object(Bucket="code", Key=first)["Body"].read() == b"one"


def test_the_master_secret_is_generated_and_the_signing_key_put_beside_it_once(running: Platform) -> None:
    target, stack = running.target(), "whitenote-three"
    assert CustomerKey.of_stack(target, stack) is None
    deploy(target, stack, small(Secret=SECRET), {}, {})
    key = CustomerKey.new()
    key.keep(target, f"{stack}-master")
    key.keep(target, f"{stack}-master")
    held = json.loads(target.client("secretsmanager").get_secret_value(SecretId=f"{stack}-master")["SecretString"])
    assert len(held["master"]) == 64
    assert held["customer_signing_kid"] == key.kid
    assert CustomerKey.of_stack(target, stack) == key


def test_a_keys_id_is_its_thumbprint() -> None:
    """An EC key with the thumbprint that PyJWT's and everyone's RFC 7638 gives."""
    key = CustomerKey.new()
    (public,) = json.loads(key.jwks())["keys"]
    assert public["kid"] == key.kid == jwt.PyJWK(public).key_id
    assert "d" not in public


def test_staff_and_customer_tokens_verify_with_the_published_keys(tmp_path: Path) -> None:
    issuer = Issuer.load(tmp_path)
    assert Issuer.load(tmp_path) == issuer
    assert (tmp_path / KEYS_FILE).stat().st_mode & 0o777 == 0o600
    staff = jwt.PyJWKSet.from_json(issuer.staff.jwks()).keys[0]
    claims = jwt.decode(
        issuer.staff_token("stf_1", ["reviewer"]), staff, ["ES256"], audience=STAFF_AUDIENCE, issuer=STAFF_ISSUER
    )
    assert (claims["sub"], claims["roles"], claims["exp"] - claims["iat"]) == ("stf_1", ["reviewer"], 86400)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(issuer.customer_token({"sub": "cus_1"}), staff, ["ES256"], options={"verify_aud": False})


def test_a_private_file_is_its_owners_alone_even_when_it_replaces_a_public_one(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("stage", ["live", "staging"])
def test_a_live_stage_is_refused_while_a_sandbox_adapter_is_left(stage: str) -> None:
    with pytest.raises(DeploymentError, match="sandbox adapter"):
        check_live(literal_environment({"Stage": stage}))


def test_a_live_stage_with_adapters_of_its_own_is_let_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real_adapters.py").write_text("class Any:\n    sandbox = False\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    adapters = {
        f"{''.join(w.capitalize() for w in port.split('_'))}Adapter": "real_adapters:Any" for port in SANDBOX_ADAPTERS
    }
    check_live(literal_environment({"Stage": "live", **adapters}))


def test_a_sandbox_stage_needs_no_adapters() -> None:
    check_live(literal_environment({"Stage": "dev"}))


def test_a_checkpoint_can_not_be_deleted_on_the_embedded_platform_either(running: Platform) -> None:
    bucket = load(OVERRIDES / "data.yaml")["Resources"]["CheckpointBucket"]
    bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] = 1
    deploy(running.target(), "whitenote-four", small(Bucket=bucket), {}, {})
    s3 = running.target().client("s3")
    name = "whitenote-four-checkpoints-000000000000-us-east-1"
    kept = s3.put_object(Bucket=name, Key="1.checkpoint", Body=b"signed")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=name, Key="1.checkpoint", VersionId=kept["VersionId"])
    until = datetime.now(UTC) + timedelta(days=2)
    s3.put_object(
        Bucket=name, Key="2", Body=b"", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )  # fmt: skip
