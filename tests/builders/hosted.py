"""A hosted checkout from both sides: the shop that orders, and the customer who is shown, proves and confirms.

checkout = order(shop, 129_900)
phone = a_phone(shop)                                    # a passkey of the shop's customer
reply = confirm(shop, checkout, begun(shop, checkout, phone))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions.checkout.checkout_store import CheckoutItem
from functions.checkout.hosted.confirmation import Bound, Shown, code_of
from tests.builders.api import Reply
from tests.builders.authenticator import Authenticator
from tests.builders.shop import Shop

SMALL, LARGE, HUGE = 60_000, 129_900, 1_200_000
HANDS = 8
_orders = itertools.count(1)


def at_once(do: Callable[[int], Reply]) -> list[Reply]:
    """What each of eight hands got."""
    with ThreadPoolExecutor(HANDS) as pool:
        return list(pool.map(do, range(HANDS)))


def order(shop: Shop, amount_minor: int = SMALL, **changes: Any) -> str:
    body = {
        "amount_minor": amount_minor, "currency": "CNY", "category": "electronics", "reference": f"h-{next(_orders)}",
        "lines": [{"name": "Lamp", "unit_amount_minor": amount_minor}], "return_url": "https://shop.example/thanks",
        **changes,
    }  # fmt: skip
    made = shop.api.post("/v1/checkouts", body, token=shop.key)
    assert made.status == 201, made.body
    return str(made["id"])


def quote(shop: Shop, checkout: str, term: int = 3) -> str:
    offers = shop.api.get(f"/v1/me/checkouts/{checkout}/offers", token=shop.customer)
    assert offers.status == 200, offers.body
    return str(next(o["quote"] for o in offers["offers"] if o["term_count"] == term))


def begin(shop: Shop, checkout: str, **body: Any) -> Reply:
    body.setdefault("quote", quote(shop, checkout))
    return shop.api.post(f"/v1/checkouts/{checkout}/confirm/begin", body, token=shop.customer, key=None)


def confirm(shop: Shop, checkout: str, body: dict[str, Any], *, key: str = "fresh", token: str | None = None) -> Reply:
    return shop.api.post(f"/v1/checkouts/{checkout}/confirm", body, token=token or shop.customer, key=key)


def begun(shop: Shop, checkout: str, phone: Authenticator | None = None, **body: Any) -> dict[str, Any]:
    """The body of a confirmation of what `begin` showed, signed where a phone is given."""
    body.setdefault("quote", quote(shop, checkout))
    shown = begin(shop, checkout, **body)
    assert shown.status == 200, shown.body
    out = {"quote": body["quote"], "agreement_hash": shown["agreement"]["hash"]}
    if phone is not None:
        assert shown["proof"]["method"] == "passkey", shown["proof"]
        out["assertion"] = phone.sign(shown["proof"]["options"])
    return out


def a_phone(shop: Shop) -> Authenticator:
    phone = Authenticator()
    started = shop.api.post("/v1/passkeys/register/begin", {}, token=shop.customer, key=None)
    body = {"state": started["state"], "credential": phone.register(started["options"])}
    assert shop.api.post("/v1/passkeys/register/finish", body, token=shop.customer, key=None).status == 201
    return phone


def code_shown(shop: Shop, checkout: str) -> str:
    item = shop.platform.tables.get(CheckoutItem, checkout, consistent=True)
    secret = shop.platform.secrets.key("confirmations")
    bound = Bound(item.pk, item.merchant_id, item.amount, item.currency)
    return code_of(secret, bound.challenge(secret, Shown.unpack(item.shown)))
