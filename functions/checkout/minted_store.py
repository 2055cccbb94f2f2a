"""Which commands have minted customer tokens: a retry gets the same token, and the key serves no other command.

The token itself is kept nowhere. It is made again from the command and from the instant at which it ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import BinaryAttribute
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem
from functions.platform.storage.transactions import Put, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Command

_KEPT: Final = timedelta(days=7)


class MintedItem(Item):
    """One command's mark; about 80 bytes, nobody's name in it."""

    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")
    ends_ms = IntegerAttribute(attr_name="e")
    ttl = IntegerAttribute(attr_name="ttl")


class _MintedMeanwhileError(Exception):
    """Another copy of the command, or another one under its key, was faster; carries its mark."""

    def __init__(self, raw: RawItem | None) -> None:
        super().__init__()
        self.mark = MintedItem.from_raw_data(dict(raw or {}))


def minted_until(command: Command, wall: datetime) -> datetime | None:
    """When the token ends that this command has minted; None if it has minted none, or none that still lives.

    Args:
        command: As it came.
        wall: Wall instant.

    Raises:
        IdempotencyKeyReusedError: The key came with another body.
    """
    mark = container().tables.get(MintedItem, _place(command), keys.SELF)
    return _end_of(mark, command, wall) if mark else None


def mint_until(command: Command, ends_at: datetime, wall: datetime) -> tuple[datetime, bool]:
    """Mark the command as the one that mints, before anything is signed.

    Args:
        command: As it came.
        ends_at: When its token would end.
        wall: Wall instant.

    Returns:
        When the token ends, and whether another copy of the command has minted it meanwhile.

    Raises:
        IdempotencyKeyReusedError: The key came with another body.
    """
    item = MintedItem(
        pk=_place(command), body=command.body, ends_ms=epoch_ms(ends_at), ttl=int((wall + _KEPT).timestamp())
    )
    over = (Path("e") <= epoch_ms(wall)) & (Path("cb") == command.body)
    try:
        commit(container().tables, WriteSet.of(Put(item, Path("pk").does_not_exist() | over, _MintedMeanwhileError)))
    except _MintedMeanwhileError as meanwhile:
        return _end_of(meanwhile.mark, command, wall) or ends_at, True
    return ends_at, False


def _end_of(mark: MintedItem, command: Command, wall: datetime) -> datetime | None:
    same_body(mark.body, command)
    ends_at = from_epoch_ms(mark.ends_ms)
    return ends_at if wall < ends_at else None


def _place(command: Command) -> str:
    return keys.minted(command.key.hex())
