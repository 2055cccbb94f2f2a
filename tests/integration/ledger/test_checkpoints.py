"""Checkpoints: signed by KMS, kept under Object Lock, checked offline."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from functions.core.clock import SystemClock
from functions.core.errors import UnavailableError
from functions.ledger import events
from functions.ledger.encoding import entry_bytes
from functions.ledger.log.checkpoint import parse_note, verify_note
from functions.ledger.log.service import published_key, write_checkpoint
from functions.ledger.merkle import MerkleTree, leaf_hash
from tests.builders.ledger import some_entries
from tests.integration.ledger.conftest import BUCKET


def objects(books):
    return books.platform.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])


def read(books, name):
    return books.platform.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()


def test_a_checkpoint_is_signed_and_verifies_with_the_published_key(books):
    entries = some_entries(7)
    books.log(*entries)
    item = write_checkpoint()
    checkpoint = parse_note(item.note).checkpoint
    assert (checkpoint.origin, checkpoint.size) == ("whitenote-ledger/test/0", 7)
    assert checkpoint.root == MerkleTree(entry_bytes(entry) for entry in entries).root()
    assert verify_note(item.note, published_key()["pem"].encode())
    assert read(books, item.object_key) == item.note


def test_each_checkpoint_keeps_the_leaves_since_the_one_before(books):
    entries = some_entries(50)
    books.log(*entries[:3])
    first = write_checkpoint()
    books.log(*entries[3:])
    second = write_checkpoint()
    names = [item.object_key.removesuffix("checkpoint") + "leaves" for item in (first, second)]
    rows = [[json.loads(line) for line in read(books, name).splitlines()] for name in names]
    assert [len(each) for each in rows] == [3, 47]
    assert [(row["index"], row["entry_id"], row["hash"]) for each in rows for row in each] == [
        (index, entry.id, leaf_hash(entry_bytes(entry)).hex()) for index, entry in enumerate(entries)
    ]


def test_nothing_is_signed_where_nothing_is_new(books):
    assert events.checkpoint({}) == {"size": None}
    books.log(*some_entries(2))
    assert events.checkpoint({}) == {"size": 2}
    assert events.checkpoint({}) == {"size": None}
    assert len(objects(books)) == 2


def test_a_checkpoint_can_not_be_deleted_or_shortened(books):
    books.platform.clock.at = SystemClock().wall()  # moto judges a lock by the machine's own time
    books.log(*some_entries(2))
    write_checkpoint()
    s3 = books.platform.client("s3")
    for each in objects(books):
        head = s3.head_object(Bucket=BUCKET, Key=each["Key"])
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert head["ObjectLockRetainUntilDate"] >= books.platform.clock.wall() + timedelta(hours=23)
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=head["VersionId"])


def test_a_run_that_dies_before_the_item_is_made_up_by_the_next(books):
    books.log(*some_entries(2))
    with books.platform.failing("TransactWriteItems"), pytest.raises(UnavailableError):
        write_checkpoint()
    books.platform.clock.advance(timedelta(minutes=1))
    assert write_checkpoint().size == 2
    assert len(objects(books)) == 4


@pytest.mark.parametrize("service", ["kms", "s3"])
def test_a_service_that_is_away_leaves_no_checkpoint(books, service):
    books.log(*some_entries(2))
    client = books.platform.client(service)

    def refuse(**_):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "injected"}}, "Sign")

    client.meta.events.register_first(f"before-parameter-build.{service}", refuse, unique_id="refuse")
    try:
        with pytest.raises(UnavailableError):
            write_checkpoint()
    finally:
        client.meta.events.unregister(f"before-parameter-build.{service}", unique_id="refuse")
    assert [item for item in books.items() if "checkpoint" in item["pk"]["S"]] == []
    assert write_checkpoint().size == 2
