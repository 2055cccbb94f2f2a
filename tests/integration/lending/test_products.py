"""Plan products set up by two people: computed, refused, approved, in force from their first day, always found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.lending.products import service as product_service
from functions.lending.products.book import load_product_book, product_from_dict, product_to_dict
from functions.lending.products.service import find_product, product_book
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop, all_api

PRODUCT: dict[str, Any] = {
    "id": "cny_3",
    "effective_from": "2026-11-22",
    "currency": "CNY",
    "term_count": 3,
    "prices": {"pricing": {"kind": "flat_monthly"}, "bps": {"A": 10, "B": 20, "C": 30, "D": 40, "E": 50}},
    "categories": ["electronics"],
    "channels": ["online"],
    "min_amount_minor": 3_000,
    "max_amount_minor": 500_000,
    "rules": {"grace_days": 5},
    "jurisdiction": "CN",
    "reason": "winter campaign",
}


def propose(platform: Platform, who: str = "stf_1", role: str = "finance", **changes: Any) -> Reply:
    body = {name: value for name, value in {**PRODUCT, **changes}.items() if value is not None}
    return all_api().post("/v1/products", body, token=platform.staff_token(role, subject=who))


def approve(platform: Platform, name: str, who: str = "stf_2", role: str = "risk_admin", **how: Any) -> Reply:
    token = platform.staff_token(role, subject=who)
    return all_api().post(f"/v1/products/{name}/approve", {}, token=token, **how)


def test_a_version_counts_once_a_second_person_has_approved_it(platform: Platform) -> None:
    made = propose(platform)
    assert (made.status, made["id"], made["status"], made["version"]) == (201, "cny_3.v2", "proposed", 2)
    assert (made["proposed_by"], made["approved_by"], made["rules"]["grace_days"]) == ("stf_1", None, 5)
    assert find_product("cny_3", 1) is load_product_book().get("cny_3", 1)
    own = approve(platform, "cny_3.v2", who="stf_1")
    assert (own.status, own["code"]) == (403, "same_person")
    done = approve(platform, "cny_3.v2")
    assert (done.status, done["status"], done["approved_by"]) == (200, "approved", "stf_2")
    assert find_product("cny_3", 2).prices["E"].bps == 50
    again = approve(platform, "cny_3.v2", who="stf_3")
    assert (again.status, again["code"]) == (409, "product_state")
    assert [event.type for event in platform.events()] == ["product.proposed", "product.approved"]


def test_a_new_version_ends_the_one_before_on_its_first_day(platform: Platform) -> None:
    propose(platform, effective_from="2026-12-01")
    approve(platform, "cny_3.v2")
    first, second = find_product("cny_3", 1), find_product("cny_3", 2)
    assert first.effective_to == second.effective_from
    on = second.effective_from
    for day, version in ((on - timedelta(days=1), 1), (on, 2)):
        offers = product_book().offers_for("CNY", "electronics", "online", "A", 50_000, day)
        assert [each.version for each in offers if each.id == "cny_3"] == [version]


def test_of_two_that_begin_alike_the_later_version_counts(platform: Platform) -> None:
    for name in ("cny_3.v2", "cny_3.v3"):
        assert propose(platform)["id"] == name
    for name in ("cny_3.v3", "cny_3.v2"):
        assert approve(platform, name).status == 200
    on = find_product("cny_3", 3).effective_from
    offers = product_book().offers_for("CNY", "electronics", "online", None, 50_000, on)
    assert [each.version for each in offers if each.id == "cny_3"] == [3]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prices": {"pricing": {"kind": "flat_monthly"}, "bps": {"A": 135}}}, "product_apr_too_high"),
        ({"min_amount_minor": 2}, "invalid_product"),
        (
            {"min_amount_minor": 3, "prices": {"pricing": {"kind": "flat_monthly"}, "bps": {"A": 110}}},
            "product_apr_too_high",
        ),
        ({"jurisdiction": "XX"}, "invalid_product"),
        ({"rules": {"payoff": "all_remaining"}}, "payoff_policy_forbidden"),
        ({"rules": {"grace_days": 61}}, "invalid_terms"),
        ({"rules": {"withdrawal_days": 0}}, "invalid"),
        ({"term_count": 0}, "term_count_out_of_range"),
        ({"term_count": 61}, "term_count_out_of_range"),
        ({"effective_from": "2026-11-21"}, "effective_in_past"),
        ({"effective_from": "2026-02-30"}, "invalid_product"),
        ({"effective_to": "2026-11-22"}, "invalid_product"),
        ({"currency": "XXX"}, "unsupported_currency"),
        ({"down_payment_bps": 1_000}, "invalid"),
        ({"prices": {"pricing": {"kind": "none"}, "bps": {"A": 5}}}, "invalid"),
    ],
)
def test_what_can_not_be_set_up_is_refused_and_not_stored(platform: Platform, changes: dict, code: str) -> None:
    reply = propose(platform, **changes)
    assert (reply.status, reply["code"]) == (422, code), reply.body
    assert not [item for item in platform.items() if item["pk"]["S"] == "products"]


def test_a_rate_above_the_cap_is_told_with_the_computed_rate(platform: Platform) -> None:
    reply = propose(
        platform,
        term_count=12,
        min_amount_minor=12_000,
        prices={"pricing": {"kind": "flat_monthly"}, "bps": {"E": 120}},
    )
    assert (reply["code"], reply["cap_bps"], reply["grade"]) == ("product_apr_too_high", 2400, "E")
    assert reply["apr_bps"] > 2500
    assert "25." in reply["detail"]


def test_only_finance_and_risk_set_products_up(platform: Platform) -> None:
    for role in ("reviewer", "support", "operator", "modeller", "auditor"):
        assert propose(platform, role=role).status == 403
    assert all_api().get("/v1/products", token=platform.staff_token("auditor")).status == 200
    assert all_api().get("/v1/products", token=platform.staff_token("support")).status == 403


def test_the_same_command_proposes_once(platform: Platform) -> None:
    token = platform.staff_token("finance")
    first, again = (all_api().post("/v1/products", PRODUCT, token=token, key="p") for _ in range(2))
    other = all_api().post("/v1/products", {**PRODUCT, "term_count": 2}, token=token, key="p")
    assert (again.body, again.replayed) == (first.body, True)
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")
    one, two = (approve(platform, "cny_3.v2", key="a") for _ in range(2))
    assert (two.body, two.replayed) == (one.body, True)


def test_a_version_whose_day_has_passed_is_not_approved(platform: Platform) -> None:
    propose(platform)
    platform.clock.advance_business(timedelta(days=1))
    reply = approve(platform, "cny_3.v2")
    assert (reply.status, reply["code"]) == (422, "effective_in_past")
    assert approve(platform, "cny_3.v9").status == 404


def test_the_list_has_every_version_in_pages(platform: Platform) -> None:
    propose(platform)
    token, seen, cursor = platform.staff_token("finance"), [], ""
    while True:
        reply = all_api().get(f"/v1/products?limit=6{cursor}", token=token)
        seen += reply["data"]
        if reply["next_cursor"] is None:
            break
        cursor = f"&cursor={reply['next_cursor']}"
    assert len(seen) == len(load_product_book().products) + 1
    assert [each["id"] for each in seen] == sorted(each["id"] for each in seen)
    status = {each["id"]: each["status"] for each in seen}
    assert (status["cny_3.v1"], status["cny_3.v2"]) == ("shipped", "proposed")
    assert all(each["highest_apr_bps"] <= each["jurisdiction"]["annual_cap_bps"] for each in seen)


def test_a_product_is_written_down_whole() -> None:
    for product in load_product_book().products:
        assert product_from_dict(product_to_dict(product)) == product


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_it_is_quoted_and_captured_at_its_own_price(shop: Shop) -> None:
    old = shop.pay_body(60_000)
    propose(shop.platform)
    approve(shop.platform, "cny_3.v2")
    new = shop.authorize(60_000)
    first = shop.api.post("/v1/authorizations", old, token=shop.key)
    assert (new["status"], first["status"]) == ("approved", "approved"), first.body
    cheap, dear = (sum(row["fee_minor"] for row in shop.capture(a["id"], 60_000)["schedule"]) for a in (new, first))
    assert 0 < cheap < dear


def test_a_quote_of_another_container_is_found_though_this_one_has_an_older_copy(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This container read the book a second and a half ago, before the version was approved."""
    stale = product_book()
    propose(shop.platform)
    approve(shop.platform, "cny_3.v2")
    body = shop.pay_body(60_000)
    product_service._copy.book = stale
    product_service._copy.read_at -= 1.5
    assert product_book() is stale
    assert shop.api.post("/v1/authorizations", body, token=shop.key)["status"] == "approved"


def test_the_book_is_read_once_a_minute(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    product_service.forget()
    with shop.platform.metered() as meter:
        for _ in range(3):
            product_book()
    assert meter.requests == ["Query"]
    product_service._copy.read_at -= product_service.CACHED_S
    with shop.platform.metered() as meter:
        product_book()
    assert meter.requests == ["Query"]


def test_without_its_table_a_stale_book_is_not_offered(shop: Shop) -> None:
    product_book()
    product_service._copy.read_at -= product_service.CACHED_S
    with shop.platform.failing("Query"):
        body = {"amount_minor": 60_000, "currency": "CNY", "category": "electronics"}
        assert shop.api.post("/v1/quotes", body, token=shop.key).status == 503
