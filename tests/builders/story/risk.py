"""A held order and what people do with it; what the checks found; the portfolio."""

from __future__ import annotations

from functions.customers import magic
from functions.risk.portfolio.service import take_snapshots
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.builders.story.recording import Recording, a_moment_later
from tests.builders.suspicion import suspect


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world, magic.HELD)
    orders = []
    for number in range(3):
        a_moment_later(world)
        orders.append(_held(shop, f"order-{number}"))
    shop.settle()
    one = api.of(world.staff_token("reviewer", subject="stf_1"))
    suspect(shop, "velocity", "line", "alert")
    _alert(one)
    cases = {case["authorization_id"]: case["id"] for case in one.get("/v1/reviews?limit=100")["data"]}
    first, second, third = (f"/v1/reviews/{cases[order]}" for order in orders)
    one.get(first)
    one.get(f"{first}/evidence")
    one.post(f"{first}/claim")
    one.post(f"{first}/release")
    one.post(f"{first}/escalate")
    one.post(f"{first}/approve", {"outcome": "cleared", "reason": "she called"})
    one.post(f"{second}/propose", {"decision": "decline", "outcome": "confirmed_fraud", "reason": "a ring"})
    one.post(f"{third}/decline", {"outcome": "inconclusive", "reason": "nobody answered"})
    admin = api.of(world.staff_token("risk_admin", subject="stf_2"))
    admin.post(f"{first}/reopen", {"reason": "new evidence"})
    auditor = api.of(world.staff_token("auditor"))
    auditor.get(f"/v1/risk-decisions/{orders[0]}")
    auditor.get(f"/v1/risk-decisions/{orders[0]}/replay")
    take_snapshots("req-story")
    auditor.get("/v1/portfolio")
    auditor.get("/v1/portfolio/history?indicator=held_now")


def _held(shop: Shop, reference: str) -> str:
    body = shop.pay_body(60_000, reference) | {"device": {"id": "a-phone-of-hers"}}
    return str(shop.api.post("/v1/authorizations", body, token=shop.key)["id"])


def _alert(one: Recording) -> None:
    alert = f"/v1/alerts/{one.get('/v1/alerts?limit=2')['data'][0]['id']}"
    one.get(alert)
    one.post(f"{alert}/acknowledge")
    one.post(f"{alert}/resolve")
