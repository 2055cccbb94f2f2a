"""Passkeys, hosted confirmation and the use of API keys on the platform, with the streams and queues between."""

from __future__ import annotations

import itertools
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.customers import magic
from tests.builders.authenticator import Authenticator
from tests.builders.remote import Newcomer, RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")

LARGE = 129_900
_orders = itertools.count(1)


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def order(shop: RemoteShop) -> str:
    body = {
        "amount_minor": LARGE, "currency": "CNY", "category": "electronics",
        "reference": f"hosted-{next(_orders)}-{time.time_ns()}",
    }  # fmt: skip
    return str(shop.post("/v1/checkouts", body, token=shop.key)["id"])


def begin(shop: RemoteShop, who: Newcomer, checkout: str) -> tuple[dict[str, Any], dict[str, Any]]:
    offers = shop.get(f"/v1/me/checkouts/{checkout}/offers", who.token)
    quote = next(o["quote"] for o in offers["offers"] if o["product_id"] == offers["recommendation"]["product_id"])
    path = f"/v1/checkouts/{checkout}/confirm/begin"
    shown = shop.post(path, {"quote": quote}, token=who.token, status=200)
    return shown, {"quote": quote, "agreement_hash": shown["agreement"]["hash"]}


def test_a_shopper_with_a_passkey_signs_in_and_confirms_an_order_that_the_shop_captures(shop: RemoteShop) -> None:
    who = shop.newcomer()
    phone = Authenticator(origin=f"http://localhost:{urlsplit(shop.platform.base_url).port}")
    making = shop.post("/v1/passkeys/register/begin", {}, token=who.token, status=200)
    made = {"state": making["state"], "credential": phone.register(making["options"])}
    shop.post("/v1/passkeys/register/finish", made, token=who.token)
    entering = shop.post("/v1/passkeys/authenticate/begin", {}, token="", status=200)
    answer = {"state": entering["state"], "credential": phone.sign(entering["options"])}
    signed_in = shop.post("/v1/passkeys/authenticate/finish", answer, token="", status=200)
    assert shop.call("POST", "/v1/passkeys/authenticate/finish", answer).status_code == 401
    who = Newcomer(who.id, signed_in["access_token"], who.limit_minor)
    checkout = order(shop)
    shown, body = begin(shop, who, checkout)
    body["assertion"] = phone.sign(shown["proof"]["options"])
    confirmed = shop.post(f"/v1/checkouts/{checkout}/confirm", body, token=who.token, status=200)
    assert confirmed["status"] == "approved"
    assert shop.line(who)["held_minor"] == LARGE
    shop.post(f"/v1/authorizations/{confirmed['authorization_id']}/captures", {"amount_minor": LARGE}, token=shop.key)
    used = shop.get("/v1/me/passkeys", who.token)["data"][0]["last_used_at"]
    eventually(
        "the passkey's later use",
        lambda: (shop.get("/v1/me/passkeys", who.token)["data"][0]["last_used_at"] or "") >= used,
    )


def test_a_step_up_is_completed_on_its_page_with_a_code(shop: RemoteShop) -> None:
    who = shop.newcomer(magic.NEEDS_CONFIRMATION)
    # she is an ordinary shopper until the stream has put her on the list
    declined = eventually("the step-up", lambda: _stepped_up(shop, who))
    checkout = declined["decline"]["url"].rpartition("/")[2]
    shown, body = begin(shop, who, checkout)
    assert shown["proof"]["method"] == "code"
    body["code"] = magic.MAGIC_CODE
    confirmed = shop.post(f"/v1/checkouts/{checkout}/confirm", body, token=who.token, status=200)
    assert confirmed["status"] == "approved"
    latest = shop.get(f"/v1/authorizations?reference={declined['reference']}", shop.key)["data"][0]
    assert (latest["status"], latest["id"]) == ("approved", confirmed["authorization_id"])


def _stepped_up(shop: RemoteShop, who: Newcomer) -> dict[str, Any] | None:
    auth = shop.authorize(who, 30_000)
    return auth if auth["status"] == "declined" else None


def test_the_use_of_a_key_is_noted_and_every_answer_tells_the_allowance(shop: RemoteShop) -> None:
    made = shop.post("/v1/api-keys", {"name": "noted"}, token=shop.key)
    body = {"amount_minor": 1_000, "currency": "CNY", "category": "electronics", "reference": f"n-{time.time_ns()}"}
    shop.post("/v1/checkouts", body, token=made["secret"])

    def last_used() -> str | None:
        listed = {row["id"]: row for row in shop.get("/v1/api-keys", shop.key)["data"]}
        return listed[made["id"]]["last_used_at"]  # type: ignore[no-any-return]

    eventually("the note", last_used)
    answer = shop.call("GET", "/v1/api-keys", token=shop.key)
    assert answer.headers["RateLimit-Policy"] == '"key";q=1000;w=5'
    shop.call("DELETE", f"/v1/api-keys/{made['id']}", token=shop.key)
