"""Each POST that creates or moves something, ready to be sent many times over to the running platform.

command = COMMANDS["capture"](shop)              # made ready: path, body, credential
answer = command.send()                          # with the same Idempotency-Key every time
command.effect()                                 # what it has brought about: the same number however often it was sent
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from functions.customers.details import check_character
from tests.builders.remote import PHONE_OF, RemoteShop, eventually

_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One command.

    Args:
        key: Its Idempotency-Key.
        effect: Reads what there is of it now.
        wanted: What that is after one effect.
    """

    shop: RemoteShop
    path: str
    body: Mapping[str, Any]
    token: str
    key: str
    effect: Callable[[], Any]
    wanted: Any

    def send(self) -> httpx.Response:
        return self.shop.call("POST", self.path, dict(self.body), token=self.token or None, key=self.key)


def _prepared(shop: RemoteShop, path: str, body: Mapping[str, Any], token: str, effect: Any, wanted: Any) -> Prepared:
    return Prepared(shop, path, body, token, f"many-{next(_serial)}-{time.time_ns()}", effect, wanted)


def authorize(shop: RemoteShop) -> Prepared:
    who = shop.newcomer()
    body = shop.pay_body(who, 60_000)
    return _prepared(shop, "/v1/authorizations", body, shop.key, lambda: shop.line(who)["held_minor"], 60_000)


def capture(shop: RemoteShop) -> Prepared:
    who = shop.newcomer()
    auth = shop.authorize(who, 60_000)
    path = f"/v1/authorizations/{auth['id']}"
    return _prepared(
        shop, f"{path}/captures", {"amount_minor": 20_000}, shop.key,
        lambda: (shop.get(path, shop.key)["captured_minor"], shop.line(who)["held_minor"]), (20_000, 40_000),
    )  # fmt: skip


def void(shop: RemoteShop) -> Prepared:
    who = shop.newcomer()
    auth = shop.authorize(who, 60_000)
    path = f"/v1/authorizations/{auth['id']}"
    return _prepared(shop, f"{path}/void", {}, shop.key, lambda: shop.get(path, shop.key)["released_minor"], 60_000)


def extend(shop: RemoteShop) -> Prepared:
    auth = shop.authorize(shop.newcomer(), 60_000)
    path = f"/v1/authorizations/{auth['id']}"
    return _prepared(shop, f"{path}/extend", {}, shop.key, lambda: shop.get(path, shop.key)["extended"], wanted=True)


def refund(shop: RemoteShop) -> Prepared:
    auth = shop.authorize(shop.newcomer(), 60_000)
    path = f"/v1/authorizations/{auth['id']}/captures"
    made = shop.post(path, {"amount_minor": 60_000}, token=shop.key)["id"]
    return _prepared(
        shop, f"/v1/captures/{made}/refunds", {"amount_minor": 7_000}, shop.key,
        lambda: shop.get(f"/v1/captures/{made}", shop.key)["refunded_minor"], 7_000,
    )  # fmt: skip


def repay(shop: RemoteShop) -> Prepared:
    who = shop.newcomer()
    auth = shop.authorize(who, 60_000)
    plan = shop.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": 60_000}, token=shop.key)["plan_id"]
    eventually("the plan is listed", lambda: shop.get("/v1/me/plans", who.token)["data"])
    body = {"amount_minor": 5_000, "currency": "CNY", "intent": "prepay", "plan_id": plan}

    return _prepared(
        shop, "/v1/me/repayments", body, who.token, lambda: shop.line(who)["outstanding_minor"], 55_000
    )  # fmt: skip


def checkout(shop: RemoteShop) -> Prepared:
    reference = f"many-{next(_serial)}-{time.time_ns()}"
    body = {"amount_minor": 5_000, "currency": "CNY", "category": "electronics", "reference": reference}

    def listed() -> int:
        found = shop.get("/v1/checkouts?limit=100", shop.key)["data"]
        return sum(each["reference"] == reference for each in found)

    return _prepared(shop, "/v1/checkouts", body, shop.key, lambda: eventually("it is listed", listed), 1)


def cancel(shop: RemoteShop) -> Prepared:
    order = {"amount_minor": 5_000, "currency": "CNY", "category": "electronics", "reference": f"many-{next(_serial)}"}
    path = f"/v1/checkouts/{shop.post('/v1/checkouts', order, token=shop.key)['id']}"
    return _prepared(shop, f"{path}/cancel", {}, shop.key, lambda: shop.get(path, shop.key)["version"], 2)


def api_key(shop: RemoteShop) -> Prepared:
    name = f"many-{next(_serial)}-{time.time_ns()}"

    def made() -> int:
        found = shop.get("/v1/api-keys", shop.key)["data"]
        for each in found:
            if each["name"] == name and each["status"] == "live":  # a merchant has room for ten
                shop.call("DELETE", f"/v1/api-keys/{each['id']}", token=shop.key)
        return sum(each["name"] == name for each in found)

    return _prepared(shop, "/v1/api-keys", {"name": name, "scopes": ["payments:read"]}, shop.key, made, 1)


def webhook_endpoint(shop: RemoteShop) -> Prepared:
    url = f"https://shop.example.com/{time.time_ns()}"

    def made() -> int:
        found = shop.get("/v1/webhook-endpoints", shop.key)["data"]
        for each in found:
            if each["url"] == url:
                shop.call("DELETE", f"/v1/webhook-endpoints/{each['id']}", token=shop.key)
        return sum(each["url"] == url for each in found)

    return _prepared(shop, "/v1/webhook-endpoints", {"url": url, "events": ["refund.created"]}, shop.key, made, 1)


def rotate_secret(shop: RemoteShop) -> Prepared:
    asked = {"url": "https://shop.example.com/rotated", "events": ["refund.created"]}
    path = f"/v1/webhook-endpoints/{shop.post('/v1/webhook-endpoints', asked, token=shop.key)['id']}"

    def former() -> int:
        shown = shop.get(path, shop.key)
        shop.call("DELETE", path, token=shop.key)
        return len(shown["former_secrets_until"])

    return _prepared(shop, f"{path}/rotate", {}, shop.key, former, 1)


def apply_for_credit(shop: RemoteShop) -> Prepared:
    number = next(_serial) + time.time_ns() % 10_000
    first = f"33010619{60 + number // 28 % 39}{1 + number % 9:02d}{1 + number % 28:02d}{number % 1000:03d}"
    phone = f"{PHONE_OF['always_approved']}{number % 9_000 + 1_000:04d}"
    person = {
        "phone": phone, "name": "Many Hands", "document_number": first + check_character(first),
        "birth_on": f"{first[6:10]}-{first[10:12]}-{first[12:14]}", "language": "en", "consents": ["bureau_query"],
    }  # fmt: skip
    shop.post("/v1/customers", person, token="")
    challenge = shop.post("/v1/sign-in/code", {"phone": phone}, token="", status=202)["challenge_id"]
    signed = shop.post("/v1/sign-in/verify", {"challenge_id": challenge, "code": "000000"}, token="", status=200)
    token = signed["access_token"]
    body = {"currency": "CNY", "requested_limit_minor": 100_000}  # between two steps of the grid of limits
    return _prepared(
        shop, "/v1/credit-applications", body, token, lambda: shop.get("/v1/me/credit-line", token)["available_minor"],
        80_000,
    )  # fmt: skip


COMMANDS: Mapping[str, Callable[[RemoteShop], Prepared]] = {
    made.__name__: made
    for made in (
        authorize, capture, void, extend, refund, repay, checkout, cancel, api_key, webhook_endpoint, rotate_secret,
        apply_for_credit,
    )
}  # fmt: skip
