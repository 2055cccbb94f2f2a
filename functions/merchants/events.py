"""What merchants tell; never a bank detail, a contact or a key."""

from __future__ import annotations

from typing import Any

from functions.merchants.store import KeyEntryItem, MerchantItem
from functions.platform.storage import keys
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a merchant's or an API key's event."""
    if image["sk"]["S"].startswith(keys.KEY_ENTRIES):
        entry = KeyEntryItem.from_raw_data(dict(image))
        return Rendered(
            object_id=entry.key_id,
            data={"scopes": entry.scopes.split(), "rotated_to": entry.successor},
            merchant_id=entry.pk,
        )
    item = MerchantItem.from_raw_data(dict(image))
    data: dict[str, Any] = {"name": item.name, "status": item.status, "country": item.country}
    if told.type != "merchant.created":
        data |= {"reason": item.reason, "by": item.changed_by, **told.note}
    return Rendered(object_id=item.pk, data=data, merchant_id=item.pk)
