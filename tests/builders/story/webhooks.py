"""A shop hears of its events, and asks for one again."""

from __future__ import annotations

from functions.webhooks.event_service import keep
from tests.builders.platform import Platform
from tests.builders.shop import a_shop
from tests.builders.story.recording import Recording, a_moment_later


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world)
    till = api.of(shop.key)
    body = {"url": "https://shop.example.com/hooks", "events": ["authorization.*", "capture.created"]}
    made = till.post("/v1/webhook-endpoints", body)
    one = f"/v1/webhook-endpoints/{made['id']}"
    till.get(one)
    till.get("/v1/webhook-endpoints")
    till.patch(one, {"events": ["*"], "description": "orders"})
    till.post(f"{one}/rotate", {"overlap_s": 86_400})
    till.post(f"{one}/test")
    a_moment_later(world)
    shop.authorize(60_000, "order-1")
    for event in world.events():
        keep(event.to_dict())
    listed = till.get("/v1/events?limit=2")["data"][0]["id"]
    till.get(f"/v1/events/{listed}")
    till.post(f"/v1/events/{listed}/replay", {"endpoint_id": made["id"]})
    till.delete(one)
