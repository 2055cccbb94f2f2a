"""What a run tells when it ends without the money."""

from __future__ import annotations

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.autopay.store import RunItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a run's event, for its customer."""
    item = RunItem.from_raw_data(dict(image))
    run = {
        "id": item.pk,
        "object": "autopay_run",
        "currency": item.currency,
        "due_on": item.due_on.isoformat(),
        "amount_minor": item.amount,
        "attempts": item.attempt + 1,
    }
    return Rendered(item.pk, {"autopay_run": run, **told.note}, customer_id=item.customer_id)
