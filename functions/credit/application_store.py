"""Credit applications as items: with their customer, so that earlier ones are one query away."""

from __future__ import annotations

import zlib

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.errors import NotFoundError
from functions.core.ids import require_id
from functions.customers.service import sealer_of
from functions.platform.container import container
from functions.platform.crypto import Sealer
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Tables
from functions.platform.storage.transactions import Check, OnConflict, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

MAX_EARLIER = 50


class ApplicationItem(State):
    """One application; the statements and the decision record are sealed with the customer's own key."""

    id = UnicodeAttribute(attr_name="i")
    outcome = UnicodeAttribute(attr_name="o")
    currency = UnicodeAttribute(attr_name="cu")
    limit = IntegerAttribute(attr_name="lm")
    grade = UnicodeAttribute(attr_name="g", null=True)
    terms = UnicodeAttribute(attr_name="tm", null=True)
    alias = IntegerAttribute(attr_name="al", null=True)
    reasons = JSONAttribute(attr_name="rs")
    model = UnicodeAttribute(attr_name="mo")
    policy = UnicodeAttribute(attr_name="po")
    record_hash = BinaryAttribute(legacy_encoding=False, attr_name="rh")
    record = BinaryAttribute(legacy_encoding=False, attr_name="re")  # sealed
    stated = BinaryAttribute(legacy_encoding=False, attr_name="sd")  # sealed
    decided_at_ms = IntegerAttribute(attr_name="t")
    decided_by = UnicodeAttribute(attr_name="db", default="policy")  # or "person"
    answer_due_on = UnicodeAttribute(attr_name="ad", null=True)  # while a person is asked
    appealed = IntegerAttribute(attr_name="ap", default=0)
    commands = CommandsAttribute()
    key = BinaryAttribute(legacy_encoding=False, attr_name="ik")
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")

    @property
    def customer_id(self) -> str:
        return str(self.pk)


def load_application(application_id: str, customer_id: str) -> ApplicationItem:
    """A customer's application, read consistently.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item: ApplicationItem | None = container().tables.get(
        ApplicationItem, customer_id, application_sk(require_id("capp", application_id)), consistent=True
    )
    if item is None:
        raise NotFoundError
    return item


def seal_record(sealer: Sealer, record: bytes) -> bytes:
    """A decision record as it is stored: compressed, and sealed with the customer's own key."""
    return sealer.seal("record", zlib.compress(record, 9).hex())


def open_record(item: ApplicationItem) -> bytes:
    """The decision record of an application.

    Raises:
        NotFoundError: The customer was erased.
        UnavailableError: The key service does not answer.
    """
    sealed: str = sealer_of(item.customer_id).open("record", item.record)
    return zlib.decompress(bytes.fromhex(sealed))


def application_sk(application_id: str) -> str:
    """Sort key beside the customer."""
    return f"{keys.APPLICATION}{application_id}"


def earlier_applications(tables: Tables, customer_id: str) -> list[ApplicationItem]:
    """A customer's applications, at most fifty."""
    items, _ = tables.query(
        ApplicationItem, customer_id, limit=MAX_EARLIER, sort=Path("sk").startswith(keys.APPLICATION), consistent=True
    )
    return items


def plan_new(item: ApplicationItem, on_conflict: OnConflict) -> WriteSet:
    """A new application, once per command."""
    return WriteSet.of(create(item, on_conflict))


def plan_absent(customer_id: str, application_id: str) -> WriteSet:
    """A check that this command has made no application yet.

    Raises (at commit):
        ConditionFailedError: It has; carries the item.
    """
    return WriteSet.of(Check(ApplicationItem, customer_id, application_sk(application_id), Path("pk").does_not_exist()))


def plan_application(item: ApplicationItem, seen_version: int) -> WriteSet:
    """An application over the version that was read."""
    return WriteSet.of(replace(item, seen_version))
