"""What payouts tell, and what has a credit balance go back by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.servicing.payouts.service import begin_timer, present_payout
from functions.servicing.payouts.store import PayoutItem


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a payout's event, for its customer."""
    item = PayoutItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"credit_payout": present_payout(item), **told.note}, customer_id=item.customer_id)


def on_credit(event: Mapping[str, Any]) -> None:
    """Look whether something left a credit balance; the same event twice changes nothing.

    Args:
        event: Our envelope of an event after which there may be one; its object names the currency.
    """
    about: Mapping[str, Any] = next(iter(event["data"].values()))
    begin_timer(event["customer_id"], about["currency"])
