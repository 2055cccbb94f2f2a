"""A phone pays at a till: by its own code, by one that we make, with a word from its owner, and back again."""

from __future__ import annotations

from datetime import timedelta

from tests.builders.phone import Phone
from tests.builders.platform import Platform
from tests.builders.shop import a_shop
from tests.builders.story.recording import Recording


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world)
    till, me = api.of(shop.key), api.of(shop.customer)
    phone = Phone.of(me.post("/v1/me/devices", {"name": "小明的手机"}).body)
    me.get("/v1/me/devices")
    sale = {"amount_minor": 60_000, "currency": "CNY", "terminal_id": "till-1"}
    till.post("/v1/in-store/payments", {"code": phone.code(world.clock.wall()), "reference": "sale-1", **sale})
    till.get("/v1/in-store/payments/sale-1")
    till.post("/v1/in-store/payments/sale-1/complete")
    till.post("/v1/in-store/payments/sale-1/reverse")
    qr = {"kind": "dynamic", "currency": "CNY", "amount_minor": 129_900, "reference": "sale-2", "terminal_id": "till-1"}
    till.post("/v1/in-store/qr", qr)
    world.clock.advance(timedelta(seconds=30))
    code = me.post("/v1/me/payment-codes")["code"]
    large = {**sale, "amount_minor": 150_000, "reference": "sale-3"}
    till.post("/v1/in-store/payments", {"code": code, **large})
    me.get("/v1/me/in-store")
    shown = me.get("/v1/me/in-store/sale-3")
    me.post("/v1/me/in-store/sale-3/confirm", {"agreement_hash": shown["agreement"]["hash"]})
    following = me.post("/v1/me/payment-codes")["code"]
    till.post("/v1/in-store/payments", {"code": following, "reference": "sale-4", **sale})
    me.refused(429, "POST", "/v1/me/payment-codes", {})
    me.post("/v1/me/payment-codes/renew-alias")
    me.delete(f"/v1/me/devices/{phone.id}")
