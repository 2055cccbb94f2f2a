"""From cut to cut with a shop's customer.

told = cut(shop)              # go to the next bill day, let the sweep do it; the events told
item = cycle(shop)            # the billing cycle as stored
"""

from __future__ import annotations

from datetime import datetime

from functions.platform.storage.action_index import hour_of
from functions.servicing import sweep
from functions.servicing.statements.store import CycleItem, cycle_id
from tests.builders.shop import Shop


def cycle(shop: Shop, currency: str = "CNY") -> CycleItem:
    pk = cycle_id(shop.platform.secrets.key("ids"), shop.customer_id, currency)
    item = shop.platform.tables.get(CycleItem, pk, consistent=True)
    assert item is not None
    return item


def reach(shop: Shop, at: datetime) -> None:
    shop.platform.clock.advance_business(at - shop.platform.clock.now())


def cut(shop: Shop, currency: str = "CNY") -> list[str]:
    """Go to the next cut and let the sweep do it; the events it told."""
    item = cycle(shop, currency)
    assert item.hour is not None, "nothing to bill"
    reach(shop, hour_of(item.hour))
    sweep.do_page(sweep.page([(item.pk, item.sk)], shop.platform.clock.now()))
    return shop.settle()
