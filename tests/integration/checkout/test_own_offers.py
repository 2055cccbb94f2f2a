"""Personal offers on the customer's own view: her price, the plan she can carry, and why another is not offered."""

from __future__ import annotations

from typing import Any

import pytest
from pynamodb.expressions.operand import Path

from functions.credit.lines.budget import budget_of
from functions.credit.lines.store import LineItem
from functions.customers import magic
from functions.platform.storage import keys
from functions.platform.storage.transactions import Update, WriteSet, commit
from tests.builders.hosted import order
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def offers(shop: Shop, amount_minor: int, **changes: Any) -> dict[str, Any]:
    reply = shop.api.get(f"/v1/me/checkouts/{order(shop, amount_minor, **changes)}/offers", token=shop.customer)
    assert reply.status == 200, reply.body
    body: dict[str, Any] = reply.body
    return body


def regrade(shop: Shop, grade: str, terms: str) -> None:
    (line,) = [i for i in shop.platform.items() if i["pk"]["S"].startswith("line#")]
    actions = (Path("g").set(grade), Path("tm").set(terms))
    commit(shop.platform.tables, WriteSet.of(Update(LineItem, line["pk"]["S"], keys.SELF, actions)))


def test_her_own_offers_are_those_that_the_shop_is_quoted_for_her(shop: Shop) -> None:
    own, quoted = offers(shop, 129_900)["offers"], shop.offers(129_900)
    shown = [{k: v for k, v in each.items() if k in quoted[0] and k not in {"quote", "expires_at"}} for each in own]
    assert shown == [{k: v for k, v in each.items() if k not in {"quote", "expires_at"}} for each in quoted]


def test_the_cheapest_plan_that_every_month_carries_is_recommended_with_its_figures(shop: Shop) -> None:
    room = budget_of(shop.customer_id, "CNY", "A").room_minor
    body = offers(shop, room - 1)
    assert body["recommendation"]["code"] == "cheapest_affordable"
    assert body["recommendation"]["room_minor"] == room
    best = next(o for o in body["offers"] if o["product_id"] == body["recommendation"]["product_id"])
    assert (best["term_count"], best["affordable"], best["fee_minor"]) == (1, True, 0)
    over = offers(shop, room + 1)
    best = next(o for o in over["offers"] if o["product_id"] == over["recommendation"]["product_id"])
    assert (best["term_count"], best["affordable"]) == (3, True)
    assert [o["affordable"] for o in over["offers"]] == [False, True, True, True, True]


def test_what_she_owes_already_counts(shop: Shop) -> None:
    room = budget_of(shop.customer_id, "CNY", "A").room_minor
    before = offers(shop, room - 10_000)
    shop.buy(60_000, term=3)
    after = offers(shop, room - 10_000)
    pick = {o["term_count"]: o for o in after["offers"]}
    assert before["offers"][0]["affordable"] is True
    assert (pick[1]["affordable"], pick[1]["owed_minor"] > 20_000) == (False, True)
    assert after["recommendation"]["product_id"] != before["recommendation"]["product_id"]


def test_where_no_plan_fits_none_is_recommended_and_it_says_so(shop: Shop) -> None:
    shop.buy(shop.line()["available_minor"] * 3 // 4, term=3)
    body = offers(shop, shop.line()["available_minor"], category="appliances")
    assert [o["affordable"] for o in body["offers"]] == [False] * len(body["offers"])
    assert (body["recommendation"]["product_id"], body["recommendation"]["code"]) == (None, "none_fits")


def test_a_plan_that_is_not_offered_says_why_in_her_language(shop: Shop) -> None:
    regrade(shop, "E", "1,3,6")
    body = offers(shop, 60_000)
    assert {o["term_count"] for o in body["offers"]} == {1, 3, 6}
    why = {each["term_count"]: (each["code"], each["text"]) for each in body["not_offered"]}
    assert why[12][0] in {"term_not_on_your_line", "not_at_your_grade"}
    assert why[24][0] in {"term_not_on_your_line", "not_at_your_grade"}
    english = shop.api.get(f"/v1/me/checkouts/{body['checkout']['id']}/offers?language=en", token=shop.customer)
    assert english["not_offered"][0]["text"].isascii()
    assert not body["not_offered"][0]["text"].isascii()


def test_a_line_that_cannot_pay_at_all_says_why_to_her_and_offers_nothing(platform: Platform) -> None:
    poor, rich = a_shop(platform, magic.DECLINED), a_shop(platform)
    none = offers(poor, 60_000)
    much = offers(rich, rich.line()["available_minor"] + 1)
    assert (none["offers"], none["recommendation"], none["unavailable"]["code"]) == ([], None, "no_line")
    assert (much["offers"], much["unavailable"]["code"]) == ([], "not_enough_available")


def test_the_shop_hears_of_offers_only(shop: Shop) -> None:
    """Never a grade, an income, what is owed, or why."""
    quoted = repr(shop.offers(129_900))
    for secret in ("grade", "affordable", "owed", "room", "recommend", "why", "reason"):
        assert secret not in quoted


def test_the_page_shows_the_order_without_the_address(shop: Shop) -> None:
    checkout = order(shop, shipping={"amount_minor": 0, "address": {"line1": "1 Long Street"}})
    seen = shop.api.get(f"/v1/me/checkouts/{checkout}", token=shop.customer)
    assert (seen["status"], seen["merchant_name"], seen["outcome"]) == ("open", "Corner Electronics", None)
    assert seen["lines"] == [{"name": "Lamp", "quantity": 1, "unit_amount_minor": 60_000}]
    assert "Long Street" not in repr(seen.body)
