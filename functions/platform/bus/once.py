"""Each event is handled once by each consumer: powertools' idempotency over a record in our own table (ADR 0070).

The record says "in progress" before the handler runs, with the end of the invocation as its own end, and "completed"
after it; it is taken away when the handler fails. It keeps duplicates from running. What makes a run that was broken
off after its effect correct when it is run again is what the handler writes: its items' own conditions.

Import it only where there is an event: it costs a cold start what the library costs.
Powertools asks the system's clock, which is the wall clock of every stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from functions.platform.bus.invocation import context
from functions.platform.container import container
from functions.platform.storage import keys

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

LIFE_S: Final = 24 * 60 * 60
"""Longer than any queue tries one message; short enough for a republished day to be taken in anew."""

Handler = Callable[[dict[str, Any]], None]


class InProgressError(Exception):
    """The same event is being handled now: it comes again when that has ended one way or the other."""


class _Records(DynamoDBPersistenceLayer):
    """Powertools' records as items of our table, each its own partition."""

    def _get_key(self, idempotency_key: str) -> dict[str, dict[str, str]]:
        return {"pk": {"S": idempotency_key}, "sk": {"S": keys.SELF}}


@lru_cache(maxsize=1)
def _records(table: str, client: Any) -> _Records:  # noqa: ANN401  botocore's client of the container's connection
    return _Records(
        table_name=table,
        key_attr="pk",
        expiry_attr="ttl",
        in_progress_expiry_attr="ip",
        status_attr="st",
        data_attr="d",
        boto3_client=client,
    )


def name_of(body: Mapping[str, Any]) -> str | None:
    """The event's own id, the same at every delivery; None for a message that asks for work and is no event."""
    detail = body.get("detail")
    if not isinstance(detail, Mapping):
        return None
    name = detail.get("id") or body.get("id")
    return str(name) if name else None


def handle_once(handle: Handler, body: dict[str, Any], *, name: str, consumer: str) -> None:
    """Hand an event to its consumer unless that was done.

    Args:
        handle: Takes the body; its conditions make a second run harmless.
        body: The message.
        name: Of the event, from `name_of`.
        consumer: Who handles it.

    Raises:
        InProgressError: Another invocation is at it.
    """
    box = container()
    config = IdempotencyConfig(
        expires_after_seconds=LIFE_S,
        hash_function="sha256",
        lambda_context=cast("LambdaContext", context()),  # only its remaining time is asked for
    )
    guarded = idempotent_function(
        _run,
        data_keyword_argument="name",
        config=config,
        persistence_store=_records(box.tables.table, box.tables.connection.client),
        key_prefix=keys.handled(consumer),
    )
    try:
        guarded(handle, body, name=name)
    except IdempotencyAlreadyInProgressError as error:
        raise InProgressError(f"{consumer} is handling {name}") from error


def _run(handle: Handler, body: dict[str, Any], *, name: str) -> None:  # noqa: ARG001  name is what powertools hashes
    handle(body)
