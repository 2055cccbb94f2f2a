"""By which bill day a customer's purchases fall due, for whoever prices them."""

from __future__ import annotations

from functions.platform.container import container
from functions.servicing.statements.cycle import default_bill_day
from functions.servicing.statements.store import CycleItem, cycle_id


def bill_day_of(customer_id: str, currency: str) -> int:
    """A customer's own bill day, 1 to 28, or the one they would be given."""
    box = container()
    cycle: CycleItem | None = box.tables.get(CycleItem, cycle_id(box.secrets.key("ids"), customer_id, currency))
    return cycle.bill_day if cycle else default_bill_day(customer_id)
