"""Refunds as items: one per command, never changed; the plan is where the money moved."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from functions.core.ids import derived_id, id_bytes, id_text
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute
from functions.platform.storage.transactions import OnConflict, WriteSet, create
from functions.platform.web.context import Command


class RefundItem(State):
    """Goods money given back; about 400 bytes.

    Args:
        kind: "refund", "reversal" or "dispute".
        fee: Of the fees, what the customer need not pay any more or has got back.
        credited: What had been repaid and is the customer's own again.
        released: What the customer's line has more available.
        remaining: What could still be refunded afterwards.
        elsewhere: The line's alias, where the money was told to have gone to another instrument than the order's.
    """

    plan = BinaryAttribute(legacy_encoding=False, attr_name="p")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    kind = UnicodeAttribute(attr_name="k")
    amount = IntegerAttribute(attr_name="am")
    currency = UnicodeAttribute(attr_name="cu")
    reason = UnicodeAttribute(attr_name="re", null=True)
    fee = IntegerAttribute(attr_name="fe")
    credited = IntegerAttribute(attr_name="cr")
    released = IntegerAttribute(attr_name="rl")
    remaining = IntegerAttribute(attr_name="rm")
    elsewhere = IntegerAttribute(attr_name="el", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")

    @property
    def plan_id(self) -> str:
        return id_text("plan", self.plan)

    @property
    def capture_id(self) -> str:
        return id_text("cap", id_bytes(self.plan_id))

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)


def refund_id(secret: bytes, command: Command) -> str:
    """The public id of the refund that a command makes."""
    return derived_id("ref", secret, command.scope)


def plan_new(item: RefundItem, on_conflict: OnConflict) -> WriteSet:
    """W9: a new refund, once per command."""
    return WriteSet.of(create(item, on_conflict))
