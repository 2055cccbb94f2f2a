"""Versions of plan products that staff have proposed: one partition, so that the whole book is one query."""

from __future__ import annotations

from typing import Any, Final

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from functions.core.clock import from_epoch_ms, isoformat
from functions.lending.products.book import product_from_dict
from functions.lending.products.plan_product import PlanProduct
from functions.platform.storage import keys
from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute, RawItem, Tables
from functions.platform.storage.transactions import OnConflict, WriteSet, create, replace
from functions.platform.web.commands import CommandsAttribute

PROPOSED, APPROVED, SHIPPED = "proposed", "approved", "shipped"
_PAGE: Final = 100


class ProductItem(State):
    """One version of a product; its definition never changes, and counts once a second person has approved it."""

    definition = JSONAttribute(attr_name="d")
    status = UnicodeAttribute(attr_name="s")
    rate = IntegerAttribute(attr_name="ra")
    reason = UnicodeAttribute(attr_name="re")
    proposed_by = UnicodeAttribute(attr_name="pb")
    proposed_at_ms = IntegerAttribute(attr_name="t")
    approved_by = UnicodeAttribute(attr_name="ab", null=True)
    approved_at_ms = IntegerAttribute(attr_name="ta", null=True)
    key = UnicodeAttribute(attr_name="ck")
    body = UnicodeAttribute(attr_name="cb")
    commands = CommandsAttribute()

    def product(self) -> PlanProduct:
        """The version as a value; it was validated when it was set up."""
        return product_from_dict(self.definition)


def version_name(product_id: str, version: int) -> str:
    """What a version is called in paths: "cny_12.v2"."""
    return f"{product_id}.v{version}"


def read_versions(tables: Tables, *, consistent: bool = False) -> list[ProductItem]:
    """Every stored version, proposed and approved."""
    found: list[ProductItem] = []
    start: RawItem | None = None
    while True:
        items, start = tables.query(ProductItem, keys.PRODUCTS, limit=_PAGE, start=start, consistent=consistent)
        found += items
        if start is None:
            return found


def plan_new(item: ProductItem, on_conflict: OnConflict) -> WriteSet:
    """A new version, under a name that nobody has taken."""
    return WriteSet.of(create(item, on_conflict))


def plan_change(item: ProductItem, seen_version: int) -> WriteSet:
    """A version's approval, over the state that was read."""
    return WriteSet.of(replace(item, seen_version))


def present_product(definition: dict[str, Any], rate_bps: int) -> dict[str, Any]:
    """A version of a product as staff see it, without who set it up."""
    own = {key: each for key, each in definition.items() if key != "id"}
    return {
        "id": version_name(definition["id"], definition["version"]),
        "object": "product",
        "product_id": definition["id"],
        **own,
        "highest_apr_bps": rate_bps,
    }


def present_product_item(item: ProductItem) -> dict[str, Any]:
    """A stored version as staff see it."""
    approved_at = item.approved_at_ms
    return present_product(item.definition, item.rate) | {
        "status": item.status,
        "reason": item.reason,
        "proposed_by": item.proposed_by,
        "proposed_at": isoformat(from_epoch_ms(item.proposed_at_ms)),
        "approved_by": item.approved_by,
        "approved_at": isoformat(from_epoch_ms(approved_at)) if approved_at is not None else None,
    }
