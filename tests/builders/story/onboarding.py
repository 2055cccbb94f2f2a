"""A merchant is taken on, gets keys, moves its bank; finance sets a product up."""

from __future__ import annotations

from datetime import timedelta

from tests.builders.platform import Platform
from tests.builders.story.recording import Recording

WHY = {"reason": "checked by phone"}
BANK = {"holder": "Lantern Electronics", "number": "DE02120300000000202051"}
PRODUCT = {
    "id": "cny_3", "effective_from": "2026-12-01", "currency": "CNY", "term_count": 3,
    "prices": {"pricing": {"kind": "flat_monthly"}, "bps": {"A": 10, "B": 20, "C": 30, "D": 40, "E": 50}},
    "categories": ["electronics"], "channels": ["online"], "min_amount_minor": 3_000, "max_amount_minor": 500_000,
    "rules": {"grace_days": 5}, "jurisdiction": "CN", "reason": "winter campaign",
}  # fmt: skip


def tell(world: Platform, api: Recording) -> None:
    operator = api.of(world.staff_token("operator"))
    body = {
        "name": "Lantern Electronics", "max_amount_minor": {"CNY": 5_000_000}, "categories": ["electronics"],
        "contact_email": "finance@lantern.example", "payout_account": {**BANK, "number": "DE89370400440532013000"},
    }  # fmt: skip
    made = operator.post("/v1/merchants", body)
    one = f"/v1/merchants/{made['id']}"
    risk = api.of(world.staff_token("risk_admin"))
    risk.post(f"{one}/kyb", {"registration_number": "91310000MA1K35H47X", "reason": "onboarding"})
    operator.post(f"{one}/status", {"status": "live", **WHY})
    operator.get("/v1/merchants?limit=2")
    operator.get(one)
    operator.patch(one, {"max_amount_minor": {"CNY": 9_000_000}, "reason": "a larger shop"})
    operator.post(f"{one}/api-keys", {"name": "till 3", "scopes": ["payments:read"]})
    _keys(world, api.of(made["api_key"]["secret"]))
    _bank(world, api, f"{one}/payout-account")
    _product(world, api)


def _keys(world: Platform, shop: Recording) -> None:
    world.clock.advance(timedelta(seconds=1))  # keys are listed in the order of their making
    key = shop.post("/v1/api-keys", {"name": "shop back end", "scopes": ["payments:write"]})
    shop.get("/v1/api-keys")
    shop.post(f"/v1/api-keys/{key['id']}/rotate", {"overlap_s": 3600})
    shop.delete(f"/v1/api-keys/{key['id']}")
    shop.refused(401, "GET", "/v1/products")
    reader = shop.post("/v1/api-keys", {"name": "reports", "scopes": ["payments:read"]})["secret"]
    shop.of(reader).refused(403, "POST", "/v1/api-keys", {"name": "more", "scopes": ["payments:write"]})
    shop.refused(400, "POST", "/v1/api-keys", {"name": "no key", "scopes": ["payments:read"]}, key=None)


def _bank(world: Platform, api: Recording, path: str) -> None:
    one, two = (api.of(world.staff_token("finance", subject=f"stf_{n}")) for n in "12")
    one.post(path, {"account": BANK, "reason": "they moved their bank"})
    two.post(f"{path}/approve", WHY)
    one.post(f"{path}/cancel", {"reason": "their old bank again"})


def _product(world: Platform, api: Recording) -> None:
    finance = api.of(world.staff_token("finance", subject="stf_1"))
    made = finance.post("/v1/products", PRODUCT)
    api.of(world.staff_token("risk_admin", subject="stf_2")).post(f"/v1/products/{made['id']}/approve")
    finance.get("/v1/products?limit=2")
