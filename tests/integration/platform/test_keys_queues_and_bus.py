"""KMS, SQS, EventBridge and Secrets Manager, through their real clients."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from functions.core.errors import UnavailableError
from functions.core.events import Event
from functions.platform.bus.publisher import EventBridgeBus
from functions.platform.bus.queues import ParkingQueue, Queue
from functions.platform.container import Container
from functions.platform.crypto import KmsKeyWrapper, Sealer
from functions.platform.sandbox_clock import ClockItem
from functions.platform.storage.transactions import Put, WriteSet, commit
from tests.builders.platform import START

EVENT = Event("evt_1", "thing.created", 1, "thing_1", 1, datetime(2026, 11, 22, tzinfo=UTC), "r", {"text": "京"})


def test_a_data_key_opens_for_its_owner_only(platform):
    wrapper = platform.box.key_wrapper
    key, wrapped = wrapper.new_key("cus_1")
    assert len(key) == 32
    assert wrapper.open_key("cus_1", wrapped) == key
    with pytest.raises(UnavailableError):
        wrapper.open_key("cus_2", wrapped)


def test_every_owner_has_a_key_of_their_own(platform):
    keys = {platform.box.key_wrapper.new_key(f"cus_{n}")[0] for n in range(5)}
    assert len(keys) == 5


def test_a_sealed_field_survives_the_round_through_kms(platform):
    key, wrapped = platform.box.key_wrapper.new_key("cus_1")
    sealed = Sealer("cus_1", key).seal("name", "王小明")
    assert Sealer("cus_1", platform.box.key_wrapper.open_key("cus_1", wrapped)).open("name", sealed) == "王小明"


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "ThrottlingException"])
def test_a_refusing_key_service_fails_closed(platform, code):
    client = platform.client("kms")
    with Stubber(client) as stub:
        stub.add_client_error("decrypt", code)
        with pytest.raises(UnavailableError) as raised:
            KmsKeyWrapper(client, "key").open_key("cus_1", b"wrapped")
    assert raised.value.retry_after_s == 2


def test_messages_go_ten_at_a_time_and_all_arrive(platform):
    queue = platform.box.queue(platform.settings.messages_queue_url)
    queue.send([{"n": n} for n in range(23)])
    found = platform.drain(platform.settings.messages_queue_url)
    assert sorted(body["n"] for body in found) == list(range(23))


def test_a_queue_that_takes_half_says_it_took_none(platform):
    client = platform.client("sqs")
    with Stubber(client) as stub:
        failed = [{"Id": "1", "SenderFault": False, "Code": "InternalError"}]
        stub.add_response("send_message_batch", {"Successful": [], "Failed": failed})
        with pytest.raises(UnavailableError):
            Queue(client, "https://sqs.test/q").send([{"n": 1}, {"n": 2}])


def test_a_parked_record_is_whole(platform):
    record = {"eventID": "1", "dynamodb": {"NewImage": {"b": {"B": b"\x00"}}}}
    ParkingQueue(platform.box.queue(platform.settings.parking_queue_url)).park("risk", record, "KeyError")
    assert platform.drain(platform.settings.parking_queue_url) == [
        {
            "consumer": "risk",
            "reason": "KeyError",
            "record": {"eventID": "1", "dynamodb": {"NewImage": {"b": {"B": "AA=="}}}},
        }
    ]


def test_an_event_arrives_on_the_bus_as_its_envelope(platform):
    events, sqs = platform.client("events"), platform.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="whitenote", EventPattern=json.dumps({"source": ["whitenote"]}))
    events.put_targets(Rule="all", EventBusName="whitenote", Targets=[{"Id": "q", "Arn": arn}])
    assert platform.box.bus.put([EVENT]) == [True]
    (message,) = platform.drain(url)
    assert message["detail-type"] == "thing.created"
    assert Event.from_dict(message["detail"]) == EVENT


def test_the_bus_tells_which_events_it_did_not_take(platform):
    client = platform.client("events")
    with Stubber(client) as stub:
        entries = [{"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "x"}]
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": entries})
        assert EventBridgeBus(client, "whitenote").put([EVENT, EVENT]) == [True, False]


def test_a_bus_that_is_away_is_unavailable(platform):
    client = platform.client("events")
    with Stubber(client) as stub:
        stub.add_client_error("put_events", "InternalException")
        with pytest.raises(UnavailableError):
            EventBridgeBus(client, "whitenote").put([EVENT])


def test_the_master_secret_comes_from_secrets_manager(platform):
    box = Container(platform.settings, platform.box.environ)
    assert box.secrets.key("ids") == platform.secrets.key("ids")


def test_a_secret_that_is_not_there_is_not_made_up(platform):
    box = Container(platform.settings, platform.box.environ)
    box.client("secretsmanager").delete_secret(SecretId=platform.settings.secret_id, ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError):
        _ = box.secrets


def test_the_sandbox_clock_runs_by_the_stored_offset(platform):
    commit(platform.tables, WriteSet.of(Put(ClockItem(pk="clock", offset_s=86_400))))
    box = Container(platform.settings, platform.box.environ)
    before, now, after = box.clock.wall(), box.clock.now(), box.clock.wall()
    assert before <= now - timedelta(days=1) <= after
    assert platform.clock.now() == START
