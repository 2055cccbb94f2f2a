"""Sales that wait for a word from the customer's phone, as items under the customer: found by the shop's reference."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.expressions.operand import Path

from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet

_KEPT_S: Final = 86_400
_MOST: Final = 20


class AwaitedItem(Item):
    """Names a sale; what it is now stands in its authorization."""

    ttl = IntegerAttribute(attr_name="ttl")


def plan_awaited(sale: AuthorizationItem, wall: datetime) -> WriteSet:
    """Let the customer find a sale."""
    place = keys.awaited(sale.reference, sale.pk)
    return WriteSet.of(Put(AwaitedItem(pk=sale.customer_id, sk=place, ttl=int(wall.timestamp()) + _KEPT_S)))


def awaited_ids(customer_id: str, reference: str | None = None) -> list[str]:
    """The authorizations of a customer's sales of the last day that asked for the phone, or of those under a reference.

    Args:
        customer_id: Whose.
        reference: The shop's; None for all.
    """
    prefix = keys.AWAITED if reference is None else keys.awaited(reference)
    rows, _ = container().tables.query(
        AwaitedItem, customer_id, limit=_MOST, sort=Path("sk").startswith(prefix), consistent=True
    )
    return [str(row.sk).rpartition("#")[2] for row in rows]
