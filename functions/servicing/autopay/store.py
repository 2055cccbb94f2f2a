"""Instruments, mandates and runs as items (docs/data_model.md R42, W42)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import derived_id, id_text
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item
from functions.platform.storage.transactions import ConditionFailedError, Delete, WriteSet, create, replace

INSTRUMENT_PREFIX: Final = "ins"
RUN_PREFIX: Final = "apay"
MAX_INSTRUMENTS: Final = 10
WAITING, ASKING, TOLD, ENDED = "waiting", "asking", "told", "ended"
"""A run waits for its next attempt; asks the rail for an amount; was told that the money is on its way; is over."""


class InstrumentItem(Item):
    """A bank account, under its customer; the number is sealed with the customer's own key and dies with it.

    Args:
        last4: Of the number, for people to tell accounts apart.
        fingerprint: Keyed hash of customer and number.
    """

    number = BinaryAttribute(legacy_encoding=False, attr_name="n")
    last4 = UnicodeAttribute(attr_name="l4")
    bank = UnicodeAttribute(attr_name="b", null=True)
    fingerprint = BinaryAttribute(legacy_encoding=False, attr_name="fp")
    created_at_ms = IntegerAttribute(attr_name="t")
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")

    @property
    def id(self) -> str:
        return self.sk.removeprefix(keys.INSTRUMENTS)


class MandateItem(State):
    """Whether and how a customer lets us collect what falls due, in one currency.

    Args:
        limit: Most that one collection may take; None for all that is due.
        agreed_at_ms: When the customer last gave or took back the mandate.
        asked: The run that asked last: what it has on its way is not asked for by another.
    """

    enabled = BooleanAttribute(attr_name="en")
    instrument = BinaryAttribute(legacy_encoding=False, attr_name="i", null=True)
    limit = IntegerAttribute(attr_name="lm", null=True)
    agreed_at_ms = IntegerAttribute(attr_name="t")
    asked = UnicodeAttribute(attr_name="ak", null=True)

    @property
    def currency(self) -> str:
        return self.sk.removeprefix(keys.AUTOPAY)

    @property
    def instrument_id(self) -> str | None:
        return id_text(INSTRUMENT_PREFIX, self.instrument) if self.instrument else None


class RunItem(State):
    """The collection of one due day: its attempts, one after the other.

    Args:
        due: Ordinal of the due day.
        attempt: The one under way or waited for, from 0.
        amount: Asked for in it; None before it is asked.
        reason: Why the run is over.
    """

    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    currency = UnicodeAttribute(attr_name="cu")
    zone = UnicodeAttribute(attr_name="z")
    due = IntegerAttribute(attr_name="d")
    state = UnicodeAttribute(attr_name="s", default=WAITING)
    attempt = IntegerAttribute(attr_name="a", default=0)
    amount = IntegerAttribute(attr_name="am", null=True)
    reason = UnicodeAttribute(attr_name="re", null=True)
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def due_on(self) -> date:
        return date.fromordinal(self.due)

    def look_again(self, at: datetime | None) -> None:
        """Stand in the action index for an hour; None takes it out."""
        self.shard = keys.action_hour(shard_of(self.pk, container().settings.shards)) if at else None
        self.hour = hour_key(at) if at else None


def run_id(secret: bytes, customer_id: str, currency: str, due_on: date) -> str:
    """The one run of a customer's due day."""
    return derived_id(RUN_PREFIX, secret, customer_id, currency, due_on.isoformat())


def instruments_of(customer_id: str) -> list[InstrumentItem]:
    """R42: a customer's accounts, in the order of their ids."""
    found, _ = container().tables.query(
        InstrumentItem,
        customer_id,
        limit=MAX_INSTRUMENTS * 2,
        sort=Path("sk").startswith(keys.INSTRUMENTS),
        consistent=True,
    )
    return list(found)


def mandates_of(customer_id: str) -> list[MandateItem]:
    """A customer's mandates, one a currency."""
    found, _ = container().tables.query(
        MandateItem, customer_id, limit=MAX_INSTRUMENTS, sort=Path("sk").startswith(keys.AUTOPAY), consistent=True
    )
    return list(found)


def plan_instrument(item: InstrumentItem) -> WriteSet:
    """A new account.

    Raises (at commit):
        ConditionFailedError: The same command has made it.
    """
    return WriteSet.of(create(item, ConditionFailedError))


def plan_removal(item: InstrumentItem) -> WriteSet:
    """Forget an account."""
    return WriteSet.of(Delete(InstrumentItem, item.pk, item.sk, Path("pk").exists()))


def plan_mandate_gone(item: MandateItem) -> WriteSet:
    """Forget a mandate."""
    return WriteSet.of(Delete(MandateItem, item.pk, item.sk, Path("pk").exists()))


def plan_state(item: MandateItem | RunItem, seen_version: int) -> WriteSet:
    """A mandate or a run: new, or over the version that was read.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    return WriteSet.of(replace(item, seen_version) if seen_version else create(item))
