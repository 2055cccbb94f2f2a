"""Writing the tables: a use case gathers WriteSets from the slices it touches and commits them once.

A slice's `plan_x` returns a WriteSet: values, each with the condition it needs and the error to raise when the
condition does not hold. Nothing is written until the outermost use case calls `commit`, and then everything or nothing.
Source: DynamoDB TransactWriteItems; cancellation reasons come in the order of the items.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.expressions.update import Update as UpdateExpression

from functions.core.errors import ConflictError, UnavailableError
from functions.platform.storage.table import Expressions, Item, RawItem, Tables, key_of, unavailable

MAX_ITEMS = 100
_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.01

OnConflict = Callable[[RawItem | None], Exception]
"""Makes the error of a failed condition from the item as it is now (None: it does not exist)."""


class ConditionFailedError(ConflictError):
    """A condition without an error of its own did not hold; carries the item as it is now."""

    code, title = "state_changed", "The object changed meanwhile"

    def __init__(self, item: RawItem | None = None) -> None:
        super().__init__()
        self.item = item


def exists_already(item: RawItem | None) -> Exception:
    """Default error of a create that found its key taken."""
    return ConditionFailedError(item)


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item."""

    item: Item
    condition: Condition | None = None
    on_conflict: OnConflict = exists_already


@dataclass(frozen=True, slots=True)
class Update:
    """Change some attributes of one item, whether or not this caller has read it."""

    model: type[Item]
    pk: str
    sk: str
    actions: tuple[Action, ...]
    condition: Condition | None = None
    on_conflict: OnConflict = exists_already


@dataclass(frozen=True, slots=True)
class Statement:
    """An update in DynamoDB's own words, for the one that every purchase makes: composing it costs as much as sending.

    Args:
        update: UpdateExpression.
        condition: ConditionExpression.
        names: Placeholders of attribute names that may be reserved words.
        values: Placeholders of values, in DynamoDB's form.
    """

    model: type[Item]
    pk: str
    sk: str
    update: str
    condition: str
    names: Mapping[str, str]
    values: Mapping[str, Any]
    on_conflict: OnConflict = exists_already


@dataclass(frozen=True, slots=True)
class Check:
    """Require something of an item that is not written."""

    model: type[Item]
    pk: str
    sk: str
    condition: Condition
    on_conflict: OnConflict = exists_already


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an item; refused for the ledger by its policy and here."""

    model: type[Item]
    pk: str
    sk: str
    condition: Condition | None = None
    on_conflict: OnConflict = exists_already


Operation = Put | Update | Statement | Check | Delete


@dataclass(frozen=True, slots=True)
class WriteSet:
    """What one slice wants written together with whatever else the use case writes."""

    operations: tuple[Operation, ...] = ()

    @classmethod
    def of(cls, *operations: Operation) -> WriteSet:
        return cls(operations)

    def __add__(self, other: WriteSet) -> WriteSet:
        return WriteSet(self.operations + other.operations)

    @classmethod
    def union(cls, sets: Iterable[WriteSet]) -> WriteSet:
        return cls(tuple(operation for each in sets for operation in each.operations))


def create(item: Item, on_conflict: OnConflict = exists_already) -> Put:
    """Put an item that must be new."""
    return Put(item, Path("pk").does_not_exist(), on_conflict)


def replace(item: Item, seen_version: int, on_conflict: OnConflict = exists_already) -> Put:
    """Put an item over the version that the decision was made on."""
    return Put(item, Path("v") == seen_version, on_conflict)


def _transact_item(tables: Tables, operation: Operation) -> dict[str, Any]:
    if isinstance(operation, Statement):
        return {"Update": _stated(tables, operation)}
    expressions = Expressions()
    body: dict[str, Any] = {}
    if isinstance(operation, Put):
        name, body["TableName"] = "Put", tables.name_of(operation.item)
        body["Item"] = operation.item.serialize()
    else:
        body["TableName"] = tables.name_of(operation.model)
        body["Key"] = key_of(operation.pk, operation.sk)
        name = {Update: "Update", Check: "ConditionCheck", Delete: "Delete"}[type(operation)]
        if isinstance(operation, Delete) and operation.model.ledger:
            raise TypeError("the ledger is append-only")
        if isinstance(operation, Update):
            body["UpdateExpression"] = UpdateExpression(*operation.actions).serialize(
                expressions.names, expressions.values
            )
    if operation.condition is not None:
        body["ConditionExpression"] = operation.condition.serialize(expressions.names, expressions.values)
        body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {name: body | expressions.members()}


def _stated(tables: Tables, operation: Statement) -> dict[str, Any]:
    return {
        "TableName": tables.name_of(operation.model),
        "Key": key_of(operation.pk, operation.sk),
        "UpdateExpression": operation.update,
        "ConditionExpression": operation.condition,
        "ExpressionAttributeNames": dict(operation.names),
        "ExpressionAttributeValues": dict(operation.values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def commit(tables: Tables, *write_sets: WriteSet, pause: Callable[[float], None] = time.sleep) -> None:
    """Write everything or nothing.

    Args:
        tables: Where to.
        write_sets: At most 100 operations in all, each on another item; an empty commit does nothing.
        pause: Waits between tries after a conflict with another transaction; seconds.

    Raises:
        Exception: Whatever `on_conflict` of the first operation whose condition failed makes of the stored item.
        UnavailableError: Conflicts did not end, or the storage failed; nothing was written, or (when the answer
            was lost) a retry of the same command will find its own items.
    """
    operations = WriteSet.union(write_sets).operations
    if not operations:
        return
    if len(operations) > MAX_ITEMS:
        raise ValueError("a transaction is never chunked: it holds at most 100 items")
    items = [_transact_item(tables, operation) for operation in operations]
    request = {"TransactItems": items}
    for attempt in range(_ATTEMPTS):
        try:
            tables.dispatch("TransactWriteItems", request)
        except ClientError as error:
            retry = _judge(error, operations)
        else:
            return
        if attempt + 1 < _ATTEMPTS:
            # full jitter, so that two conflicting writers do not meet again
            pause(random.uniform(0, _FIRST_PAUSE_S * 2**attempt))  # noqa: S311  not a secret
    raise retry


def write_each(tables: Tables, *write_sets: WriteSet) -> bool:
    """Write items each by itself, in order, at half the price of a transaction.

    For projections: each may be written twice, and without the others. Where a condition does not hold, what stands
    there is newer, and stays.

    Args:
        tables: Where to.
        write_sets: Puts and deletes.

    Returns:
        Whether all was written.

    Raises:
        UnavailableError: The storage failed; some may be written.
    """
    written = True
    for operation in WriteSet.union(write_sets).operations:
        ((name, request),) = _transact_item(tables, operation).items()
        try:
            tables.dispatch(f"{name}Item", request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            written = False
    return written


def _judge(error: ClientError, operations: Sequence[Operation]) -> UnavailableError:
    """Raise what is final; return what may pass if tried again."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        raise error
    reasons = list(getattr(error, "cancellation_reasons", ()))
    # an answer without reasons, or with too few, can't be judged item by item and is raised as it is
    for operation, reason in zip(operations, reasons, strict=False):
        if reason is not None and reason.code == "ConditionalCheckFailed":
            raise operation.on_conflict(reason.raw_item) from None
    codes = {reason.code for reason in reasons if reason is not None}
    if codes & {"ValidationError", "ItemCollectionSizeLimitExceeded"} or not codes:
        raise error
    return unavailable(error)


__all__ = [
    "Check",
    "ConditionFailedError",
    "Delete",
    "OnConflict",
    "Put",
    "Statement",
    "Update",
    "WriteSet",
    "commit",
    "create",
    "replace",
    "write_each",
]
