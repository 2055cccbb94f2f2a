"""The customer's credit balance: money of theirs that we hold, one item per customer and currency.

It is changed by ADD in the transaction of whatever changes it, so a refund need not read it; taking more than is there
fails the transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Update, WriteSet

_MOST: Final = 200
"""More than there are currencies in use."""


class BalanceItem(Item):
    """Under the customer's id; about 90 bytes.

    Args:
        in_transit: On its way to the customer: taken from `amount`, and not there yet.
    """

    amount = IntegerAttribute(attr_name="am", default=0)
    in_transit = IntegerAttribute(attr_name="it", default=0)
    changed_at_ms = IntegerAttribute(attr_name="t", default=0)

    @property
    def currency(self) -> str:
        return self.sk.removeprefix(keys.BALANCES)


def balance_of(customer_id: str, currency: str) -> int:
    """What a customer has to their credit, consistently. Minor units."""
    item: BalanceItem | None = container().tables.get(BalanceItem, customer_id, keys.balance(currency), consistent=True)
    return item.amount if item else 0


def owed_to(customer_id: str) -> dict[str, int]:
    """What we owe a customer, consistently: credit balances, and what of them is on its way. Currency → minor units."""
    found, _ = container().tables.query(
        BalanceItem, customer_id, limit=_MOST, sort=Path("sk").startswith(keys.BALANCES), consistent=True
    )
    return {item.currency: item.amount + max(0, item.in_transit) for item in found}


def plan_balance_change(
    customer_id: str, currency: str, by_minor: int, at: datetime, *, in_transit_minor: int = 0
) -> WriteSet:
    """Add to a credit balance, or take from it.

    Args:
        customer_id: Whose.
        currency: In which.
        by_minor: Negative to take; nothing is written for 0.
        at: Business time.
        in_transit_minor: Added to what is on its way to the customer, or (negative) taken from it.

    Raises (at commit):
        ConditionFailedError: Less is there than is to be taken.
    """
    if not by_minor and not in_transit_minor:
        return WriteSet()
    enough: Condition | None = Path("am") >= -by_minor if by_minor < 0 else None
    adds = [Path(name).add(value) for name, value in (("am", by_minor), ("it", in_transit_minor)) if value]
    actions = (*adds, Path("t").set(epoch_ms(at)))
    return WriteSet.of(Update(BalanceItem, customer_id, keys.balance(currency), actions, enough))
