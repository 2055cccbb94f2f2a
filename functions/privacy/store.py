"""Tombstones of erased people: in the append-only table, which no restore of the operational table brings back."""

from __future__ import annotations

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item, RawItem, Tables
from functions.platform.storage.transactions import WriteSet, create

_PAGE = 500


class TombstoneItem(Item):
    """Somebody was forgotten: their id, which says nothing about them, and when."""

    ledger: ClassVar[bool] = True
    at_ms = IntegerAttribute(attr_name="t")
    request_id = UnicodeAttribute(attr_name="r")


def plan_tombstone(customer_id: str, at_ms: int, request_id: str) -> WriteSet:
    """Remember that a customer was erased; once.

    Raises (at commit):
        ConditionFailedError: They were erased before.
    """
    return WriteSet.of(create(TombstoneItem(pk=keys.ERASED, sk=customer_id, at_ms=at_ms, request_id=request_id)))


def tombstone_of(tables: Tables, customer_id: str) -> TombstoneItem | None:
    """A customer's tombstone, if they were erased."""
    return tables.get(TombstoneItem, keys.ERASED, customer_id, consistent=True)


def all_tombstones(tables: Tables, after: str = "") -> list[TombstoneItem]:
    """Every tombstone, by customer id."""
    found: list[TombstoneItem] = []
    start: RawItem | None = None
    while True:
        page, start = tables.query(
            TombstoneItem, keys.ERASED, limit=_PAGE, sort=Path("sk") > after if after else None, start=start
        )
        found += page
        if start is None:
            return found
