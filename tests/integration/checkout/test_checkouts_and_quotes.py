"""Checkouts, quotes and customer tokens through HTTP."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from functions.checkout.agreement_store import AgreementItem
from functions.checkout.checkout_store import OrderItem
from functions.customers import magic
from functions.lending.plans.store import PlanItem
from functions.platform.storage import keys
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_merchant, a_shop

ORDER: dict[str, Any] = {
    "amount_minor": 129_900, "currency": "CNY", "reference": "order-1", "category": "electronics",
    "lines": [{"name": "Lamp", "quantity": 2, "unit_amount_minor": 60_000}],
    "shipping": {"amount_minor": 9_900, "address": {"name": "Wang Fang", "line1": "1 Long Street", "city": "Suzhou"}},
    "return_url": "https://shop.example/thanks",
}  # fmt: skip


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_a_checkout_is_an_order_with_a_page(shop: Shop) -> None:
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    assert (made.status, made["status"]) == (201, "open")
    assert made["url"].endswith(f"/checkout/{made['id']}")
    assert shop.api.get(f"/v1/checkouts/{made['id']}", token=shop.key).body == made.body
    assert "checkout.created" in shop.settle()
    assert [c["id"] for c in shop.api.get("/v1/checkouts", token=shop.key)["data"]] == [made["id"]]


@pytest.mark.pain(14)
@pytest.mark.parametrize("off", [-1, 1, 100])
def test_lines_that_do_not_add_up_are_refused_at_creation_with_the_difference(shop: Shop, off: int) -> None:
    reply = shop.api.post("/v1/checkouts", {**ORDER, "amount_minor": 129_900 - off}, token=shop.key)
    assert (reply.status, reply["code"], reply["difference_minor"]) == (422, "lines_do_not_add_up", off)


def test_the_same_command_makes_the_same_checkout(shop: Shop) -> None:
    first = shop.api.post("/v1/checkouts", ORDER, token=shop.key, key="k")
    again = shop.api.post("/v1/checkouts", ORDER, token=shop.key, key="k")
    other = shop.api.post("/v1/checkouts", {**ORDER, "reference": "order-2"}, token=shop.key, key="k")
    assert (again["id"], again.replayed) == (first["id"], True)
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")


def test_where_the_goods_go_is_stored_sealed_and_shown_to_nobody(shop: Shop) -> None:
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    stored = repr([i for i in shop.platform.items() if i["pk"]["S"] == made["id"]])
    assert "Long Street" not in stored
    assert "address" not in made.body


def test_events_and_the_confirmed_state_do_not_carry_what_was_ordered(shop: Shop) -> None:
    """An event stays under 20 kB however many lines there are; the order is read by its id."""
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    (event,) = [e for e in shop.platform.events() if e.type == "checkout.created"]
    assert event.data["checkout"]["id"] == made["id"]
    assert "lines" not in event.data["checkout"]
    state, order = [i for i in sorted(shop.platform.items(), key=lambda i: i["sk"]["S"]) if i["pk"]["S"] == made["id"]]
    assert ("li" in state, "li" in order) == (False, True)


def test_what_was_ordered_goes_thirty_days_after_an_order_that_nobody_confirmed(shop: Shop) -> None:
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    order = shop.platform.tables.get(OrderItem, made["id"], keys.ORDER)
    assert order.ttl == int((shop.platform.clock.wall() + timedelta(hours=24, days=30)).timestamp())


def test_an_open_checkout_can_be_taken_back_once(shop: Shop) -> None:
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    path = f"/v1/checkouts/{made['id']}/cancel"
    first = shop.api.post(path, {}, token=shop.key, key="c")
    assert (first["status"], shop.api.post(path, {}, token=shop.key, key="c").replayed) == ("cancelled", True)
    reply = shop.api.post(path, {}, token=shop.key)
    assert (reply.status, reply["current_status"]) == (409, "cancelled")


def test_an_old_checkout_is_expired_without_anybody_touching_it(shop: Shop) -> None:
    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    shop.platform.clock.advance(timedelta(hours=24))
    assert shop.api.get(f"/v1/checkouts/{made['id']}", token=shop.key)["status"] == "expired"


def test_the_end_of_an_open_checkout_is_told_once(shop: Shop) -> None:
    from functions.checkout.timers import act

    made = shop.api.post("/v1/checkouts", ORDER, token=shop.key)
    shop.settle()
    for hours in (23, 1, 0):
        shop.platform.clock.advance_business(timedelta(hours=hours))
        act([(made["id"], "timer")], shop.platform.clock.now())
    assert shop.settle() == ["checkout.expired"]
    assert not [i for i in shop.platform.items() if i["pk"]["S"] == made["id"] and i["sk"]["S"] == "timer"]
    late = shop.api.post(f"/v1/checkouts/{made['id']}/cancel", {}, token=shop.key)
    assert (late.status, late["current_status"]) == (409, "expired")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_minor": 0}, "invalid"),
        ({"amount_minor": -5}, "invalid"),
        ({"amount_minor": 12.5}, "invalid"),
        ({"amount_minor": "100"}, "invalid"),
        ({"amount_minor": True}, "invalid"),
        ({"currency": "XTS"}, "unsupported_currency"),
        ({"currency": "cny"}, "invalid"),
        ({"category": "weapons"}, "invalid"),
        ({"reference": "x" * 65}, "invalid"),
        ({"return_url": "javascript:alert(1)"}, "invalid"),
        ({"surprise": True}, "invalid"),
    ],
)
def test_bad_orders_are_refused(shop: Shop, change: dict[str, Any], code: str) -> None:
    reply = shop.api.post("/v1/checkouts", {**ORDER, **change}, token=shop.key)
    assert (reply.status, reply["code"]) == (422, code)


def test_every_offer_shows_each_payment_and_they_sum_to_its_cost(shop: Shop) -> None:
    offers = shop.offers(129_900)
    assert [o["term_count"] for o in offers] == [1, 3, 6, 12, 24]
    for offer in offers:
        assert sum(r["total_minor"] for r in offer["schedule"]) == offer["total_cost_minor"]
        assert sum(r["principal_minor"] for r in offer["schedule"]) == 129_900
        assert offer["total_cost_minor"] - 129_900 == offer["fee_minor"]


def test_a_personal_price_is_the_anonymous_one_or_less_and_no_grade_is_told(shop: Shop) -> None:
    personal, anonymous = shop.offers(129_900), shop.offers(129_900, personal=False)
    assert all(p["fee_minor"] <= a["fee_minor"] for p, a in zip(personal, anonymous, strict=True))
    assert any(p["fee_minor"] < a["fee_minor"] for p, a in zip(personal, anonymous, strict=True))
    assert "grade" not in repr(personal)


def test_an_anonymous_quote_is_carried_out_at_the_customers_own_price(shop: Shop) -> None:
    own = next(o for o in shop.offers(129_900) if o["term_count"] == 6)
    ceiling = next(o for o in shop.offers(129_900, personal=False) if o["term_count"] == 6)
    token = shop.token("pay", ceiling["quote"])
    assert token["offer"]["fee_minor"] == own["fee_minor"]
    body = {"quote": ceiling["quote"], "customer_token": token["customer_token"], "reference": "own-price"}
    auth = shop.api.post("/v1/authorizations", body, token=shop.key)
    capture = shop.capture(auth["id"], 129_900)
    assert sum(r["fee_minor"] for r in capture["schedule"]) == own["fee_minor"]


def test_somebody_without_a_line_gets_no_personal_offers_and_no_reason(platform: Platform) -> None:
    assert a_shop(platform, magic.DECLINED).offers(129_900) == []


def test_a_personal_quote_is_nobody_elses(shop: Shop) -> None:
    other, poor = a_shop(shop.platform), a_shop(shop.platform, magic.DECLINED)
    quote = next(o["quote"] for o in shop.offers(129_900) if o["term_count"] == 6)
    body = {"merchant_id": shop.merchant_id, "purpose": "pay", "quote": quote}
    for stranger in (other, poor):
        reply = shop.api.post("/v1/me/merchant-tokens", body, token=stranger.customer)
        assert (reply.status, reply["code"]) == (422, "quote_invalid")
    assert shop.token("pay", quote).status == 201


def test_the_agreement_accepted_is_the_one_shown(shop: Shop) -> None:
    quote = shop.offers(129_900)[1]["quote"]
    shown = shop.token("pay", quote)["agreement"]
    assert "1,299.00" in shown["document"]
    body = {"merchant_id": shop.merchant_id, "purpose": "pay", "quote": quote}
    same = shop.api.post("/v1/me/merchant-tokens", {**body, "agreement_hash": shown["hash"]}, token=shop.customer)
    other = shop.api.post("/v1/me/merchant-tokens", {**body, "agreement_hash": "0" * 64}, token=shop.customer)
    assert same.status == 201
    assert (other.status, other["code"]) == (409, "agreement_changed")


def test_the_very_document_accepted_is_kept_and_the_capture_names_it(shop: Shop) -> None:
    quote = next(o["quote"] for o in shop.offers(129_900) if o["term_count"] == 6)
    token = shop.token("pay", quote)
    body = {"quote": quote, "customer_token": token["customer_token"], "reference": "kept"}
    auth = shop.api.post("/v1/authorizations", body, token=shop.key)
    plan_id = shop.capture(auth["id"], 129_900)["plan_id"]
    plan = shop.platform.tables.get(PlanItem, plan_id)
    kept = shop.platform.tables.get(AgreementItem, keys.agreement(plan.agreement.hex()), shop.customer_id)
    assert kept.text() == token["agreement"]["document"]
    assert hashlib.sha256(kept.text().encode()).digest() == plan.agreement
    assert (kept.version, kept.language) == (token["agreement"]["version"], token["agreement"]["language"])


def test_a_token_for_one_merchant_is_no_good_to_another(shop: Shop) -> None:
    other = a_merchant(shop.platform, shop.api)["api_key"]["secret"]
    body = {"amount_minor": 60_000, "currency": "CNY", "category": "travel",
            "customer_token": shop.token("quote")["customer_token"]}  # fmt: skip
    reply = shop.api.post("/v1/quotes", body, token=other)
    assert (reply.status, reply["code"]) == (401, "customer_token_invalid")


def minted(shop: Shop, purpose: str = "quote", **more: Any) -> Reply:
    """A token by one and the same key; the customer signs in anew each time."""
    body = {"merchant_id": shop.merchant_id, "purpose": purpose, **more}
    me = shop.platform.customer_token(shop.customer_id)
    return shop.api.post("/v1/me/merchant-tokens", body, token=me, key="once")


@pytest.mark.parametrize("purpose", ["quote", "pay"])
def test_a_command_mints_one_token_for_as_long_as_it_lives(shop: Shop, purpose: str) -> None:
    quote = {"quote": shop.offers(129_900)[1]["quote"]} if purpose == "pay" else {}
    shop.platform.clock.advance(timedelta(minutes=9))
    first = minted(shop, purpose, **quote)
    shop.platform.clock.advance(timedelta(minutes=14, seconds=59))
    again = minted(shop, purpose, **quote)
    assert (first.replayed, again.replayed, again.body) == (False, True, first.body)


def test_after_its_life_a_command_mints_anew(shop: Shop) -> None:
    first = minted(shop)
    shop.platform.clock.advance(timedelta(minutes=15))
    anew, again = minted(shop), minted(shop)
    assert (anew.status, anew.replayed, again.replayed) == (201, False, True)
    assert anew["expires_at"] > first["expires_at"]


def test_the_key_of_one_token_is_no_good_for_another(shop: Shop) -> None:
    quote = shop.offers(129_900)[1]["quote"]
    assert minted(shop).status == 201
    for _ in range(2):
        reply = minted(shop, "pay", quote=quote)
        assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")
        shop.platform.clock.advance(timedelta(minutes=16))


@pytest.mark.pain(17)
def test_a_paid_order_is_found_by_its_reference_whatever_the_browser_did(shop: Shop) -> None:
    auth = shop.authorize(60_000, "order-17")
    found = shop.api.get("/v1/authorizations?reference=order-17", token=shop.key)["data"]
    assert [(a["id"], a["status"]) for a in found] == [(auth["id"], "approved")]
    assert shop.api.get("/v1/authorizations?reference=order-18", token=shop.key)["data"] == []
