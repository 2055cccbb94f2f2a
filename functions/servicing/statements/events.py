"""What statements tell, and what begins a billing cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.statements.present import present_issued
from functions.servicing.statements.service import begin_cycle
from functions.servicing.statements.store import StatementItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a statement's event, for its customer and for the slices that keep its figures."""
    item = StatementItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"statement": present_issued(item), **told.note}, customer_id=item.customer_id)


def on_plan(event: Mapping[str, Any]) -> None:
    """Bill the customer of a plan that was opened; the same event twice changes nothing.

    Args:
        event: Our envelope of `plan.created`.
    """
    begin_cycle(event["object_id"])
