"""What complaints tell; staff alone hear of it, and never a word of what was said."""

from __future__ import annotations

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.complaints.service import present_complaint
from functions.servicing.complaints.store import ComplaintItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a complaint's event."""
    item = ComplaintItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"complaint": present_complaint(item), **told.note}, customer_id=item.customer_id)
