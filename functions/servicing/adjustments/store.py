"""Adjustments as items (docs/data_model.md R44, W44)."""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.ids import derived_id, id_text
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.platform.web.context import Command

PREFIX: Final = "adj"


class AdjustmentItem(State):
    """A correction, proposed or done; about 600 bytes.

    Args:
        debit: Account of a posting by hand, by its stable name.
        credit: Likewise.
        decided_by: The second person, where one was needed.
    """

    kind = UnicodeAttribute(attr_name="k")
    status = UnicodeAttribute(attr_name="s")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c", null=True)
    plan = BinaryAttribute(legacy_encoding=False, attr_name="p", null=True)
    debit = UnicodeAttribute(attr_name="de", null=True)
    credit = UnicodeAttribute(attr_name="cr", null=True)
    days = IntegerAttribute(attr_name="dy", null=True)
    installments = IntegerAttribute(attr_name="ni", null=True)
    first_due = IntegerAttribute(attr_name="fd", null=True)
    currency = UnicodeAttribute(attr_name="cu")
    amount = IntegerAttribute(attr_name="am")
    reason = UnicodeAttribute(attr_name="re")
    proposed_by = UnicodeAttribute(attr_name="by")
    proposed_at_ms = IntegerAttribute(attr_name="t")
    decided_by = UnicodeAttribute(attr_name="db", null=True)
    decided_at_ms = IntegerAttribute(attr_name="dt", null=True)
    decision = UnicodeAttribute(attr_name="dr", null=True)
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    commands = CommandsAttribute()

    @property
    def customer_id(self) -> str | None:
        return id_text("cus", self.customer) if self.customer else None

    @property
    def plan_id(self) -> str | None:
        return id_text("plan", self.plan) if self.plan else None


class AdjustmentRow(Item):
    """A row of the staff's list of adjustments."""


def adjustment_id(secret: bytes, command: Command) -> str:
    """The public id of the adjustment that a command makes."""
    return derived_id(PREFIX, secret, command.scope)


def rows_key() -> str:
    """Partition of the staff's list of adjustments."""
    return keys.listing("staff", "adjustment")


def plan_adjustment(item: AdjustmentItem, seen_version: int) -> WriteSet:
    """An adjustment: new, with its row in the list, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster, or the command has made it.
    """
    if seen_version:
        return WriteSet.of(replace(item, seen_version))
    row = AdjustmentRow(pk=rows_key(), sk=f"{item.proposed_at_ms:013d}#{item.pk}")
    return WriteSet.of(create(item), create(row))
