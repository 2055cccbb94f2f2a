"""A shop with a customer at its checkout, all through HTTP: what most payment tests begin with.

shop = a_shop(platform)                          # live merchant, verified customer with an open line
offer = shop.offers(120_000)[0]
auth = shop.authorize(120_000)                   # quote → pay token → authorization
shop.api.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": 1}, token=shop.key)
shop.settle()                                    # everything the streams and queues would do meanwhile
"""

from __future__ import annotations

import importlib
import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import app as entrances
from functions.credit.models.events import ON_EVENT as WEIGHED
from functions.credit.models.events import weigh
from functions.customers import magic
from functions.platform.bus.registry import projections_of
from functions.platform.bus.workers import load
from functions.risk.events import check
from tests.builders.api import Api, Reply
from tests.builders.customers import phone, sign_up
from tests.builders.platform import Platform

_orders = itertools.count(1)
PHONE_OF = {meaning: prefix for prefix, meaning in magic.MAGIC_PHONES.items()}
BIG_LIMIT = 4_000_000


@dataclass
class Shop:
    """One merchant and one customer."""

    platform: Platform
    api: Api
    merchant_id: str
    key: str
    customer_id: str
    customer: str
    application: dict[str, Any]

    def offers(self, amount_minor: int, *, personal: bool = True, **changes: Any) -> list[dict[str, Any]]:
        body = {"amount_minor": amount_minor, "currency": "CNY", "category": "electronics", **changes}
        if personal:
            body["customer_token"] = self.token("quote")["customer_token"]
        reply = self.api.post("/v1/quotes", body, token=self.key)
        assert reply.status == 200, reply.body
        offers: list[dict[str, Any]] = reply["offers"]
        return offers

    def token(self, purpose: str, quote: str | None = None) -> Reply:
        body = {"merchant_id": self.merchant_id, "purpose": purpose, **({"quote": quote} if quote else {})}
        reply = self.api.post("/v1/me/merchant-tokens", body, token=self.customer)
        assert reply.status == 201, reply.body
        return reply

    def pay_body(
        self, amount_minor: int, reference: str | None = None, *, term: int = 3, **changes: Any
    ) -> dict[str, Any]:
        offer = next(o for o in self.offers(amount_minor, **changes) if o["term_count"] == term)
        return {
            "quote": offer["quote"],
            "customer_token": self.token("pay", offer["quote"])["customer_token"],
            "reference": reference or f"order-{next(_orders)}",
        }

    def authorize(self, amount_minor: int, reference: str | None = None, **changes: Any) -> Reply:
        body = self.pay_body(amount_minor, reference, **changes)
        reply = self.api.post("/v1/authorizations", body, token=self.key)
        assert reply.status == 201, reply.body
        return reply

    def capture(self, authorization_id: str, amount_minor: int, *, final: bool = False, **how: Any) -> Reply:
        body = {"amount_minor": amount_minor, "final": final}
        return self.api.post(f"/v1/authorizations/{authorization_id}/captures", body, token=self.key, **how)

    def buy(self, amount_minor: int, *, term: int = 3) -> Reply:
        """Authorize and capture; the plan stands in the customer's list."""
        reply = self.capture(self.authorize(amount_minor, term=term)["id"], amount_minor)
        assert reply.status == 201, reply.body
        self.settle()
        return reply

    def refund(self, capture_id: str, amount_minor: int, **how: Any) -> Reply:
        body = {"amount_minor": amount_minor}
        return self.api.post(f"/v1/captures/{capture_id}/refunds", body, token=self.key, **how)

    def repay(self, amount_minor: int, intent: str = "due", *, key: str | None = "fresh", **body: Any) -> Reply:
        asked = {"amount_minor": amount_minor, "currency": "CNY", "intent": intent, **body}
        return self.api.post("/v1/me/repayments", asked, token=self.customer, key=key)

    def mine(self, path: str) -> Reply:
        """What the customer reads under /v1/me."""
        return self.api.get(f"/v1/me/{path}", token=self.customer)

    def balance(self) -> int:
        return int(self.mine("credit-balance")["balance_minor"])

    def line(self) -> dict[str, Any]:
        body: dict[str, Any] = self.api.get("/v1/me/credit-line", token=self.customer).body
        return body

    def settle(self) -> list[str]:
        """See `deliver`."""
        return deliver(self.platform)


def deliver(platform: Platform) -> list[str]:
    """Run the stream consumers and projections on all that happened; the types of the events told."""
    told: list[str] = []
    for _ in range(5):
        answer = check(platform.records(reader="risk"))
        assert answer == {"batchItemFailures": []}, answer
        events = platform.events()
        for event in events:
            for path in projections_of(event.type):
                load(path)(event.to_dict())
            if event.type in WEIGHED:
                weigh(event.to_dict())
        told += [event.type for event in events]
        if not events:
            break
    return told


@lru_cache(maxsize=1)
def all_api() -> Api:
    """Every blueprint of the app; once, because Chalice forgets a blueprint's methods at its second registration."""
    modules = [each for each in entrances.BLUEPRINTS if each != "functions.platform.authorizer"]
    return Api(*(importlib.import_module(each).blueprint for each in modules))


def a_merchant(platform: Platform, api: Api, **changes: Any) -> Reply:
    body = {
        "name": "Corner Electronics",
        "max_amount_minor": {"CNY": 10_000_000, "USD": 1_000_000},
        "categories": ["electronics", "appliances", "education", "travel", "health"],
        **changes,
    }
    made = api.post("/v1/merchants", body, token=platform.staff_token("operator"))
    assert made.status == 201, made.body
    status = {"status": "live", "reason": "checked"}
    live = api.post(f"/v1/merchants/{made['id']}/status", status, token=platform.staff_token("operator"))
    assert live.status == 200, live.body
    return made


def a_shop(platform: Platform, meaning: str | None = magic.ALWAYS_APPROVED, limit_minor: int = BIG_LIMIT) -> Shop:
    """A live merchant and a customer whose application has been decided; a magic one by default.

    On a new platform it is opened once in a process and put back for whoever opens the same again.
    """
    if not platform.is_new():
        return _opened(platform, meaning, limit_minor)
    same = (meaning, limit_minor, repr(platform.settings))
    if same in _shops:
        shop, kept = _shops[same]
        platform.put_back(kept)
        return replace(shop, platform=platform)
    shop = _opened(platform, meaning, limit_minor)
    _shops[same] = (shop, platform.kept())
    return replace(shop)  # a test may change its shop; the kept one stays as it was opened


_shops: dict[tuple[object, ...], tuple[Shop, Any]] = {}


def _opened(platform: Platform, meaning: str | None, limit_minor: int) -> Shop:
    api = all_api()
    merchant = a_merchant(platform, api)
    number = phone(PHONE_OF[meaning]) if meaning else phone()
    person = api.post("/v1/customers", sign_up(phone=number, consents=["bureau_query"]))
    assert person.status == 201, person.body
    token = platform.customer_token(person["id"])
    application = api.post(
        "/v1/credit-applications",
        {"currency": "CNY", "requested_limit_minor": limit_minor, "income_minor": 1_500_000, "expenses_minor": 300_000,
         "assets_minor": 20_000_000, "debts_minor": 0, "housing": "owner", "job": "fixed", "seniority_years": 12},
        token=token,
    )  # fmt: skip
    assert application.status == 201, application.body
    shop = Shop(platform, api, merchant["id"], merchant["api_key"]["secret"], person["id"], token, application.body)
    shop.settle()
    return shop
