"""Row 13: dollars a million authorizations, by the request meter: the answer, and all that follows it.

What follows goes through the consumers themselves: the stream pass, the projector and the webhook sender, each handed
what Lambda would hand it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from functions.core.events import Event
from functions.core.ids import id_text
from functions.payments.parties import Parties
from functions.platform.bus.workers import project
from functions.platform.storage import keys
from functions.platform.storage.meter import Meter
from functions.risk.counters import Observation, aggregate, hash64
from functions.risk.counting.observing import subjects_of
from functions.risk.counting.store import CounterItem, TerminalItem
from functions.risk.events import check
from functions.risk.fraud.features import TerminalHistory
from functions.webhooks.events import webhooks
from tests.benchmarks.handler_bench import measure as handler
from tests.builders.platform import TABLE, Platform, platform
from tests.builders.shop import Shop, a_shop

MOST_DOLLARS: Final = 10.0
NAIVE_DOLLARS: Final = 19.7
PRICES: Final = {
    # dollars a million, us-east-1, on demand, November 2026; sources in docs/cost.md
    "gateway": 3.50, "lambda": 0.20, "gigabyte_second": 16.6667, "write": 0.625, "read": 0.125, "event": 1.00,
    "queue": 0.40,
}  # fmt: skip
GIGABYTES: Final = 1.769
CONSUMERS: Final = 2
"""Of an authorization's event, each with its queue: projector and webhook sender."""
ROUND_TRIP_S: Final = 0.010
"""Two round trips to DynamoDB, during which the function waits and is paid for."""
MONTH_S: Final = 30 * 86_400
BATCH: Final = 40
"""Records that a batch of the stream brings at most (app.py)."""

Image = dict[str, dict[str, Any]]
DONE: Final = {"batchItemFailures": []}


def measure() -> list[dict[str, Any]]:
    kinds = [(False, 0, (1, 10, 100)), (True, 0, (1, 10, 100)), (False, 3_000, (1, 10)), (False, 30_000, (1, 10))]
    return [_dollars(), *(_batch(n, told=told, monthly=monthly) for told, monthly, many in kinds for n in many)]


def _dollars() -> dict[str, Any]:
    """One authorization with all that follows."""
    with platform() as built:
        shop = a_shop(built)
        shop.authorize(100_000)
        shop.settle()
        body = shop.pay_body(120_000)
        with built.metered() as answer:
            shop.api.post("/v1/authorizations", body, token=shop.key)
        with built.metered() as risk:
            assert check(built.records(reader="risk")) == DONE
        message = _message(events := built.events())
        with built.metered() as listed:
            assert project(message) == DONE
        with built.metered() as kept:
            assert webhooks(message) == DONE
    seconds = handler()[0]["ours"] / 1000 + ROUND_TRIP_S
    parts = {
        "gateway": PRICES["gateway"],
        "lambda": PRICES["lambda"] + PRICES["gigabyte_second"] * GIGABYTES * seconds,
        "authorization": _priced(answer),
        "counters and sums": _priced(risk),
        "list and timer": _priced(listed),
        "event kept": _priced(kept),
        "bus and queues": len(events) * (PRICES["event"] + CONSUMERS * PRICES["queue"]),
    }
    total = sum(parts.values())
    shown = ", ".join(f"{name} {dollars:.2f}" for name, dollars in parts.items())
    return {
        "id": 13, "name": f"$ a million authorizations ({shown})", "ours": total, "peer": NAIVE_DOLLARS, "unit": "$",
        "ratio": total / NAIVE_DOLLARS, "reach": f"≤ {MOST_DOLLARS:.0f}", "ok": total <= MOST_DOLLARS,
    }  # fmt: skip


def _priced(meter: Meter) -> float:
    return PRICES["write"] * meter.write_units + PRICES["read"] * meter.read_units


def _message(events: Sequence[Event]) -> dict[str, Any]:
    bodies = [{"source": "whitenote", "detail-type": each.type, "detail": each.to_dict()} for each in events]
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(body)} for n, body in enumerate(bodies)]}


def _batch(count: int, *, told: bool, monthly: int) -> dict[str, Any]:
    """So many customers' orders at one merchant, in as few batches as they fill; the lines' own records in others.

    Args:
        count: How many.
        told: Whether the orders tell a device and an address, each customer's own.
        monthly: Of how many orders in the 30 days before the merchant's counter and terminal know.
    """
    with platform() as built:
        shop = a_shop(built)
        shop.authorize(100_000)
        shop.settle()
        shop.authorize(123_457)
        _trade(built, shop, monthly)
        orders = list(_copies(built, shop, count, told=told))
        with built.metered() as meter:
            for records in zip(*orders, strict=True):
                for start in range(0, count, BATCH):
                    assert check({"Records": records[start : start + BATCH]}) == DONE
    assert not [key for key in meter.sizes if key.startswith(("alr_", "case_"))]
    written, read = meter.write_units / count, meter.read_units / count
    what = "telling device and address" if told else f"at a merchant of {monthly:,} a month" if monthly else "alone"
    return {
        "id": 13, "name": f"write units of the stream pass, each of {count} orders, {what} ({read:.1f} read)",
        "ours": written, "peer": None, "unit": "units", "ratio": None, "reach": "–", "ok": True,
    }  # fmt: skip


def _trade(built: Platform, shop: Shop, monthly: int) -> None:
    """What a merchant's counter and terminal keep of a month, each order a customer's and a device's of its own."""
    if not monthly:
        return
    now_s, merchant = int(built.clock.now().timestamp()), hash64(shop.merchant_id)
    at_s = [now_s - (n * MONTH_S) // monthly for n in range(monthly)][::-1]
    things = [{kind: hash64(f"{kind} {n}") for kind in ("customers", "devices")} for n in range(monthly)]
    subject = subjects_of(shop.merchant_id, Parties())["merchant"]
    seen = [Observation(f"e{n}", subject, at, 123_457, things[n]) for n, at in enumerate(at_s)]
    history = TerminalHistory()
    for at in at_s:
        history = history.with_order(at)
    for item in (
        CounterItem(pk=keys.counter(subject), packed=aggregate(seen)[subject].pack(), version=1),
        TerminalItem(pk=keys.terminal(merchant), packed=history.pack(), version=1),
    ):
        built.client("dynamodb").put_item(TableName=TABLE, Item=item.serialize())


def _copies(built: Platform, shop: Shop, count: int, *, told: bool) -> Iterator[tuple[dict[str, Any], ...]]:
    """The records of the last order and its line, as so many customers' would be."""
    order, line = (
        next(each for each in built.records(reader=name)["Records"][::-1] if _pk(each).startswith(name))
        for name in ("auth_", "line#")
    )
    for n in range(1, count + 1):
        customer = {"c": {"B": n.to_bytes(16, "big")}}
        things = Parties(device=n, address=n) if told else Parties()
        own = {"pk": {"S": id_text("auth", n.to_bytes(16, "big"))}, "al": {"N": str(n)}, **customer}
        of_line = {"pk": {"S": f"line#{n:09d}"}, **customer}
        copied = _with(line, f"line{n}", of_line)
        built.client("dynamodb").put_item(TableName=TABLE, Item=copied["dynamodb"]["NewImage"])
        yield _with(order, f"order{n}", {**own, "pt": {"B": things.pack()}}), copied


def _pk(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def _with(record: dict[str, Any], event_id: str, changes: Image) -> dict[str, Any]:
    images = {
        name: {**record["dynamodb"][name], **changes} for name in ("NewImage", "OldImage") if name in record["dynamodb"]
    }
    return {**record, "eventID": event_id, "dynamodb": {**record["dynamodb"], **images}}
