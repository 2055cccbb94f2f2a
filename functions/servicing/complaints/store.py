"""Complaints as items (docs/data_model.md R44, W46)."""

from __future__ import annotations

from datetime import date
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.ids import derived_id, id_text
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute
from functions.platform.web.context import Command

PREFIX: Final = "cmp"
OPEN, ANSWERED = "open", "answered"


class ComplaintItem(State):
    """A complaint; at most 12 KB. Both texts are sealed with the customer's key and die with it.

    Args:
        about: The plan, repayment or other object it is about, if any.
        answer_by: Ordinal of the last day for an answer.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    topic = UnicodeAttribute(attr_name="to")
    channel = UnicodeAttribute(attr_name="ch")
    about = UnicodeAttribute(attr_name="ab", null=True)
    text = BinaryAttribute(legacy_encoding=False, attr_name="tx")
    status = UnicodeAttribute(attr_name="s", default=OPEN)
    answer_by = IntegerAttribute(attr_name="d")
    outcome = UnicodeAttribute(attr_name="oc", null=True)
    answer = BinaryAttribute(legacy_encoding=False, attr_name="an", null=True)
    received_at_ms = IntegerAttribute(attr_name="t")
    taken_by = UnicodeAttribute(attr_name="by")
    answered_at_ms = IntegerAttribute(attr_name="at", null=True)
    answered_by = UnicodeAttribute(attr_name="aby", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    commands = CommandsAttribute()

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def answer_by_on(self) -> date:
        return date.fromordinal(self.answer_by)


STAFF: Final = "staff"


class ComplaintRow(Item):
    """A row of the staff's list of complaints, and of its customer's."""


def complaint_id(secret: bytes, command: Command) -> str:
    """The public id of the complaint that a command makes."""
    return derived_id(PREFIX, secret, command.scope)


def rows_key(owner: str = STAFF) -> str:
    """Partition of a list of complaints: the staff's, or a customer's own."""
    return keys.listing(owner, "complaint")


def plan_complaint(item: ComplaintItem, seen_version: int) -> WriteSet:
    """A complaint: new, with its row in both lists, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster, or the command has made it.
    """
    if seen_version:
        return WriteSet.of(replace(item, seen_version))
    place = f"{item.received_at_ms:013d}#{item.pk}"
    rows = [ComplaintRow(pk=rows_key(owner), sk=place) for owner in (STAFF, item.customer_id)]
    return WriteSet.of(create(item), *map(create, rows))
