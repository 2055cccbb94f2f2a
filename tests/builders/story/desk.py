"""Support at its desk: corrections, late debts, complaints, money that nobody asked for, services rendered."""

from __future__ import annotations

from datetime import timedelta

from tests.builders.autopay import sweep_until
from tests.builders.platform import Platform
from tests.builders.rail import send
from tests.builders.shop import Shop, a_shop
from tests.builders.story.recording import Recording


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world)
    one, two = (api.of(world.staff_token("support", subject=f"stf_{n}")) for n in "12")
    _corrections(shop, one, two)
    _complaint(shop, one)
    _service(shop, api.of(shop.key))
    shop.buy(30_000, term=1)
    _stray_money(shop, one)
    _late(world, shop, one)


def _corrections(shop: Shop, one: Recording, two: Recording) -> None:
    body = {
        "kind": "goodwill", "amount_minor": 20_000, "currency": "CNY", "customer_id": shop.customer_id,
        "reason": "a parcel that came late",
    }  # fmt: skip
    made = one.post("/v1/adjustments", body)
    path = f"/v1/adjustments/{made['id']}"
    two.post(f"{path}/approve", {"reason": "agreed"})
    one.get(path)
    one.get("/v1/adjustments")
    other = one.post("/v1/adjustments", body)
    two.post(f"/v1/adjustments/{other['id']}/refuse", {"reason": "given already"})


def _complaint(shop: Shop, one: Recording) -> None:
    said = "Nobody told me about the late charge of 5 May."
    body = {"customer_id": shop.customer_id, "topic": "fees", "channel": "phone", "text": said}
    path = f"/v1/complaints/{one.post('/v1/complaints', body)['id']}"
    one.get("/v1/complaints")
    one.get(path)
    one.post(f"{path}/answer", {"outcome": "upheld", "text": "We give it back."})


def _service(shop: Shop, till: Recording) -> None:
    """A course of three lessons; one has been given."""
    order = shop.authorize(90_000, "course-1", category="education")
    body = {"amount_minor": 90_000, "service": {"ends_on": "2026-12-20", "units": 3}}
    capture = shop.api.post(f"/v1/authorizations/{order['id']}/captures", body, token=shop.key)
    given = {
        "rendered_on": "2026-11-22", "units": 1, "evidence": {"reference": "attendance-1", "sha256": "cd" * 32},
    }  # fmt: skip
    made = till.post(f"/v1/captures/{capture['id']}/fulfilments", given)
    till.get(f"/v1/fulfilments/{made['id']}")


def _stray_money(shop: Shop, one: Recording) -> None:
    word = {
        "reference": "invoice 1", "provider_reference": "wire-1", "status": "confirmed", "amount_minor": 10_000,
        "currency": "CNY",
    }  # fmt: skip
    receipt = send(shop, word)["id"]
    one.get("/v1/unmatched-receipts")
    one.get(f"/v1/unmatched-receipts/{receipt}")
    why = {"customer_id": shop.customer_id, "reason": "the payer wrote the phone number"}
    one.post(f"/v1/unmatched-receipts/{receipt}/assign", why)


def _late(world: Platform, shop: Shop, one: Recording) -> None:
    shop.settle()
    sweep_until(shop, world.clock.now() + timedelta(days=33))
    file = one.get("/v1/collections?bucket=M1")["data"][0]["id"]
    one.get(f"/v1/collections/{file}")
    one.post(f"/v1/collections/{file}/contacts", {"channel": "phone", "outcome": "no_answer"})
    on = (world.clock.now() + timedelta(days=3)).date().isoformat()
    one.post(f"/v1/collections/{file}/promises", {"amount_minor": 10_000, "on": on})
