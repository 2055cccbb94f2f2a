"""Billing cycles and statements as items (docs/data_model.md R41, W41)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import derived_id, id_bytes, id_text
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Put, WriteSet, create, replace
from functions.servicing.statements.cycle import cut_at

CYCLE_PREFIX: Final = "bill"
PREFIX: Final = "stm"


class CycleItem(State):
    """When a customer is next billed in a currency; stands in the action index while there is anything to bill.

    Args:
        chosen: Whether the customer chose the bill day.
        previous: Ordinal of the last cut, or of the day from which the first cycle counts.
        next: Ordinal of the next cut; None while there is nothing to bill.
        last: The last statement.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    alias = IntegerAttribute(attr_name="al")
    zone = UnicodeAttribute(attr_name="z")
    bill_day = IntegerAttribute(attr_name="bd")
    chosen = BooleanAttribute(attr_name="ch", default=False)
    previous = IntegerAttribute(attr_name="pd", null=True)
    next = IntegerAttribute(attr_name="nd", null=True)
    last = BinaryAttribute(legacy_encoding=False, attr_name="ls", null=True)
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def previous_on(self) -> date | None:
        return date.fromordinal(self.previous) if self.previous else None

    @property
    def next_on(self) -> date | None:
        return date.fromordinal(self.next) if self.next else None

    @property
    def last_id(self) -> str | None:
        return id_text(PREFIX, self.last) if self.last else None

    def bill_next(self, cut_on: date | None, shards: int) -> None:
        """Stand in the action index for a cut; None takes it out."""
        self.next = cut_on.toordinal() if cut_on else None
        self.shard = keys.action_hour(shard_of(self.pk, shards)) if cut_on else None
        self.hour = hour_key(cut_at(cut_on, self.zone)) if cut_on else None


class StatementItem(State):
    """A statement, never changed; about 400 bytes and 250 for each plan.

    Args:
        figures: What its customer reads.
        collected: What each of its plans had ever collected at the cut, by the end of the plan's id.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    figures: JSONAttribute = JSONAttribute(attr_name="f")
    collected: JSONAttribute = JSONAttribute(attr_name="co")
    issued_at_ms = IntegerAttribute(attr_name="t")

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)


class StatementRow(Item):
    """A row of a customer's list of statements."""

    cut = IntegerAttribute(attr_name="d")


def cycle_id(secret: bytes, customer_id: str, currency: str) -> str:
    """The one billing cycle of a customer in a currency."""
    return derived_id(CYCLE_PREFIX, secret, customer_id, currency)


def statement_id(secret: bytes, customer_id: str, currency: str, cut_on: date) -> str:
    """The one statement of a cut."""
    return derived_id(PREFIX, secret, customer_id, currency, cut_on.isoformat())


def rows_key(customer_id: str) -> str:
    """Partition of a customer's list of statements."""
    return keys.listing(customer_id, "statement")


def plan_cycle(item: CycleItem, seen_version: int) -> WriteSet:
    """A cycle: new, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    return WriteSet.of(replace(item, seen_version) if seen_version else create(item))


def plan_statement(item: StatementItem, cut_on: date) -> WriteSet:
    """W41: a new statement with its row in the customer's list.

    Raises (at commit):
        ConditionFailedError: The cut has its statement.
    """
    row = StatementRow(pk=rows_key(item.customer_id), sk=f"{item.issued_at_ms:013d}#{item.pk}", cut=cut_on.toordinal())
    return WriteSet.of(create(item), Put(row, Path("pk").does_not_exist()))


def new_cycle(secret: bytes, customer_id: str, currency: str, **facts: Any) -> CycleItem:  # noqa: ANN401  attributes
    """A cycle that has not been written yet."""
    return CycleItem(
        pk=cycle_id(secret, customer_id, currency),
        version=0,
        customer=id_bytes(customer_id),
        currency=currency,
        **facts,
    )
