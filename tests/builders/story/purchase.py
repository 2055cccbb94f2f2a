"""An order is financed over the API, another on the hosted page; parts are captured, given back, let go."""

from __future__ import annotations

from functions.customers import magic
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.builders.story.recording import Recording, a_moment_later

ORDER = {
    "amount_minor": 49_900, "currency": "CNY", "category": "electronics", "return_url": "https://shop.example.com/paid",
    "lines": [{"name": "Desk lamp", "quantity": 2, "unit_amount_minor": 24_950, "sku": "LAMP-7"}],
}  # fmt: skip


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world, magic.ALWAYS_APPROVED)
    till, me = api.of(shop.key), api.of(shop.customer)
    body = pay_body(shop, till, me, 120_000, "order-1001")
    order = till.post("/v1/authorizations", body)
    _captured(till, f"/v1/authorizations/{order['id']}")
    till.refused(409, "POST", "/v1/authorizations", {**body, "reference": "order-1001-again"})
    till.refused(404, "GET", "/v1/authorizations/auth_00000000000000000000000000")
    till.refused(413, "POST", "/v1/quotes", {"category": "x" * 70_000})
    till.refused(415, "POST", "/v1/quotes", {}, headers={"content-type": "text/xml"})
    a_moment_later(world)
    _hosted(world, till, me)
    shop.settle()
    till.get("/v1/authorizations?limit=2")
    till.get("/v1/checkouts?limit=2")
    _lamp_contested(world, api, shop, str(api.exchanges["create_capture"]["answer"]["plan_id"]))
    with world.failing("BatchGetItem"):
        till.refused(503, "POST", "/v1/authorizations", pay_body(shop, till, me, 60_000, "order-1003"))


def pay_body(shop: Shop, till: Recording, me: Recording, amount_minor: int, reference: str) -> dict[str, object]:
    personal = me.post("/v1/me/merchant-tokens", {"merchant_id": shop.merchant_id, "purpose": "quote"})
    asked = {
        "amount_minor": amount_minor, "currency": "CNY", "category": "electronics",
        "customer_token": personal["customer_token"],
    }  # fmt: skip
    offer = next(each for each in till.post("/v1/quotes", asked)["offers"] if each["term_count"] == 3)
    agreed = {"merchant_id": shop.merchant_id, "purpose": "pay", "quote": offer["quote"]}
    token = me.post("/v1/me/merchant-tokens", agreed)["customer_token"]
    return {"quote": offer["quote"], "customer_token": token, "reference": reference}


def _captured(till: Recording, order: str) -> None:
    till.get(order)
    till.post(f"{order}/extend")
    capture = till.post(f"{order}/captures", {"amount_minor": 60_000, "final": False})
    one = f"/v1/captures/{capture['id']}"
    till.get(one)
    till.post(f"{one}/refunds/preview", {"amount_minor": 9_900})
    refund = till.post(f"{one}/refunds", {"amount_minor": 9_900, "reason": "one item came back"})
    till.get(f"/v1/refunds/{refund['id']}")
    till.refused(422, "POST", f"{one}/refunds", {"amount_minor": 60_000})
    till.post(f"{order}/void")


def _hosted(world: Platform, till: Recording, me: Recording) -> None:
    checkout = till.post("/v1/checkouts", {**ORDER, "reference": "order-1002"})
    till.get(f"/v1/checkouts/{checkout['id']}")
    me.get(f"/v1/me/checkouts/{checkout['id']}")
    offers = me.get(f"/v1/me/checkouts/{checkout['id']}/offers")["offers"]
    one, quote = f"/v1/checkouts/{checkout['id']}/confirm", offers[0]["quote"]
    begun = me.post(f"{one}/begin", {"quote": quote})
    me.post(one, {"quote": quote, "agreement_hash": begun["agreement"]["hash"]})
    a_moment_later(world)
    other = till.post("/v1/checkouts", {**ORDER, "reference": "order-1004"})
    till.post(f"/v1/checkouts/{other['id']}/cancel")


def _lamp_contested(world: Platform, api: Recording, shop: Shop, plan: str) -> None:
    """The customer contests it; the shop answers; support decides. Another shop gives in."""
    till, me = api.of(shop.key), api.of(shop.customer)
    path = f"/v1/me/plans/{plan}/disputes"
    one = f"/v1/disputes/{me.post(path, {'kind': 'not_received', 'amount_minor': 20_000})['id']}"
    me.get(path)
    shop.settle()
    till.get("/v1/disputes")
    till.get(one)
    till.post(f"{one}/evidence", {"kind": "delivery", "reference": "parcel-77", "sha256": "ab" * 32})
    decision = {"outcome": "won", "reason": "the parcel was signed for"}
    api.of(world.staff_token("support")).post(f"{one}/decide", decision)
    again = me.post(path, {"kind": "not_as_described"})
    till.post(f"/v1/disputes/{again['id']}/accept")
