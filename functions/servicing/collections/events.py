"""What files tell, and what has one looked at anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.collections.service import look_at_plan, present_file
from functions.servicing.collections.store import FileItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a file's event, for staff, without the contacts one by one."""
    item = FileItem.from_raw_data(dict(image))
    shown = {name: value for name, value in present_file(item).items() if name != "contacts"}
    return Rendered(item.pk, {"collection_file": shown, **told.note}, customer_id=item.customer_id)


def on_plan(event: Mapping[str, Any]) -> None:
    """Look at the file of a plan's customer; the same event twice, or an older one late, changes nothing.

    Args:
        event: Our envelope of an event of a plan that may have become late, or be late no more.
    """
    look_at_plan(event["object_id"])
