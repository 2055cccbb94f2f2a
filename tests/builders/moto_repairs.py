"""What moto's DynamoDB does wrong, or slowly, put right for every test.

repair()                                         # once per process; tests/conftest.py and `platform` call it
stream_of("whitenote")                           # a table's stream records as Lambda hands them over

- It loses concurrent updates: 400 parallel increments gave 298–399 without the lock here, 400 with it.
- It copies a whole table, its stream with it, before each operation of a transaction, and leaves the copy in its
  place when the transaction fails. Here the items that the transaction names are kept, and put back.
- It makes an RSA pair for every symmetric KMS key, which nothing uses.
- It looks for every one of the ten types that an attribute's value may have under five spellings, in each answer,
  and for the names of its own methods at each request.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import moto.core.responses
import moto.dynamodb.responses
import moto.kms.models
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from functions.platform.bus.stream import json_default

REGION = "eu-central-1"


@lru_cache
def repair() -> None:
    """Put all of it right."""
    _make_serial()
    _keep_what_a_transaction_names()
    _share_unused_rsa_keys()
    _take_values_as_they_are()


def stream_of(table: str, after: int = 0) -> list[dict[str, Any]]:
    """A table's stream records but the first `after`, oldest first; bytes are in base 64, numbers are text."""
    shard = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table].stream_shard
    assert shard is not None
    records = [record.to_json() for record in shard.items[after:]]
    for record in records:
        record["dynamodb"].pop("ApproximateCreationDateTime", None)
    return list(json.loads(json.dumps(records, default=json_default)))


def _make_serial() -> None:
    handler, lock = moto.dynamodb.responses.DynamoHandler, threading.RLock()
    original = handler.call_action

    def call_action(self: Any) -> Any:
        with lock:
            return original(self)

    handler.call_action = call_action  # type: ignore[method-assign]


def _keep_what_a_transaction_names() -> None:
    original = DynamoDBBackend.transact_write_items

    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with _undone_on_error(self, transact_items):
            original(self, transact_items)

    DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign]
    Table.__deepcopy__ = lambda self, _: self  # type: ignore[attr-defined]


@contextmanager
def _undone_on_error(backend: DynamoDBBackend, operations: list[dict[str, Any]]) -> Iterator[None]:
    kept: list[tuple[Table, DynamoType, DynamoType, Item | None]] = []
    told: dict[str, int] = {}
    for operation in operations:
        (change,) = operation.values()
        table = backend.tables.get(change["TableName"])
        if table is None:
            continue
        named = change.get("Key") or change["Item"]
        key, sort = DynamoType(named[table.hash_key_attr]), DynamoType(named[str(table.range_key_attr)])
        kept.append((table, key, sort, copy.deepcopy(table.get_item(key, sort))))
        told[table.name] = len(table.stream_shard.items) if table.stream_shard else 0
    try:
        yield
    except Exception:
        for table, key, sort, item in kept:
            if item is None:
                table.items.get(key, {}).pop(sort, None)  # type: ignore[union-attr, call-overload, arg-type]
            else:
                table.items[key][sort] = item  # type: ignore[index, assignment]
        for name, length in told.items():
            shard = backend.tables[name].stream_shard
            if shard is not None:
                del shard.items[length:]
        raise


def _share_unused_rsa_keys() -> None:
    original = moto.kms.models.generate_private_key
    shared = lru_cache(original)
    moto.kms.models.generate_private_key = lambda spec: shared(spec) if spec == "SYMMETRIC_DEFAULT" else original(spec)


def _take_values_as_they_are() -> None:
    original = ResponseSerializer.get_value

    def get_value(self: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
        if type(value) is dict and getattr(getattr(shape, "parent", None), "name", "") == "AttributeValue":
            return value.get(key)
        return original(self, value, key, shape)

    ResponseSerializer.get_value = get_value  # type: ignore[method-assign]
    responses = moto.core.responses
    responses.method_names_from_class = lru_cache(responses.method_names_from_class)  # type: ignore[assignment]
