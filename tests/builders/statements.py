"""Statements as their event tells them, without the months it takes to live through them.

weigh(issued(shop, 1, bill_minor=200_000, due_minor=50_000))     # the cut of month 1 after the line was opened
"""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.core.calendar import add_months
from functions.core.clock import isoformat
from functions.core.ids import new_id
from tests.builders.shop import Shop

FIRST_CUT = date(2026, 12, 1)


def issued(shop: Shop, month: int, *, bill_minor: int, paid_minor: int = 0, due_minor: int = 0, days_past_due: int = 0,
           limit_minor: int = 480_000, event_id: str | None = None) -> dict[str, Any]:  # fmt: skip
    """The envelope of `statement.issued` for the cut of a month, counted from 1.

    Args:
        shop: Whose customer.
        month: 1 is December 2026.
        bill_minor: Outstanding at the cut.
        paid_minor: Since the cut before.
        due_minor: Asked for.
        days_past_due: Of the oldest unpaid due date.
        limit_minor: Of the line at the cut.
        event_id: The same again, for a second delivery.
    """
    cut_on = add_months(FIRST_CUT, month - 1)
    now = shop.platform.clock.now()
    return {
        "id": event_id or new_id("evt", now),
        "type": "statement.issued",
        "version": 1,
        "object_id": new_id("stm", now),
        "sequence": 1,
        "occurred_at": isoformat(now),
        "request_id": "",
        "merchant_id": None,
        "customer_id": shop.customer_id,
        "data": {
            "statement": {
                "currency": "CNY",
                "cut_on": cut_on.isoformat(),
                "bill_minor": bill_minor,
                "paid_minor": paid_minor,
                "due_minor": due_minor,
                "days_past_due": days_past_due,
                "months_late": -(-days_past_due // 30),
                "limit_minor": limit_minor,
            }
        },
    }
