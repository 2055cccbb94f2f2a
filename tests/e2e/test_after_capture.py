"""A plan's life after its capture, on the platform that production's template makes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from functions.customers import magic
from functions.servicing.sandbox import sign_callback
from tests.builders.remote import Newcomer, RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def buy(shop: RemoteShop, who: Newcomer, amount_minor: int) -> dict[str, Any]:
    auth = shop.authorize(who, amount_minor)
    capture = shop.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": amount_minor}, token=shop.key)
    eventually("the list row", lambda: [p for p in _plans(shop, who) if p["id"] == capture["plan_id"]])
    return capture


def _plans(shop: RemoteShop, who: Newcomer) -> list[dict[str, Any]]:
    plans: list[dict[str, Any]] = shop.get("/v1/me/plans", who.token)["data"]
    return plans


def repay(shop: RemoteShop, who: Newcomer, amount_minor: int, **body: Any) -> dict[str, Any]:
    asked = {"amount_minor": amount_minor, "currency": "CNY", **body}
    return shop.post("/v1/me/repayments", asked, token=who.token)


def callback(shop: RemoteShop, repayment: dict[str, Any], status: str) -> int:
    body = {
        "reference": repayment["id"], "provider_reference": repayment["provider_reference"], "status": status,
        "amount_minor": repayment["amount_minor"], "currency": repayment["currency"],
    }  # fmt: skip
    raw, stamp = json.dumps(body).encode(), str(int(time.time()))
    headers = {
        "Content-Type": "application/json", "Rail-Timestamp": stamp, "Rail-Signature": sign_callback(raw, stamp),
    }  # fmt: skip
    return shop.http.post("/v1/rails/callbacks", content=raw, headers=headers).status_code


def test_refunded_in_part_paid_ahead_and_paid_off(shop: RemoteShop) -> None:
    who = shop.newcomer()
    capture = buy(shop, who, 120_000)
    refund = shop.post(f"/v1/captures/{capture['id']}/refunds", {"amount_minor": 30_000}, token=shop.key)
    assert shop.get(f"/v1/refunds/{refund['id']}", shop.key)["remaining_minor"] == 90_000
    ahead = repay(shop, who, 60_000, intent="prepay", plan_id=capture["plan_id"])
    assert ahead["status"] == "received"
    assert shop.line(who)["outstanding_minor"] == 30_000
    quote = shop.get(f"/v1/me/plans/{capture['plan_id']}/payoff-quote", who.token)
    closed = shop.post(f"/v1/me/plans/{capture['plan_id']}/payoff", {"quote": quote["quote"]}, token=who.token)
    assert (closed["status"], closed["amount_minor"]) == ("received", quote["total_minor"])
    plan = shop.get(f"/v1/me/plans/{capture['plan_id']}", who.token)
    assert (plan["status"], plan["outstanding_minor"], shop.line(who)["outstanding_minor"]) == ("paid_off", 0, 0)
    balance = shop.get("/v1/ledger/trial-balance", shop.staff("auditor"))
    assert all(currency["difference_minor"] == 0 for currency in balance["currencies"])


def test_the_rail_confirms_later_and_takes_back(shop: RemoteShop) -> None:
    who = shop.newcomer()
    capture = buy(shop, who, 60_000)
    body = {"intent": "prepay", "plan_id": capture["plan_id"], "instrument": "sandbox_delays"}
    pending = repay(shop, who, 20_000, **body)
    assert pending["status"] == "pending"
    assert [callback(shop, pending, "confirmed") for _ in range(2)] == [200, 200]
    assert shop.line(who)["outstanding_minor"] == 40_000
    assert callback(shop, pending, "reversed") == 200
    assert shop.get(f"/v1/me/repayments/{pending['id']}", who.token)["status"] == "reversed"
    assert shop.line(who)["outstanding_minor"] == 60_000


def test_a_failing_customers_second_try_succeeds(shop: RemoteShop) -> None:
    who = shop.newcomer(magic.REPAYMENT_FAILS_THEN_SUCCEEDS)
    capture = buy(shop, who, 30_000)
    body = {"intent": "prepay", "plan_id": capture["plan_id"]}
    assert [repay(shop, who, 1_000, **body)["status"] for _ in range(2)] == ["failed", "received"]


def test_two_people_set_a_product_up(shop: RemoteShop) -> None:
    body = {
        "id": "eur_2", "effective_from": "2099-01-01", "currency": "EUR", "term_count": 2, "jurisdiction": "EU",
        "prices": {"pricing": {"kind": "none"}, "bps": {"A": 0}}, "categories": ["travel"], "channels": ["online"],
        "min_amount_minor": 200, "max_amount_minor": 90_000, "reason": "trial",
    }  # fmt: skip
    made = shop.post("/v1/products", body, token=shop.staff("finance"))
    path = f"/v1/products/{made['id']}/approve"
    assert shop.call("POST", path, {}, token=shop.staff("finance")).json()["code"] == "same_person"
    assert shop.post(path, {}, token=shop.staff("risk_admin"), status=200)["status"] == "approved"
