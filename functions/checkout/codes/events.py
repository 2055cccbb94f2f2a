"""What devices and aliases tell their customer."""

from __future__ import annotations

from functions.checkout.codes.device_store import CodeAliasItem, DeviceItem
from functions.core.clock import from_epoch_ms, isoformat
from functions.platform.storage import keys
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a device's or an alias's event; never a name, a number shown or a secret."""
    if image["sk"]["S"].startswith(keys.DEVICES):
        device = DeviceItem.from_raw_data(dict(image))
        facts = {"id": device.id, "currency": device.currency, "number": device.number}
        return Rendered(device.id, {"device": facts, **told.note}, customer_id=device.pk)
    alias = CodeAliasItem.from_raw_data(dict(image))
    renewed_at = isoformat(from_epoch_ms(alias.renewed_at_ms))
    data = {"currency": alias.currency, "renewed_at": renewed_at, **told.note}
    return Rendered(alias.customer_id, data, customer_id=alias.customer_id)
