"""A purchase in any currency of ISO 4217 that is configured, whatever its decimals: all in whole minor units."""

from __future__ import annotations

from typing import Any

import pytest

from functions.core.money import currency_exponent
from functions.credit.policies.policy import load_policy
from functions.customers import magic
from functions.ledger.encoding import entry_from_bytes
from tests.builders.api import Reply
from tests.builders.customers import phone, sign_up
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.shop import PHONE_OF, Shop, a_merchant, a_shop

DECIMALS = {"JPY": 0, "EUR": 2, "USD": 2, "KWD": 3}


def a_product(shop: Shop, currency: str) -> None:
    """Three installments at an annual rate, set up by two people."""
    body: dict[str, Any] = {
        "id": f"{currency.lower()}_3_test",
        "effective_from": "2026-11-22",
        "currency": currency,
        "term_count": 3,
        "prices": {
            "pricing": {"kind": "annual_rate", "day_count": "30/360"},
            "bps": {"A": 500, "B": 600, "C": 700, "D": 800, "E": 900},
        },
        "categories": ["electronics"],
        "channels": ["online"],
        "min_amount_minor": 1_000,
        "max_amount_minor": 1_000_000,
        "jurisdiction": "US",
        "reason": "another currency",
    }
    made = shop.api.post("/v1/products", body, token=shop.platform.staff_token("finance", subject="stf_1"))
    assert made.status == 201, made.body
    second = shop.platform.staff_token("risk_admin", subject="stf_2")
    assert shop.api.post(f"/v1/products/{made['id']}/approve", {}, token=second).status == 200


def a_line(shop: Shop, currency: str) -> Reply:
    income = 2 * load_policy().reference_minor(currency)
    facts = {"currency": currency, "requested_limit_minor": 20 * income, "income_minor": income, "assets_minor": income}
    rest = {"expenses_minor": 0, "debts_minor": 0, "housing": "owner", "job": "fixed", "seniority_years": 12}
    reply = shop.api.post("/v1/credit-applications", {**facts, **rest}, token=shop.customer)
    assert reply.status == 201, reply.body
    shop.settle()
    return reply


@pytest.fixture
def shop(platform: Platform) -> Shop:
    made = a_shop(platform)
    limits = {"max_amount_minor": dict.fromkeys([*DECIMALS, "CNY"], 10_000_000)}
    merchant = a_merchant(platform, made.api, **limits)
    made.merchant_id, made.key = merchant["id"], merchant["api_key"]["secret"]
    return made


def token(shop: Shop, purpose: str, **body: Any) -> Reply:
    asked = {"merchant_id": shop.merchant_id, "purpose": purpose, **body}
    return shop.api.post("/v1/me/merchant-tokens", asked, token=shop.customer)


@pytest.mark.parametrize("currency", DECIMALS)
def test_an_order_is_quoted_captured_and_refunded_in_its_own_minor_units(shop: Shop, currency: str) -> None:
    assert currency_exponent(currency) == DECIMALS[currency]
    a_product(shop, currency)
    a_line(shop, currency)
    amount = 10_001
    body = {"amount_minor": amount, "currency": currency, "category": "electronics",
            "customer_token": token(shop, "quote", currency=currency)["customer_token"]}  # fmt: skip
    offers = shop.api.post("/v1/quotes", body, token=shop.key)["offers"]
    offer = next(o for o in offers if o["product_id"] == f"{currency.lower()}_3_test")
    assert [row["principal_minor"] for row in offer["schedule"]] != []
    assert sum(row["principal_minor"] for row in offer["schedule"]) == amount
    pay = token(shop, "pay", quote=offer["quote"])["customer_token"]
    order = {"quote": offer["quote"], "customer_token": pay, "reference": f"order-{currency}"}
    auth = shop.api.post("/v1/authorizations", order, token=shop.key)
    assert (auth["status"], auth["currency"]) == ("approved", currency)
    capture = shop.capture(auth["id"], amount)
    assert (capture["currency"], sum(row["principal_minor"] for row in capture["schedule"])) == (currency, amount)
    refund = shop.refund(capture["id"], 3_334)
    assert (refund["currency"], refund["remaining_minor"]) == (currency, amount - 3_334)
    entries = [entry_from_bytes(item["b"]["B"]) for item in shop.platform.items(LEDGER_TABLE) if "b" in item]
    assert {entry.currency for entry in entries} == {currency}
    line = shop.api.get(f"/v1/me/credit-line?currency={currency}", token=shop.customer)
    assert line["outstanding_minor"] == amount - 3_334


def test_a_line_in_another_currency_is_a_mismatch_for_quote_and_payment(shop: Shop) -> None:
    body = {"amount_minor": 10_000, "currency": "USD", "category": "electronics"}
    mine = token(shop, "quote", currency="CNY")["customer_token"]
    personal = shop.api.post("/v1/quotes", {**body, "customer_token": mine}, token=shop.key)
    assert (personal.status, personal["code"]) == (422, "currency_mismatch")
    anonymous = shop.api.post("/v1/quotes", body, token=shop.key)["offers"][0]["quote"]
    pay = token(shop, "pay", quote=anonymous)
    assert (pay.status, pay["code"], pay["errors"][0]["pointer"]) == (422, "currency_mismatch", "/currency")


def test_who_has_a_line_in_one_currency_is_quoted_by_it_without_naming_it(shop: Shop) -> None:
    person = shop.api.post(
        "/v1/customers", sign_up(phone=phone(PHONE_OF[magic.ALWAYS_APPROVED]), consents=["bureau_query"])
    )
    shop.customer = shop.platform.customer_token(person["id"])
    a_line(shop, "EUR")
    mine = token(shop, "quote")["customer_token"]
    body = {"amount_minor": 10_000, "category": "electronics", "customer_token": mine}
    quoted = shop.api.post("/v1/quotes", {**body, "currency": "EUR"}, token=shop.key)
    assert quoted["offers"]
    other = shop.api.post("/v1/quotes", {**body, "currency": "USD"}, token=shop.key)
    assert (other.status, other["code"]) == (422, "currency_mismatch")


@pytest.mark.parametrize(
    ("currency", "code"),
    [("CHF", "currency_not_accepted"), ("XXX", "unsupported_currency"), ("ABC", "unsupported_currency")],
)
def test_what_the_merchant_or_the_world_does_not_know_is_refused(shop: Shop, currency: str, code: str) -> None:
    body = {"amount_minor": 10_000, "currency": currency, "category": "electronics"}
    reply = shop.api.post("/v1/quotes", body, token=shop.key)
    assert (reply.status, reply["code"]) == (422, code)
