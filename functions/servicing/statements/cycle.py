"""Billing cycles: on which days statements are cut, and from which instant on. Pure.

Days are the customer's. A cycle runs from one cut to the day before the next.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from functions.core.ids import id_bytes
from functions.lending.products.plan_product import LATEST_BILL_DAY
from functions.lending.terms import Due

BILL_DAYS: Final = (1, 6, 11, 16, 21, 26)
"""Days on which those are billed who chose none: a sixth of the customers each."""
SHORTEST_CYCLE: Final = timedelta(days=20)
"""A bill day chosen anew begins with the first cut that leaves a cycle at least so long."""
CUT_HOUR: Final = 1
"""Local: what falls due or is drawn from a credit balance as the day begins has been done by then."""


def default_bill_day(customer_id: str) -> int:
    """The bill day of a customer who chose none; the same for ever.

    Args:
        customer_id: `cus_…`, whose bytes are a keyed hash.
    """
    return BILL_DAYS[int.from_bytes(id_bytes(customer_id)[-4:], "big") % len(BILL_DAYS)]


def first_bill_day(customer_id: str, due: Due) -> int:
    """The bill day of a customer who chose none, by the plan that begins the billing.

    Args:
        customer_id: `cus_…`.
        due: Of that plan; one that is due by bill is billed on the bill day it was made with.
    """
    return min(due.bill_day, LATEST_BILL_DAY) if due.kind == "bill" else default_bill_day(customer_id)


def last_cut_on(bill_day: int, on: date) -> date:
    """The latest cut on or before a day.

    Args:
        bill_day: 1 … 28.
        on: Where the customer is.
    """
    if on.day >= bill_day:
        return on.replace(day=bill_day)
    return (on.replace(day=1) - timedelta(days=1)).replace(day=bill_day)


def next_cut_on(bill_day: int, after_on: date) -> date:
    """The first cut after a day.

    Args:
        bill_day: 1 … 28.
        after_on: Where the customer is.
    """
    if after_on.day < bill_day:
        return after_on.replace(day=bill_day)
    return (after_on.replace(day=LATEST_BILL_DAY) + timedelta(days=4)).replace(day=bill_day)


def first_cut_on(bill_day: int, on: date, previous_on: date | None) -> date:
    """The next cut where a bill day begins to count.

    Args:
        bill_day: 1 … 28.
        on: Today, on which no statement is cut any more.
        previous_on: The last cut, if there was one.
    """
    cut_on = next_cut_on(bill_day, on)
    while previous_on is not None and cut_on - previous_on < SHORTEST_CYCLE:
        cut_on = next_cut_on(bill_day, cut_on)
    return cut_on


def cut_at(cut_on: date, zone: str) -> datetime:
    """The instant at which a statement is cut.

    Args:
        cut_on: Day where the customer is.
        zone: IANA name.
    """
    return datetime.combine(cut_on, time(CUT_HOUR), ZoneInfo(zone)).astimezone(UTC)
