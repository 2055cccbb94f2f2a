"""The whole AWS side in process (moto), for unit and integration tests of any slice.

Use the `platform` fixture (tests/conftest.py), or build one with other settings:

    def test_x(platform):                            # with platform(stage="live") as p: … for other settings
        service.do_it(...)                           # container() is already ours
        platform.clock.advance(timedelta(days=1))    # business and wall time; advance_business moves only one
        [e.type for e in platform.events()]          # told since last asked: stream → outbox → renderers
        platform.records()                           # stream records since last asked, as a handler receives them
        platform.drain(platform.settings.messages_queue_url)             # decoded SQS bodies, removed
        platform.staff_token("finance"); platform.customer_token("cus_…")      # good for the real authorizer
        with platform.metered() as meter: ...        # DynamoDB requests and units of the lines inside
        with platform.failing("TransactWriteItems", "ThrottlingException"): ...     # or lost=True: applied, no answer

HTTP: tests/builders/api.py puts blueprints behind the real middleware and authorizer.
What moto does wrong is put right first: tests/builders/moto_repairs.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws

from functions.core.clock import FixedClock
from functions.core.events import Event
from functions.platform.bus.publisher import publish
from functions.platform.bus.registry import Renderers
from functions.platform.bus.stream import records_of
from functions.platform.container import Container, install
from functions.platform.secrets import Secrets
from functions.platform.settings import Settings
from functions.platform.storage.meter import Meter
from functions.platform.storage.table import Tables, connect
from functions.platform.tokens import customer_token
from tests.builders.moto_repairs import REGION, repair, stream_of
from tests.builders.moto_state import Kept, Table, copies_of_tables, keep, put_back, put_tables_back
from tests.builders.tokens import STAFF_ISSUER, signing_key, staff_token

_JUST_NOW = timedelta()
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TABLE, LEDGER_TABLE, BUS, BUCKET = "whitenote", "whitenote-ledger", "whitenote", "whitenote-checkpoints"
DOCUMENTS = "whitenote-documents"
MASTER = b"a master secret of the tests, 64 characters long, never used else"


@dataclass
class Taken:
    """A bus that remembers what it was given."""

    events: list[Event] = field(default_factory=list)

    def put(self, events: Any) -> list[bool]:
        self.events += events
        return [True] * len(events)


Stored = tuple[dict[str, Table], dict[tuple[str, str], int]]


class NothingParked:
    """A parking queue on which nothing may ever stand."""

    def park(self, consumer: str, body: Any, reason: str) -> None:
        raise AssertionError(f"{consumer} parked a record: {reason}")


@dataclass
class Platform:
    """What a test holds in its hands."""

    box: Container
    clock: FixedClock
    secrets: Secrets
    settings: Settings
    _read: dict[tuple[str, str], int] = field(default_factory=dict)
    _own: frozenset[str] = frozenset()

    @property
    def tables(self) -> Tables:
        return self.box.tables

    def client(self, service: str) -> Any:
        return self.box.client(service)

    def is_new(self) -> bool:
        """Whether nothing has happened on it yet, and nothing of it has been replaced."""
        replaced = self.box.clock is not self.clock or frozenset(self.box.__dict__) != self._own
        return not replaced and self.clock.wall() == START and not any(map(self.items, (TABLE, LEDGER_TABLE)))

    def kept(self) -> Stored:
        """All that the tables hold, and what has been read of their streams."""
        return copies_of_tables(), dict(self._read)

    def put_back(self, kept: Stored) -> None:
        """Let the tables hold that instead."""
        tables, read = kept
        put_tables_back(tables)
        self._read = dict(read)

    def staff_token(self, *roles: str, subject: str = "stf_1") -> str:
        return staff_token(*roles, subject=subject, at=self.clock.wall())

    def customer_token(self, customer_id: str, session: str = "ses_test", signed_in_ago: timedelta = _JUST_NOW) -> str:
        key, now = signing_key("customer-1"), self.clock.wall()
        return customer_token(key.pem, key.kid, customer_id, session, now=now, authenticated_at=now - signed_in_ago)

    def items(self, table: str = TABLE) -> list[dict[str, Any]]:
        """Every stored item, raw."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def records(self, table: str = TABLE, *, reader: str = "test") -> dict[str, Any]:
        """Stream records since this reader last asked, as Lambda hands them over (bytes in base 64)."""
        start = self._read.get((table, reader), 0)
        fresh = stream_of(table, start)
        self._read[table, reader] = start + len(fresh)
        return {"Records": fresh}

    def events(self) -> list[Event]:
        """The events told since last asked, through the real publisher and the slices' renderers."""
        taken = Taken()
        answer = publish(
            records_of(self.records(reader="events")),
            bus=taken,
            renderers=Renderers(),
            secret=self.secrets.key("events"),
            parking=NothingParked(),
        )
        assert answer == {"batchItemFailures": []}
        return taken.events

    def drain(self, url: str) -> list[dict[str, Any]]:
        """All messages of a queue, decoded and removed."""
        sqs, bodies = self.client("sqs"), []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    @contextmanager
    def metered(self) -> Iterator[Meter]:
        """Count the DynamoDB requests and units of the lines inside."""
        probe, client = self.client("dynamodb"), self.tables.connection.client
        meter = Meter(lambda table, key: probe.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item"))
        meter.attach(client)
        try:
            yield meter
        finally:
            meter.detach(client)

    @contextmanager
    def failing(
        self,
        operation: str,
        code: str = "ThrottlingException",
        *,
        times: int = 1_000_000,
        lost: bool = False,
        reasons: Sequence[str] = (),
    ) -> Iterator[list[str]]:
        """Make a DynamoDB operation fail some times: before it is applied, or (lost) after, with the connection gone.

        "TransactionCanceledException" takes `reasons`, one code per item.
        """
        client, hits = self.tables.connection.client, []
        original = client._make_api_call

        def call(name: str, parameters: dict[str, Any]) -> Any:
            if name != operation or len(hits) >= times:
                return original(name, parameters)
            hits.append(name)
            if not lost:
                answer = {"Error": {"Code": code, "Message": "injected"}}
                raise ClientError({**answer, "CancellationReasons": [{"Code": reason} for reason in reasons]}, name)
            original(name, parameters)
            raise ConnectionClosedError(endpoint_url="injected")

        client._make_api_call = call
        try:
            yield hits
        finally:
            client._make_api_call = original

    @contextmanager
    def interrupting(self, place: int, *, lost: bool = False) -> Iterator[list[str]]:
        """Break one DynamoDB call, counted from 0 whatever it does: before it is applied, or (lost) after.

        Yields:
            Every call that was made, the broken one too.
        """
        client, calls = self.tables.connection.client, []
        original = client._make_api_call

        def call(name: str, parameters: dict[str, Any]) -> Any:
            calls.append(name)
            if len(calls) != place + 1:
                return original(name, parameters)
            if lost:
                original(name, parameters)
            raise ConnectionClosedError(endpoint_url="injected")

        client._make_api_call = call
        try:
            yield calls
        finally:
            client._make_api_call = original


@contextmanager
def platform(**settings: Any) -> Iterator[Platform]:
    """Start moto with everything the template makes, and install a container on it.

    Args:
        **settings: Fields of `Settings` that differ from the test stage's.
    """
    repair()
    with mock_aws():
        places = replace(Settings.from_environ({}), **{**_made(), **settings})
        customer = signing_key("customer-1")
        box = Container(places, {"AWS_REGION": REGION})
        box.__dict__["_clients"] = _clients()
        box.clock = FixedClock(START)
        box.secrets = Secrets(MASTER, customer.pem, customer.kid)
        box.tables = Tables(_connection(), TABLE, LEDGER_TABLE)
        install(box)
        try:
            yield Platform(box, box.clock, box.secrets, places, _own=frozenset(box.__dict__))
        finally:
            install(None)


def _made() -> dict[str, str]:
    """The settings that name the resources: a process makes them once and puts them back for every other platform."""
    if _first:
        named, kept = _first[0]
        put_back(kept)
        return named
    named = _make()
    _first.append((named, keep()))
    return named


_first: list[tuple[dict[str, str], Kept]] = []


def _make() -> dict[str, str]:
    """The resources, and the settings that name them."""
    _tables()
    client = {name: client_of(name) for name in ("kms", "secretsmanager", "sqs", "sns", "ses", "s3", "events")}
    client["events"].create_event_bus(Name=BUS)
    for bucket in (BUCKET, DOCUMENTS):
        client["s3"].create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client["ses"].verify_email_identity(EmailAddress="whitenote@example.com")
    signer = client["kms"].create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    secret = client["secretsmanager"].create_secret(
        Name="whitenote-master", SecretString=json.dumps({"master": MASTER.decode()})
    )
    queue = {name: client["sqs"].create_queue(QueueName=f"whitenote-{name}")["QueueUrl"] for name in _QUEUES}
    return {
        "data_key_id": client["kms"].create_key()["KeyMetadata"]["KeyId"],
        "signing_key_id": signer["KeyMetadata"]["KeyId"],
        "secret_id": secret["ARN"],
        "customer_jwks": signing_key("customer-1").jwks,
        "staff_issuer": STAFF_ISSUER,
        "staff_jwks": signing_key("staff-1").jwks,
        "messages_queue_url": queue["messages"],
        "sweep_queue_url": queue["sweep"],
        "assessments_queue_url": queue["assessments"],
        "projections_queue_url": queue["projections"],
        "webhooks_queue_url": queue["webhooks"],
        "parking_queue_url": queue["parking"],
        "tills_queue_url": queue["tills"],
        "alerts_topic_arn": client["sns"].create_topic(Name="whitenote-alerts")["TopicArn"],
        "checkpoint_bucket": BUCKET,
        "document_bucket": DOCUMENTS,
    }


_QUEUES = ("messages", "sweep", "assessments", "parking", "projections", "webhooks", "tills")


def _tables() -> None:
    """Both tables as infra/overrides/data.yaml declares them."""
    dynamodb = client_of("dynamodb")
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = {
        "IndexName": "gsi1",
        "KeySchema": [{"AttributeName": "gk", "KeyType": "HASH"}, {"AttributeName": "gs", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    for name, indexes in ((TABLE, [index]), (LEDGER_TABLE, [])):
        attributes = ("pk", "sk", "gk", "gs") if indexes else ("pk", "sk")
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in attributes],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})


@lru_cache
def _clients() -> dict[str, Any]:
    """Clients outlive a test: making one costs more than most tests."""
    return {}


def client_of(service: str) -> Any:
    found = _clients()
    if service not in found:
        found[service] = boto3.client(service, region_name=REGION)
    return found[service]


@lru_cache
def _connection() -> Any:
    return connect(REGION)


__all__ = ["START", "Platform", "client_of", "platform"]
