"""A platform whose checkpoint bucket is locked as the template's is, and hands to post with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.ledger import events
from functions.ledger.audit.export_service import StateGlimpse
from functions.ledger.entries import Entry
from functions.ledger.explained import Explained
from functions.ledger.service import plan_entry
from functions.platform.storage import keys
from tests.builders.moto_repairs import REGION
from tests.builders.platform import Platform, client_of, platform

BUCKET = "whitenote-locked-checkpoints"


@pytest.fixture
def books() -> Iterator[Books]:
    with platform(checkpoint_bucket=BUCKET) as built:
        client_of("s3").create_bucket(
            Bucket=BUCKET,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        yield Books(built)


class Books:
    """The ledger of a test platform."""

    def __init__(self, built: Platform) -> None:
        self.platform = built

    def post(self, *entries: Entry) -> None:
        """Post entries with the state items they explain (one by one: moto copies all tables at a transaction)."""
        tables, client = self.platform.tables, self.platform.client("dynamodb")
        for entry in entries:
            [put] = plan_entry(entry).operations
            for item in (put.item, *(self._state(name, entry) for name in entry.explains)):
                client.put_item(TableName=tables.name_of(item), Item=item.serialize())

    def _state(self, name: str, entry: Entry) -> StateGlimpse:
        item = self.platform.tables.get(StateGlimpse, name, keys.SELF) or StateGlimpse(pk=name, version=0)
        item.version += 1
        item.explained = Explained.from_bytes(item.explained).plus(entry.id).to_bytes()
        item.commands = ((item.commands or b"") + bytes.fromhex(entry.command_id).rjust(8, b"\0") + bytes(8))[-128:]
        return item

    def sequence(self) -> dict[str, Any]:
        """Let the sequencer have what the stream has."""
        return events.sequence(self.platform.records(self.platform.settings.ledger_table, reader="sequencer"))

    def log(self, *entries: Entry) -> None:
        """Post and sequence."""
        self.post(*entries)
        assert self.sequence() == {"batchItemFailures": []}

    def items(self) -> list[dict[str, Any]]:
        """Every item of the ledger table, raw."""
        return self.platform.items(self.platform.settings.ledger_table)

    def put_raw(self, item: dict[str, Any]) -> None:
        """What someone with the table's keys could do."""
        self.platform.client("dynamodb").put_item(TableName=self.platform.settings.ledger_table, Item=item)

    def delete_raw(self, item: dict[str, Any]) -> None:
        """What someone with the table's keys could do."""
        self.platform.client("dynamodb").delete_item(
            TableName=self.platform.settings.ledger_table, Key={name: item[name] for name in ("pk", "sk")}
        )


__all__ = ["BUCKET", "Books"]
