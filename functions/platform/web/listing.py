"""A page of a list: rows that a projector keeps, newest first, and behind each the item as it is now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Item
from functions.platform.web.context import Call
from functions.platform.web.pagination import page_limit, seal, unseal

RowT = TypeVar("RowT", bound=Item)
ItemT = TypeVar("ItemT", bound=Item)


def subject_in_key(row: Item) -> str:
    """The listed id, where it ends the row's sort key `<created ms>#<id>`."""
    return str(row.sk).partition("#")[2]


def listed(
    call: Call, pk: str, row: type[RowT], item: type[ItemT], subject: Callable[[RowT], str] = subject_in_key
) -> tuple[list[ItemT], str | None]:
    """One page of a list partition: one query, one batch of reads.

    Args:
        call: Its `limit` and `cursor`.
        pk: The list's partition, which is also what the cursor is sealed for.
        row: Model of the rows.
        item: Model of what they name.
        subject: The id a row names.

    Returns:
        The items that are there, in the rows' order, and the cursor to go on with.

    Raises:
        InvalidError: `limit` out of range, or not a cursor of this list.
    """
    box = container()
    secret = box.secrets.key("cursors")
    rows, last = box.tables.query(
        row, pk, limit=page_limit(call.query), forward=False, start=unseal(secret, pk, call.query.get("cursor"))
    )
    found = box.tables.batch_get([(item, subject(each), keys.SELF) for each in rows])
    return [each for each in found if isinstance(each, item)], seal(secret, pk, last)
