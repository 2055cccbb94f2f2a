"""A customer who lets us collect, and the hours in which the sweep does.

ins = an_account(shop, TAKES)                  # a bank account, by a magic number of the sandbox
allow(shop, ins)                               # the mandate
sweep_until(shop, at)                          # every hour in which anything is due, as the clock would go
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from functions.servicing import events
from functions.servicing.sweep import do_page, look_ahead, page, peek
from tests.builders.shop import Shop

TAKES, FAILS, FAILS_ONCE, TIMES_OUT, TWICE, CLOSED = (f"62000000000000{number:02d}" for number in range(1, 7))
_MOST = 1000


def an_account(shop: Shop, number: str = TAKES) -> str:
    reply = shop.api.post("/v1/me/instruments", {"number": number}, token=shop.customer)
    assert reply.status == 201, reply.body
    return str(reply["id"])


def allow(shop: Shop, instrument: str, **how: Any) -> None:
    body = {"enabled": True, "instrument_id": instrument, **how}
    assert shop.api.put("/v1/me/autopay", body, token=shop.customer).status == 200


def sweep_until(shop: Shop, at: datetime) -> list[str]:
    """Let business time run, hour by hour in which anything is due; the types of the events told."""
    clock, queue = shop.platform.clock, shop.platform.settings.sweep_queue_url
    while True:
        due = peek(clock.now(), _MOST)
        if due:
            do_page(page(due, clock.now()))
        for body in shop.platform.drain(queue):
            events.on_sweep_message(body)
        following, _ = look_ahead(clock.now(), 1)
        if following is None or following > at:
            clock.advance_business(max(at, clock.now()) - clock.now())
            return shop.settle()
        clock.advance_business(following - clock.now())
