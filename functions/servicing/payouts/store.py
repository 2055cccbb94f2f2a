"""Payouts and the timers of credit balances as items (docs/data_model.md W43)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import derived_id, id_text
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import Delete, Put, WriteSet, create, replace

PREFIX: Final = "cpo"
TIMER_PREFIX: Final = "cbal"
BY_CUSTOMER, BY_AGE = "customer", "age"


class PayoutItem(State):
    """Part of a credit balance on its way back to its customer; about 500 bytes.

    Args:
        account: The number of the account, sealed as the account has it: it may be removed meanwhile.
        cause: "customer" who asked, or "age" of the balance.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    amount = IntegerAttribute(attr_name="am")
    instrument = BinaryAttribute(legacy_encoding=False, attr_name="i")
    account = BinaryAttribute(legacy_encoding=False, attr_name="an", null=True)
    status = UnicodeAttribute(attr_name="s")
    cause = UnicodeAttribute(attr_name="ca")
    provider = UnicodeAttribute(attr_name="pr", null=True)
    failure = UnicodeAttribute(attr_name="fc", null=True)
    created_at_ms = IntegerAttribute(attr_name="t")
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def instrument_id(self) -> str:
        return id_text("ins", self.instrument)

    def look_again(self, at: datetime | None) -> None:
        """Stand in the action index for an hour; None takes it out."""
        self.shard = keys.action_hour(shard_of(self.pk, container().settings.shards)) if at else None
        self.hour = hour_key(at) if at else None


class TimerItem(Item):
    """When a credit balance goes back by itself; there is one as long as there is a balance."""

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    shard = UnicodeAttribute(attr_name="gk")
    hour = UnicodeAttribute(attr_name="gs")

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)


def timer_id(secret: bytes, customer_id: str, currency: str) -> str:
    """The one timer of a customer's credit balance."""
    return derived_id(TIMER_PREFIX, secret, customer_id, currency)


def timer(pk: str, customer: bytes, currency: str, at: datetime) -> TimerItem:
    """A timer that ends at an instant."""
    shard = keys.action_hour(shard_of(pk, container().settings.shards))
    return TimerItem(pk=pk, customer=customer, currency=currency, shard=shard, hour=hour_key(at))


def plan_timer(item: TimerItem) -> WriteSet:
    """A timer that must be new.

    Raises (at commit):
        ConditionFailedError: One is running; the older money counts.
    """
    return WriteSet.of(create(item))


def plan_timer_later(item: TimerItem, seen_hour: str) -> WriteSet:
    """A timer that ends later, over the hour that was read."""
    return WriteSet.of(Put(item, Path("gs") == seen_hour))


def plan_timer_gone(item: TimerItem) -> WriteSet:
    """Take a timer away, if it is still the one that was read."""
    return WriteSet.of(Delete(TimerItem, item.pk, item.sk, Path("gs") == item.hour))


def plan_payout(item: PayoutItem, seen_version: int) -> WriteSet:
    """A payout: new, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster, or the command has made it.
    """
    return WriteSet.of(replace(item, seen_version) if seen_version else create(item))
