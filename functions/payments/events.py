"""What authorizations and refunds tell, and the projections that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.core.clock import epoch_ms, parse_instant
from functions.core.ids import id_bytes
from functions.payments.authorization import WARNED_BEFORE
from functions.payments.present import present
from functions.payments.refund_service import present_refund
from functions.payments.refund_store import RefundItem
from functions.payments.scenario import shown_category
from functions.payments.store import AuthorizationItem, AuthorizationRow, row_key
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import Put, WriteSet, write_each

_LIVE = frozenset({"approved", "held", "partially_captured", "awaiting_confirmation"})


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of an authorization event: the authorization as it was after the write."""
    item = AuthorizationItem.from_raw_data(dict(image))
    return Rendered(
        object_id=item.pk,
        data={"authorization": present(item, container().secrets.key("ids")) | _masked(item.category), **told.note},
        merchant_id=item.merchant_id,
        customer_id=item.customer_id,
    )


def _masked(category: str) -> dict[str, str]:
    """What leaves us says of a sensitive category no more than that it is private."""
    return {"category": shown_category(category)}


def render_refund(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a refund event."""
    item = RefundItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"refund": present_refund(item), **told.note}, item.merchant_id, item.customer_id)


def project(event: Mapping[str, Any]) -> None:
    """Keep the merchant's list and the timer of an authorization; the same event twice writes the same.

    Args:
        event: Our envelope of an `authorization.*` event.
    """
    box, auth = container(), event["data"]["authorization"]
    place = row_key(event["merchant_id"], epoch_ms(parse_instant(auth["created_at"])), auth["id"])
    row = AuthorizationRow(pk=place.pk, sk=place.sk, authorization=id_bytes(auth["id"]))
    look_at = _look_at(auth, warned=event["type"] == "authorization.expiring")
    write_each(
        box.tables, WriteSet.of(Put(row)), plan_timer(auth["id"], look_at, box.settings.shards, event["sequence"])
    )


def _look_at(auth: Mapping[str, Any], *, warned: bool) -> datetime | None:
    """When to look at an order that lives; the look judges again, so that one too early does nothing.

    Events may come in any order: only one that says that the order has ended takes the timer away.
    """
    if auth["status"] not in _LIVE:
        return None
    if auth["suspension"] is not None:
        return parse_instant(auth["suspension"]["until"])
    end = parse_instant(auth["expires_at"])
    return end if warned or auth["status"] == "held" else end - WARNED_BEFORE
