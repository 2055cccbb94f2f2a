"""What plans and products tell, and the customer's list of plans that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.core.clock import epoch_ms, parse_instant
from functions.core.ids import id_bytes
from functions.lending.plans.present import present_capture, present_plan
from functions.lending.plans.store import PlanRow, from_image, plan_row, rows_key
from functions.lending.products.store import ProductItem, present_product_item
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import write_each


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a capture, plan or installment event."""
    item = from_image(image)
    capture = told.type.startswith("capture.")
    body = {"capture": present_capture(item)} if capture else {"plan": present_plan(item)}
    return Rendered(
        object_id=item.capture_id if capture else item.pk,
        data={**body, **told.note},
        merchant_id=item.merchant_id,
        customer_id=item.customer_id,
    )


def render_product(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a product event; staff alone hear of it."""
    item = ProductItem.from_raw_data(dict(image))
    return Rendered(object_id=item.sk, data={"product": present_product_item(item), **told.note})


def project(event: Mapping[str, Any]) -> None:
    """Keep the customer's list of plans; the same event twice, or an older one late, changes nothing.

    Args:
        event: Our envelope of a `plan.*` event.
    """
    plan = event["data"]["plan"]
    row = PlanRow(
        pk=rows_key(event["customer_id"]),
        sk=f"{epoch_ms(parse_instant(plan['created_at'])):013d}#{plan['id']}",
        plan=id_bytes(plan["id"]),
        currency=plan["currency"],
        status=plan["status"],
        sequence=event["sequence"],
    )
    write_each(container().tables, plan_row(row))
