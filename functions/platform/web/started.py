"""A command that calls an outside port says so first, so that its retries wait instead of calling again.

The mark has a lease longer than any function that could still be working on it. Whoever finishes takes the mark away
in the same write as the result; whoever dies leaves it, and the next try takes it over when the lease is over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from pynamodb.attributes import BinaryAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.errors import IdempotencyKeyReusedError, InProgressError, UnavailableError
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import Delete, Put, WriteSet, commit
from functions.platform.web.context import Command

LEASE: Final = timedelta(seconds=30)
"""Over the time limit of every function that serves HTTP (infra/functions.toml)."""
_ATTEMPT_BYTES: Final = 8
_KEPT: Final = timedelta(hours=1)
_NO_CHECKS: Final = WriteSet()


class StartedItem(Item):
    """The mark; about 90 bytes."""

    attempt = BinaryAttribute(legacy_encoding=False, attr_name="at")
    lease_ms = IntegerAttribute(attr_name="le")
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")
    ttl = IntegerAttribute(attr_name="ttl")


@dataclass(frozen=True, slots=True)
class Started:
    """A mark that this try has made; as a context it is released when the work inside fails.

    Args:
        pk: Where it stands.
        attempt: Tells this try from others.
    """

    tables: Tables
    pk: str
    attempt: bytes

    def done(self) -> WriteSet:
        """Takes the mark away together with the result; refuses the whole write if another try has taken over."""
        return WriteSet.of(
            Delete(
                StartedItem, self.pk, keys.SELF, Path("at") == self.attempt, lambda _: InProgressError(retry_after_s=1)
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.release()

    def release(self) -> None:
        """Take the mark away without a result, so that a retry need not wait; if that fails, the lease ends it."""
        try:
            commit(self.tables, self.done())
        except (InProgressError, UnavailableError):
            return


def begin(tables: Tables, subject: str, command: Command, now: datetime, unchanged: WriteSet = _NO_CHECKS) -> Started:
    """Mark a command as started.

    Args:
        tables: Where to.
        subject: What is worked on: an object's id, existing or derived from the command.
        command: The command.
        now: Wall time.
        unchanged: Checks that the object is still as it was read: else a try that read before another finished, and
            begins after it, would call the outside port once more.

    Raises:
        InProgressError: Somebody is at it; says when to come back.
        IdempotencyKeyReusedError: Somebody is at it with the same key and another body.
        Exception: What a failed check of `unchanged` makes.
    """
    attempt = os.urandom(_ATTEMPT_BYTES)
    item = StartedItem(
        pk=keys.started(subject),
        attempt=attempt,
        lease_ms=epoch_ms(now + LEASE),
        key=command.key,
        body=command.body,
        ttl=int((now + _KEPT).timestamp()),
    )

    def taken(raw: RawItem | None) -> Exception:
        stored = StartedItem.from_raw_data(dict(raw or {}))
        if stored.key == command.key and stored.body != command.body:
            return IdempotencyKeyReusedError()
        return InProgressError(retry_after_s=max(1, -(-(stored.lease_ms - epoch_ms(now)) // 1000)))

    free = Path("pk").does_not_exist() | (Path("le") <= epoch_ms(now))
    commit(tables, WriteSet.of(Put(item, free, taken)), unchanged)
    return Started(tables, item.pk, attempt)
