"""Fulfilments as items: one per command, never changed; the plan is where the money moved."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.ids import derived_id, id_text
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute
from functions.platform.storage.transactions import OnConflict, WriteSet, create
from functions.platform.web.context import Command


class FulfilmentItem(State):
    """Service rendered; about 350 bytes.

    Args:
        event: What happened.
        rendered: Ordinal of the day.
        amount: Goods value.
        released: Of the holdback.
        held: What waits still.
        reference: Of the proof, the merchant's own.
        digest: SHA-256 of the proof.
    """

    plan = BinaryAttribute(legacy_encoding=False, attr_name="p")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    event = UnicodeAttribute(attr_name="e")
    rendered = IntegerAttribute(attr_name="d")
    amount = IntegerAttribute(attr_name="am")
    units = IntegerAttribute(attr_name="u", null=True)
    released = IntegerAttribute(attr_name="rl")
    held = IntegerAttribute(attr_name="h")
    currency = UnicodeAttribute(attr_name="cu")
    reference = UnicodeAttribute(attr_name="r")
    digest = BinaryAttribute(legacy_encoding=False, attr_name="dg", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")

    @property
    def capture_id(self) -> str:
        return id_text("cap", self.plan)

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)


def fulfilment_id(secret: bytes, command: Command) -> str:
    """The public id of the fulfilment that a command reports."""
    return derived_id("ful", secret, command.scope)


def plan_new(item: FulfilmentItem, on_conflict: OnConflict) -> WriteSet:
    """A new fulfilment, once per command."""
    return WriteSet.of(create(item, on_conflict))
