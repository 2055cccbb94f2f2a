"""What checkouts tell, and the merchant's list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.checkout.checkout_service import present_state
from functions.checkout.checkout_store import CheckoutItem, CheckoutRow, row_key
from functions.core.clock import epoch_ms, parse_instant
from functions.core.ids import id_bytes
from functions.payments.scenario import shown_category
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import Put, WriteSet, write_each


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a checkout event."""
    item = CheckoutItem.from_raw_data(dict(image))
    return Rendered(
        item.pk,
        {"checkout": present_state(item) | {"category": shown_category(item.category)}, **told.note},
        merchant_id=item.merchant_id,
    )


def project(event: Mapping[str, Any]) -> None:
    """Keep the merchant's list and the timer of an open order; the same event twice writes the same."""
    box = container()
    checkout = event["data"]["checkout"]
    created_ms = epoch_ms(parse_instant(checkout["created_at"]))
    pk, sk = row_key(event["merchant_id"], created_ms, checkout["id"])
    row = CheckoutRow(pk=pk, sk=sk, checkout=id_bytes(checkout["id"]))
    end = parse_instant(checkout["expires_at"]) if checkout["status"] == "open" else None
    write_each(
        box.tables, WriteSet.of(Put(row)), plan_timer(checkout["id"], end, box.settings.shards, event["sequence"])
    )
