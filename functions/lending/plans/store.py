"""Plans as items: capture and plan are one item (docs/data_model.md R4, W3), and a customer's list of them.

The plan itself is one packed value; beside it stand what a query or a stream consumer must see without unpacking.
"""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from functions.core.ids import id_bytes, id_text
from functions.ledger.explained import Explained
from functions.lending.plan import Plan
from functions.lending.plans.packing import pack_plan, unpack_plan
from functions.platform.storage import keys
from functions.platform.storage.action_index import hour_key, shard_of
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, Item, RawItem
from functions.platform.storage.transactions import OnConflict, Put, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute


class PlanItem(State):
    """A plan; at most 1.5 KB with 24 rows, 2 KB with its event and index keys."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="p")
    customer = BinaryAttribute(legacy_encoding=False, attr_name="c")
    merchant = BinaryAttribute(legacy_encoding=False, attr_name="m")
    authorization = BinaryAttribute(legacy_encoding=False, attr_name="a")
    alias = IntegerAttribute(attr_name="al")
    currency = UnicodeAttribute(attr_name="cu")
    product = UnicodeAttribute(attr_name="pd")
    product_version = IntegerAttribute(attr_name="pv", null=True)
    zone = UnicodeAttribute(attr_name="z")
    language = UnicodeAttribute(attr_name="l")
    segment = UnicodeAttribute(attr_name="sg", default="standard")
    agreement = BinaryAttribute(legacy_encoding=False, attr_name="ah", null=True)
    category = UnicodeAttribute(attr_name="ca", null=True)
    serial_number = UnicodeAttribute(attr_name="sn", null=True)
    starts = IntegerAttribute(attr_name="ss", null=True)
    ends = IntegerAttribute(attr_name="se", null=True)
    units = IntegerAttribute(attr_name="un", null=True)
    rendered_units = IntegerAttribute(attr_name="ru", null=True)
    explained = BinaryAttribute(legacy_encoding=False, attr_name="le", null=True)
    body = BinaryAttribute(legacy_encoding=False, attr_name="ib")
    commands = CommandsAttribute()
    shard = UnicodeAttribute(attr_name="gk", null=True)
    hour = UnicodeAttribute(attr_name="gs", null=True)

    @property
    def customer_id(self) -> str:
        return id_text("cus", self.customer)

    @property
    def merchant_id(self) -> str:
        return id_text("mer", self.merchant)

    @property
    def authorization_id(self) -> str:
        return id_text("auth", self.authorization)

    @property
    def capture_id(self) -> str:
        return id_text("cap", id_bytes(self.pk))

    def plan(self) -> Plan:
        return unpack_plan(self.packed)

    def explain(self, entry_id: str) -> None:
        """Remember a ledger entry of this write, so that an entry slipped in or taken out no longer adds up."""
        self.explained = Explained.from_bytes(self.explained).plus(entry_id).to_bytes()


def put_plan(item: PlanItem, plan: Plan, next_action_at: datetime | None, shards: int) -> None:
    """Write a plan and the hour of its next action into its item; without one it leaves the index."""
    item.packed = pack_plan(plan)
    item.shard = keys.action_hour(shard_of(item.pk, shards)) if next_action_at else None
    item.hour = hour_key(next_action_at) if next_action_at else None


def plan_new(item: PlanItem, on_conflict: OnConflict) -> WriteSet:
    """W3: a new plan, once per capture command."""
    return WriteSet.of(create(item, on_conflict))


def plan_change(item: PlanItem, seen_version: int) -> WriteSet:
    """W4: a plan's next state over the one that was read."""
    return WriteSet.of(replace(item, seen_version))


def from_image(raw: RawItem) -> PlanItem:
    """A plan out of a stream image or a failed condition."""
    return PlanItem.from_raw_data(dict(raw))


class PlanRow(Item):
    """A row of a customer's list of plans; written by the projector, fresh state is read by id."""

    plan = BinaryAttribute(legacy_encoding=False, attr_name="p")
    currency = UnicodeAttribute(attr_name="cu")
    status = UnicodeAttribute(attr_name="s")
    sequence = IntegerAttribute(attr_name="sq")

    @property
    def plan_id(self) -> str:
        return id_text("plan", self.plan)


def rows_key(customer_id: str) -> str:
    """Partition of a customer's list of plans."""
    return keys.listing(customer_id, "plan")


def plan_row(row: PlanRow) -> WriteSet:
    """A row as of an event, over what is of an earlier one."""
    return WriteSet.of(Put(row, Path("pk").does_not_exist() | (Path("sq") < row.sequence)))
