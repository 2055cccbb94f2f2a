"""moto's state, kept and put back: what a thousand tests begin with is made once in a process.

kept = keep()                                    # what every service holds now
put_back(kept)                                   # inside another mock_aws; as often as wanted
tables = copies_of_tables()                      # the same for DynamoDB alone
put_tables_back(tables)
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from tests.builders.moto_repairs import REGION

_WHOLE: Final = (("sns", REGION), ("ses", REGION), ("s3", "aws"), ("events", REGION))
_BY_NAME: Final = (("kms", REGION), ("secretsmanager", REGION))
"""Their keys and secrets can't be copied and do not change; which of them there are can."""
_QUEUES: Final = ("sqs", REGION)
_PLACES: Final = (*_WHOLE, *_BY_NAME, _QUEUES)


@dataclass(frozen=True, slots=True)
class Kept:
    """What every service held."""

    tables: dict[str, Table]
    others: dict[tuple[str, str], tuple[Any, dict[str, Any]]]
    """Each service's backend then, which what it holds refers to, and its attributes."""


def keep() -> Kept:
    """What every service that a platform uses holds now."""
    return Kept(
        copies_of_tables(),
        {place: (then := _backend(place), _copies(place, then.__dict__, {id(then): then})) for place in _PLACES},
    )


def put_back(kept: Kept) -> None:
    """Let every service hold that again, and nothing else."""
    put_tables_back(kept.tables)
    for place, (then, state) in kept.others.items():
        now = _backend(place)
        now.__dict__ = _copies(place, state, {id(then): now})


def copies_of_tables() -> dict[str, Table]:
    """Every table of DynamoDB with its items and its stream."""
    return {name: _copy_of(table) for name, table in _tables().items()}


def put_tables_back(tables: dict[str, Table]) -> None:
    """Let DynamoDB hold those, and no other."""
    _tables().clear()
    _tables().update({name: _copy_of(table) for name, table in tables.items()})


def _tables() -> dict[str, Table]:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables


def _backend(place: tuple[str, str]) -> Any:
    service, region = place
    return get_backend(service)[DEFAULT_ACCOUNT_ID][region]  # type: ignore[call-overload]


def _copies(place: tuple[str, str], state: dict[str, Any], memo: dict[int, Any]) -> dict[str, Any]:
    if place in _BY_NAME:
        return {name: copy.copy(value) for name, value in state.items()}
    if place == _QUEUES:
        return {**state, "queues": {name: _queue(queue) for name, queue in state["queues"].items()}}
    return copy.deepcopy(state, memo)


def _queue(queue: Any) -> Any:
    """With what stands in it; its lock is the same one."""
    twin = copy.copy(queue)
    twin.__dict__ = {
        name: copy.copy(value) if isinstance(value, list | dict | set) else value
        for name, value in queue.__dict__.items()
    }
    return twin


def _copy_of(table: Table) -> Table:
    """With its items and its stream; what a record of the stream says never changes."""
    twin = copy.copy(table)
    twin.items = copy.deepcopy(table.items)
    if table.stream_shard is not None:
        twin.stream_shard = copy.copy(table.stream_shard)
        twin.stream_shard.table, twin.stream_shard.items = twin, list(table.stream_shard.items)
    return twin
