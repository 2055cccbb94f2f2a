"""A rule from its first draft to its end; a list that somebody is put on and taken off."""

from __future__ import annotations

from tests.builders.platform import Platform
from tests.builders.shop import a_shop
from tests.builders.story.recording import Recording

BIG = {"id": "big_order", "title": "A big order", "outcome": "hold"}
WHEN = {"ge": [{"signal": "amount_minor"}, 50_000]}


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world, None)
    shop.authorize(60_000, "order-1")
    shop.settle()
    one, two = (api.of(world.staff_token("risk_admin", subject=f"stf_{n}")) for n in "12")
    rule = one.post("/v1/risk-rules", {"rule": {**BIG, "when": WHEN}, "reason": "seen in March"})["id"]
    path = f"/v1/risk-rules/{rule}"
    one.post(f"{path}/validate")
    one.post(f"{path}/backtest", {"days": 7, "reviews_a_day": 6})
    one.post(f"{path}/shadow")
    shop.authorize(70_000, "order-2")
    shop.settle()
    one.get(f"{path}/results?days=1&reviews_a_day=4")
    two.post(f"{path}/canary", {"share_bps": 500})
    two.post(f"{path}/activate")
    one.get(path)
    one.get("/v1/risk-rules?limit=2")
    one.post(f"{path}/snooze", {"until": "2026-11-23T08:00:00Z", "reason": "a sale today"})
    one.post(f"{path}/retire", {"reason": "the ring is gone"})
    entry = {"value": shop.customer_id, "reason": "a ring"}
    one.post("/v1/risk-lists/watched_customers/add", entry)
    one.get("/v1/risk-lists")
    one.get("/v1/risk-lists/watched_customers")
    one.post("/v1/risk-lists/watched_customers/remove", {**entry, "reason": "a mistake"})
