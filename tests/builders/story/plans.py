"""A customer's plans over the months: agreement, deferral, payments by hand and by mandate, statement, payoff."""

from __future__ import annotations

import json
from datetime import timedelta

from functions.lending.rules import PlanRules
from functions.servicing.sandbox import sign_callback
from tests.builders.autopay import TAKES
from tests.builders.bills import cut
from tests.builders.platform import Platform
from tests.builders.servicing import a_debtor, stored_plan
from tests.builders.shop import Shop, a_shop
from tests.builders.story.recording import Recording

MONTH = timedelta(days=31)


def tell(world: Platform, api: Recording) -> None:
    shop = a_shop(world)
    me = api.of(shop.customer)
    plan = str(shop.buy(120_000, term=3)["plan_id"])
    me.get("/v1/me/plans")
    me.get(f"/v1/me/plans/{plan}")
    me.get(f"/v1/me/plans/{plan}/agreement")
    me.post(f"/v1/me/plans/{plan}/defer/preview", {"days": 14})
    me.post(f"/v1/me/plans/{plan}/defer", {"days": 14, "cost_minor": 0})
    account = _accounts(me)
    _repaid(world, api, me, plan)
    _billed(shop, me)
    me.get(f"/v1/me/plans/{plan}/payoff-quote")
    me.post(f"/v1/me/plans/{plan}/payoff")
    _over(shop, me, account)
    _withdrawn(world, api)
    _replanned(world, api)


def _replanned(world: Platform, api: Recording) -> None:
    shop = a_shop(world)
    me = api.of(shop.customer)
    path = f"/v1/me/plans/{shop.buy(60_000, term=3)['plan_id']}/replan"
    world.clock.advance_business(timedelta(days=1))
    shown = me.post(f"{path}/preview", {"installments": 4})
    me.post(path, {"quote": shown["quote"], "agreement_hash": shown["agreement_hash"]})


def _accounts(me: Recording) -> str:
    account = str(me.post("/v1/me/instruments", {"number": TAKES, "bank": "ICBKCNBJ"})["id"])
    me.get("/v1/me/instruments")
    me.put("/v1/me/autopay", {"enabled": True, "instrument_id": account, "limit_minor": 50_000})
    me.get("/v1/me/autopay")
    spare = me.post("/v1/me/instruments", {"number": "DE89 3704 0044 0532 0130 00", "bank": "DEUTDEFF"})
    me.delete(f"/v1/me/instruments/{spare['id']}")
    return account


def _repaid(world: Platform, api: Recording, me: Recording, plan: str) -> None:
    asked = {"amount_minor": 5_000, "currency": "CNY", "intent": "prepay", "plan_id": plan}
    paid = me.post("/v1/me/repayments", asked)
    me.get(f"/v1/me/repayments/{paid['id']}")
    said = {
        "reference": paid["id"], "provider_reference": paid["provider_reference"], "status": "confirmed",
        "amount_minor": 5_000, "currency": "CNY",
    }  # fmt: skip
    raw, stamp = json.dumps(said).encode(), str(int(world.clock.wall().timestamp()))
    headers = {"rail-timestamp": stamp, "rail-signature": sign_callback(raw, stamp)}
    api.post("/v1/rails/callbacks", said, raw=raw, headers=headers)


def _billed(shop: Shop, me: Recording) -> None:
    me.put("/v1/me/bill-day", {"bill_day": 5})
    cut(shop)
    made = me.get("/v1/me/statements")["data"][0]
    me.get(f"/v1/me/statements/{made['id']}")
    me.get(f"/v1/me/statements/{made['id']}/document?format=html&language=en")


def _over(shop: Shop, me: Recording, account: str) -> None:
    """More is paid than is owed, and goes back."""
    shop.buy(3_000, term=1)
    shop.platform.clock.advance_business(MONTH)
    shop.repay(10_000)
    me.get("/v1/me/credit-balance")
    made = me.post("/v1/me/credit-balance/payout", {"instrument_id": account})
    me.get(f"/v1/me/credit-balance/payouts/{made['id']}")


def _withdrawn(world: Platform, api: Recording) -> None:
    """Of a product that may be withdrawn from."""
    owner = a_debtor(world)
    flat = {"kind": "flat_monthly", "bps": 80}
    plan = stored_plan(world, owner, rules=PlanRules(withdrawal_days=14), pricing=flat)
    api.of(world.customer_token(owner.id)).post(f"/v1/me/plans/{plan.pk}/withdraw")
