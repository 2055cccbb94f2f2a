"""Devices that pay by code, as items: the phone as its customer lists it, and when the alias was last renewed.

What the hot path needs of them stands in the line (functions.credit.lines.codes); no secret stands anywhere.
"""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import id_text
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute
from functions.platform.storage.transactions import WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PREFIX: Final = "dev"
MAX_LISTED: Final = 100


class DeviceItem(State):
    """A phone, once enrolled; about 250 bytes."""

    alias = IntegerAttribute(attr_name="al")
    currency = UnicodeAttribute(attr_name="cu")
    enrolment = IntegerAttribute(attr_name="n")
    name = BinaryAttribute(legacy_encoding=False, attr_name="nm", null=True)  # sealed with the customer's key
    enrolled_at_ms = IntegerAttribute(attr_name="t")
    removed_at_ms = IntegerAttribute(attr_name="x", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ck")
    body = BinaryAttribute(legacy_encoding=False, attr_name="cb")

    @property
    def id(self) -> str:
        return str(self.sk).removeprefix(keys.DEVICES)

    @property
    def number(self) -> int:
        """The digit in its codes."""
        return int(self.enrolment) % 10


class CodeAliasItem(State):
    """When a customer last asked for another alias in a currency."""

    renewed_at_ms = IntegerAttribute(attr_name="t")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    commands = CommandsAttribute()

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def currency(self) -> str:
        return str(self.sk).rpartition("#")[2]


def plan_new(item: DeviceItem) -> WriteSet:
    """A phone that nobody has enrolled before under this id.

    Raises (at commit):
        ConditionFailedError: The same command has; carries the item.
    """
    return WriteSet.of(create(item))


def plan_change(item: State, seen_version: int) -> WriteSet:
    """A phone or an alias over the version that was read; 0 for one that is not there yet."""
    return WriteSet.of(create(item) if seen_version == 0 else replace(item, seen_version))


DEVICES_OF = Path("sk").startswith(keys.DEVICES)
"""The devices of a customer's partition."""
