"""A suspicion as the stream would bring it up: suspect(shop, "velocity", "line", "alert", "suspend", order=…)."""

from __future__ import annotations

from functions.core.ids import id_bytes
from functions.risk.watch.checks import Suspicion
from functions.risk.watch.reacting import Trigger, react
from tests.builders.shop import Shop


def suspect(shop: Shop, kind: str, pivot: str, *actions: str, order: str | None = None, record: str = "e1") -> None:
    line = next(i for i in shop.platform.items() if i["pk"]["S"].startswith("line#"))
    alias, now = int(line["pk"]["S"][5:]), shop.platform.clock.now()
    trigger = Trigger(record, now, "CNY", alias, line["c"]["B"], id_bytes(shop.merchant_id), order)
    found = Suspicion(kind, line["pk"]["S"] if pivot == "line" else pivot, (), "high", ("seen",), actions, 50_000)
    react(trigger, [found])
