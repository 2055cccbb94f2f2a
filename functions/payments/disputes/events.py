"""What disputes tell, and the lists that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.core.clock import epoch_ms, parse_instant
from functions.payments.disputes.service import note_told, present
from functions.payments.disputes.store import STAFF, DisputeItem, row
from functions.platform.container import container
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import Put, WriteSet, write_each


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a dispute event: as its merchant and its customer see it."""
    item = DisputeItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"dispute": present(item), **told.note}, item.merchant_id, item.customer_id)


def project(event: Mapping[str, Any]) -> None:
    """Keep the merchant's, the staff's and the plan's lists, and ask the merchant; the same event twice is once.

    Args:
        event: Our envelope of a `dispute.*` event.
    """
    dispute = event["data"]["dispute"]
    at = epoch_ms(parse_instant(dispute["opened_at"]))
    owners = (event["merchant_id"], STAFF, dispute["plan_id"])
    write_each(container().tables, WriteSet.of(*[Put(row(owner, at, dispute["id"])) for owner in owners]))
    if event["type"] == "dispute.opened":
        note_told(dispute["id"])
