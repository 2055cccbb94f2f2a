"""The embedded platform: nothing of MiniStack that we lean on has moved, state survives a kill, and failures in streams
and queues go where they would go on AWS."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.calls import calls_of
from infra.embedded.server import AUTOSAVE_S, SNAPSHOT_FILE
from infra.platform_local import Platform, free_port

pytestmark = pytest.mark.xdist_group("embedded")

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
ROLE = "arn:aws:iam::000000000000:role/any"
# Writes down what it is given in the table "seen", then does what the item's own name asks for.
CONSUMER = """
import boto3, os
def handler(event, context):
    print("consumer")
    seen = boto3.client("dynamodb")
    for record in event["Records"]:
        name = record["dynamodb"]["Keys"]["pk"]["S"] if "dynamodb" in record else record["body"]
        number = record["dynamodb"]["SequenceNumber"] if "dynamodb" in record else record["messageId"]
        tries = int(seen.update_item(TableName="seen", Key={"pk": {"S": name}}, UpdateExpression="ADD n :one",
                                     ExpressionAttributeValues={":one": {"N": "1"}},
                                     ReturnValues="ALL_NEW")["Attributes"]["n"]["N"])
        if name.startswith("crash"):
            raise RuntimeError(name)
        if name.startswith("poison") or name.startswith("flaky") and tries < 3:
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
"""


def until(true: Callable[[], bool], deadline_s: float = 25) -> None:
    """Look again and again; what is awaited happens in other processes."""
    end = time.monotonic() + deadline_s
    while not true():
        if time.monotonic() > end:
            pytest.fail("it did not happen")
        time.sleep(0.05)


def code(source: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", source)
    return out.getvalue()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("embedded"))
    platform.wait()
    client = platform.target().client
    client("dynamodb").create_table(TableName="seen", **TABLE)
    client("lambda").create_function(
        FunctionName="consumer", Runtime="python3.13", Handler="index.handler", Role=ROLE, Timeout=10,
        Code={"ZipFile": code(CONSUMER)},
    )  # fmt: skip
    client("sqs").create_queue(QueueName="undelivered")
    yield platform
    platform.stop()


def tries(platform: Platform, name: str) -> int:
    item = platform.target().client("dynamodb").get_item(TableName="seen", Key={"pk": {"S": name}}).get("Item")
    return int(item["n"]["N"]) if item else 0


def stream_to_consumer(platform: Platform, table: str, **settings: Any) -> None:
    client = platform.target().client
    made = client("dynamodb").create_table(
        TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, **TABLE
    )
    client("lambda").create_event_source_mapping(
        EventSourceArn=made["TableDescription"]["LatestStreamArn"], FunctionName="consumer",
        StartingPosition="TRIM_HORIZON", FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:undelivered"}}, **settings,
    )  # fmt: skip


def put(platform: Platform, table: str, *names: str) -> None:
    requests = [{"PutRequest": {"Item": {"pk": {"S": name}}}} for name in names]
    platform.target().client("dynamodb").batch_write_item(RequestItems={table: requests})


def undelivered(platform: Platform) -> list[dict[str, Any]]:
    sqs = platform.target().client("sqs")
    url = sqs.get_queue_url(QueueName="undelivered")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_nothing_of_ministack_that_we_lean_on_has_moved() -> None:
    code = "import os; os.environ['GATEWAY_PORT'] = '1'; from infra.embedded.reliance import moved; print(moved())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_record_that_fails_comes_again_and_those_before_it_do_not(running: Platform) -> None:
    stream_to_consumer(running, "partial", BatchSize=10)
    put(running, "partial", "before-1", "before-2", "flaky-1", "after-1")
    until(lambda: tries(running, "after-1") > 0)
    assert tries(running, "flaky-1") == 3
    assert (tries(running, "before-1"), tries(running, "before-2"), tries(running, "after-1")) == (1, 1, 1)


def test_a_record_that_never_works_ends_on_failure_and_the_stream_goes_on(running: Platform) -> None:
    stream_to_consumer(running, "poisoned", BatchSize=10, MaximumRetryAttempts=2)
    put(running, "poisoned", "poison-1", "after-2")
    until(lambda: tries(running, "after-2") == 1)
    assert tries(running, "poison-1") == 3
    conditions = [m["requestContext"]["condition"] for m in undelivered(running)]
    assert "RetryAttemptsExhausted" in conditions


def test_a_batch_that_crashes_is_halved_until_the_culprit_stands_alone(running: Platform) -> None:
    stream_to_consumer(running, "crashing", BatchSize=8, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)
    put(running, "crashing", "a-1", "crash-1", "a-2")
    until(lambda: tries(running, "a-2") > 0)
    assert tries(running, "a-2") == 1
    lost = [m["DDBStreamBatchInfo"]["batchSize"] for m in undelivered(running) if "crashing" in json.dumps(m)]
    assert lost == [1]


def test_records_that_all_consumers_have_read_are_forgotten_and_none_is_skipped(running: Platform) -> None:
    stream_to_consumer(running, "long", BatchSize=1000, FilterCriteria={
        "Filters": [{"Pattern": '{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"last"}]}}}}'}]
    })  # fmt: skip
    for start in range(0, 1200, 25):
        put(running, "long", *(f"n-{i}" for i in range(start, start + 25)))
    put(running, "long", "last-1")
    until(lambda: tries(running, "last-1") == 1)
    client = running.target().client
    arn = client("dynamodb").describe_table(TableName="long")["Table"]["LatestStreamArn"]

    def oldest() -> str:
        streams = client("dynamodbstreams")
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return streams.get_records(ShardIterator=start["ShardIterator"])["Records"][0]["dynamodb"]["Keys"]["pk"]["S"]

    until(lambda: oldest() == "n-201")
    put(running, "long", "last-2")
    until(lambda: tries(running, "last-2") == 1)
    assert (tries(running, "last-1"), tries(running, "n-0")) == (1, 0)


def test_a_failed_message_comes_again_soon_and_ends_in_the_dead_letter_queue(running: Platform) -> None:
    client = running.target().client
    dead = client("sqs").create_queue(QueueName="work-dlq")["QueueUrl"]
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:work-dlq", "maxReceiveCount": "2"}
    work = client("sqs").create_queue(
        QueueName="work", Attributes={"VisibilityTimeout": "360", "RedrivePolicy": json.dumps(redrive)}
    )["QueueUrl"]
    client("lambda").create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:us-east-1:000000000000:work", FunctionName="consumer", BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    client("sqs").send_message(QueueUrl=work, MessageBody="poison-2")

    def buried() -> bool:
        found = client("sqs").receive_message(QueueUrl=dead, VisibilityTimeout=0).get("Messages", [])
        return [m["Body"] for m in found] == ["poison-2"]

    until(buried)
    assert tries(running, "poison-2") == 2


def test_every_call_of_a_function_is_recorded_under_its_name(running: Platform) -> None:
    put_first = running.target().client("lambda").invoke(
        FunctionName="consumer", Payload=json.dumps({"Records": [{"body": "direct", "messageId": "1"}]})
    )  # fmt: skip
    assert "FunctionError" not in put_first
    import urllib.request

    with urllib.request.urlopen(f"{running.endpoint}/_whitenote/calls") as answer:
        assert ["consumer", "dynamodb:UpdateItem", "seen"] in json.load(answer)


def test_what_was_saved_is_there_after_a_kill(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    platform.wait()
    client = platform.target().client
    client("dynamodb").create_table(
        TableName="kept", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}, **TABLE
    )
    queue = client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    client("s3").create_bucket(Bucket="kept")
    client("ses").verify_email_identity(EmailAddress="a@example.com")
    platform.control("saving")
    before = (tmp_path / SNAPSHOT_FILE).stat().st_mtime_ns

    client("dynamodb").put_item(TableName="kept", Item={"pk": {"S": "one"}, "raw": {"B": b"\x00\xff"}})
    client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    client("s3").put_object(Bucket="kept", Key="k", Body=b"\x01\x02")
    client("ses").send_email(
        Source="a@example.com", Destination={"ToAddresses": ["b@example.com"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    )  # fmt: skip
    seen = {before}
    # One save may have been under way; the second one after the last request has certainly seen it.
    until(lambda: seen.add((tmp_path / SNAPSHOT_FILE).stat().st_mtime_ns) or len(seen) == 3, AUTOSAVE_S * 5)
    platform.kill()

    again = Platform(tmp_path)
    again.wait()
    try:
        client = again.target().client
        item = client("dynamodb").get_item(TableName="kept", Key={"pk": {"S": "one"}})["Item"]
        assert item["raw"]["B"] == b"\x00\xff"
        url = client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
        assert client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
        assert client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"\x01\x02"
        arn = client("dynamodb").describe_table(TableName="kept")["Table"]["LatestStreamArn"]
        streams = client("dynamodbstreams")
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        assert len(streams.get_records(ShardIterator=start["ShardIterator"])["Records"]) == 1
        import urllib.request

        with urllib.request.urlopen(f"{again.endpoint}/_ministack/ses/messages") as answer:
            assert b"b@example.com" in answer.read()
    finally:
        again.stop()


def test_the_platform_saves_and_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from infra.platform_local import Platform
platform = Platform(Path({str(tmp_path)!r}))
platform.wait()
platform.control("saving")
platform.target().client("sqs").create_queue(QueueName="last-words")
print(platform._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    server = int(done.stdout)

    def gone() -> bool:
        state = Path(f"/proc/{server}/stat")
        return not state.exists() or state.read_text().split(") ")[1].startswith("Z") or not _lives(server)

    until(gone)
    again = Platform(tmp_path)
    again.wait()
    try:
        assert again.target().client("sqs").get_queue_url(QueueName="last-words")
    finally:
        again.stop()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_snapshot_of_another_ministack_is_refused(tmp_path: Path) -> None:
    import pickle

    (tmp_path / SNAPSHOT_FILE).write_bytes(pickle.dumps({"ministack": "0.0.1", "states": {}, "extra": {}}))
    platform = Platform(tmp_path)
    with pytest.raises(Exception, match=r"is of MiniStack 0\.0\.1"):
        platform.wait()
    platform.stop()


def test_a_snapshot_of_another_form_is_refused(tmp_path: Path) -> None:
    import pickle
    from importlib.metadata import version

    (tmp_path / SNAPSHOT_FILE).write_bytes(pickle.dumps({"ministack": version("ministack"), "states": {}, "extra": {}}))
    platform = Platform(tmp_path)
    with pytest.raises(Exception, match="is of another form"):
        platform.wait()
    platform.stop()


def test_each_snapshot_has_the_items_as_they_are_whatever_the_last_one_had(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    platform.wait()
    tables = platform.target().client("dynamodb")
    tables.create_table(TableName="kept", **TABLE)
    put(platform, "kept", "stays", "changes", "grows", "goes")
    platform.control("saving")
    key, one = {"pk": {"S": "changes"}}, {":one": {"N": "1"}}
    tables.update_item(TableName="kept", Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues=one)
    grown = {"pk": {"S": "grows"}, "n": {"N": "2"}}
    tables.transact_write_items(TransactItems=[{"Put": {"TableName": "kept", "Item": grown}}])
    tables.delete_item(TableName="kept", Key={"pk": {"S": "goes"}})
    put(platform, "kept", "comes")
    platform.control("save")
    platform.kill()
    again = Platform(tmp_path)
    again.wait()
    try:
        found = again.target().client("dynamodb").scan(TableName="kept")["Items"]
        numbers = {item["pk"]["S"]: item.get("n", {}).get("N") for item in found}
        assert numbers == {"stays": None, "changes": "1", "grows": "2", "comes": None}
    finally:
        again.stop()


def test_what_killed_functions_had_unpacked_is_swept_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "tmp" / "ministack-lambda-x-1"
    left.mkdir(parents=True)
    (left / "code.zip").write_bytes(b"x")
    platform = Platform(tmp_path)
    platform.wait()
    assert not left.exists()
    platform.stop()


def test_a_taken_port_is_not_taken_again(running: Platform) -> None:
    assert free_port(running.port) != running.port


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "expected"),
    [
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.Query"}, {"TableName": "t", "IndexName": "gsi1"},
         [("dynamodb:Query", "t/index/gsi1")]),
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.TransactWriteItems"},
         {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "l"}}]},
         [("dynamodb:PutItem", "t"), ("dynamodb:ConditionCheckItem", "l")]),
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.BatchGetItem"}, {"RequestItems": {"t": {}}},
         [("dynamodb:BatchGetItem", "t")]),
        ("POST", "/", {"x-amz-target": "AmazonSQS.SendMessageBatch"}, {"QueueUrl": "http://h/0/q"},
         [("sqs:SendMessage", "q")]),
        ("POST", "/", {"x-amz-target": "TrentService.Sign"}, {"KeyId": "k"}, [("kms:Sign", "k")]),
        ("POST", "/", {"x-amz-target": "AWSEvents.PutEvents"}, {"Entries": [{"EventBusName": "b"}]},
         [("events:PutEvents", "b")]),
        ("POST", "/v2/email/outbound-emails", {}, {}, [("ses:SendEmail", "")]),
        ("PUT", "/bucket/key", {"x-amz-object-lock-mode": "COMPLIANCE"}, {},
         [("s3:PutObject", "bucket/*"), ("s3:PutObjectRetention", "bucket/*")]),
        ("GET", "/bucket", {}, {}, [("s3:ListBucket", "bucket")]),
    ],
)  # fmt: skip
def test_a_request_is_read_as_the_iam_actions_it_needs(
    method: str, path: str, headers: dict[str, str], body: Any, expected: list[tuple[str, str]]
) -> None:
    assert expected == list(calls_of(method, path, headers, json.dumps(body).encode() if body else b""))


def test_a_form_request_is_read_by_its_action_and_signature() -> None:
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=x/20261122/us-east-1/sns/aws4_request, …"}
    assert list(calls_of("POST", "/", headers, b"Action=Publish&PhoneNumber=%2B1")) == [("sns:Publish", "")]
