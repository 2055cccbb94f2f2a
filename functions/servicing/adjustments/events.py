"""What adjustments tell; staff alone hear of it."""

from __future__ import annotations

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.adjustments.service import present_adjustment
from functions.servicing.adjustments.store import AdjustmentItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of an adjustment's event, without the words of those who made it."""
    item = AdjustmentItem.from_raw_data(dict(image))
    words = {"reason", "decision"}
    shown = {name: value for name, value in present_adjustment(item).items() if name not in words}
    return Rendered(item.pk, {"adjustment": shown, **told.note}, customer_id=item.customer_id)
