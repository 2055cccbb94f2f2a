"""Merchant QR codes over HTTP."""

from __future__ import annotations

import base64

import pytest

from functions.checkout.instore.emvco import parse
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_a_dynamic_code_says_merchant_amount_and_reference_in_three_forms(shop: Shop) -> None:
    body = {"kind": "dynamic", "currency": "CNY", "amount_minor": 129_900, "reference": "sale-1", "terminal_id": "t1"}
    reply = shop.api.post("/v1/in-store/qr", body, token=shop.key, key=None)
    assert reply.status == 200, reply.body
    read = parse(reply["payload"])
    assert (read.merchant_id, read.name, read.city, read.country) == (
        shop.merchant_id, "Corner Electronics", "Shanghai", "CN",
    )  # fmt: skip
    assert (read.amount_minor, read.reference, read.terminal) == (129_900, "sale-1", "t1")
    assert reply["svg"].startswith("<svg")
    assert base64.b64decode(reply["png_base64"]).startswith(b"\x89PNG\r\n\x1a\n")


def test_a_static_code_is_the_same_every_time(shop: Shop) -> None:
    made = [shop.api.post("/v1/in-store/qr", {"kind": "static", "currency": "CNY"}, token=shop.key) for _ in range(2)]
    assert made[0].body == made[1].body
    assert parse(made[0]["payload"]).amount_minor is None


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"kind": "dynamic", "currency": "CNY"}, "invalid"),
    ({"kind": "static", "currency": "CNY", "amount_minor": 1}, "invalid"),
    ({"kind": "static", "currency": "EUR"}, "currency_not_accepted"),
    ({"kind": "dynamic", "currency": "CNY", "amount_minor": 10_000_001}, "amount_over_limit"),
    ({"kind": "static", "currency": "CNY", "reference": "r" * 26}, "invalid"),
]


def test_what_a_merchant_may_not_sell_is_drawn_for_nobody(shop: Shop) -> None:
    replies = [(shop.api.post("/v1/in-store/qr", body, token=shop.key), code) for body, code in REFUSED]
    assert [(reply.status, reply["code"]) for reply, _ in replies] == [(422, code) for _, code in replies]
