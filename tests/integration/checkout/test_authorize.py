"""The authorization through HTTP: outcomes, replay, single use, budgets."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from functions.customers import magic
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_merchant, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_an_approved_order_holds_the_line(shop: Shop) -> None:
    before = shop.line()
    auth = shop.authorize(120_000)
    assert (auth["status"], auth["amount_minor"], auth["remaining_minor"]) == ("approved", 120_000, 120_000)
    after = shop.line()
    assert after["held_minor"] == 120_000
    assert after["available_minor"] == before["available_minor"] - 120_000


def test_an_authorization_is_two_requests_and_four_write_units(shop: Shop) -> None:
    shop.authorize(60_000)  # whatever a container reads once in a while has been read
    body = shop.pay_body(120_000, "r" * 64)
    with shop.platform.metered() as meter:
        assert shop.api.post("/v1/authorizations", body, token=shop.key)["status"] == "approved"
    requests = [r for r in meter.requests if r != "GetItem"]  # the key's lookup stands in the authorizer
    assert requests == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 4
    assert max(meter.sizes.values()) <= 1024, meter.sizes


def test_the_same_command_gets_the_same_authorization_even_an_hour_later(shop: Shop) -> None:
    body = shop.pay_body(120_000)
    first = shop.api.post("/v1/authorizations", body, token=shop.key, key="once")
    shop.platform.clock.advance(timedelta(hours=1))
    again = shop.api.post("/v1/authorizations", body, token=shop.key, key="once")
    assert (again.status, again["id"], again.replayed) == (201, first["id"], True)
    assert not first.replayed


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    shop.api.post("/v1/authorizations", shop.pay_body(120_000, "one"), token=shop.key, key="once")
    reply = shop.api.post("/v1/authorizations", shop.pay_body(60_000, "one"), token=shop.key, key="once")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")


def test_the_same_key_for_another_order_is_refused_and_holds_nothing(shop: Shop) -> None:
    shop.api.post("/v1/authorizations", shop.pay_body(120_000, "one"), token=shop.key, key="once")
    reply = shop.api.post("/v1/authorizations", shop.pay_body(60_000, "two"), token=shop.key, key="once")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")
    assert shop.line()["held_minor"] == 120_000


def test_a_key_used_for_another_order_is_named_before_the_token_that_came_with_it(shop: Shop) -> None:
    body = shop.pay_body(120_000, "one")
    shop.api.post("/v1/authorizations", body, token=shop.key, key="once")
    reply = shop.api.post("/v1/authorizations", {**body, "reference": "two"}, token=shop.key, key="once")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")


@pytest.mark.pain(16)
def test_the_same_order_submitted_twice_is_one_payment(shop: Shop) -> None:
    body = shop.pay_body(120_000, "order-16")
    first = shop.api.post("/v1/authorizations", body, token=shop.key)
    second = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert (second["id"], second.replayed) == (first["id"], True)
    assert shop.line()["held_minor"] == 120_000


def test_another_order_under_a_live_reference_is_refused(shop: Shop) -> None:
    shop.authorize(120_000, "order-1")
    reply = shop.api.post("/v1/authorizations", shop.pay_body(60_000, "order-1"), token=shop.key)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "reference_in_use", "approved")


def test_after_a_void_the_order_may_be_tried_again(shop: Shop) -> None:
    first = shop.authorize(120_000, "order-1")
    shop.api.post(f"/v1/authorizations/{first['id']}/void", {}, token=shop.key)
    second = shop.authorize(120_000, "order-1")
    assert (second["attempt"], second["status"]) == (2, "approved")
    assert second["id"] != first["id"]
    found = shop.api.get("/v1/authorizations?reference=order-1", token=shop.key)
    assert [a["id"] for a in found["data"]] == [second["id"], first["id"]]


def test_a_pay_token_pays_once(shop: Shop) -> None:
    body = shop.pay_body(60_000, "one")
    shop.api.post("/v1/authorizations", body, token=shop.key)
    reply = shop.api.post("/v1/authorizations", {**body, "reference": "two"}, token=shop.key)
    assert (reply.status, reply["code"]) == (409, "customer_token_used")
    assert shop.line()["held_minor"] == 60_000


def test_a_pay_token_is_good_for_its_own_quote_only(shop: Shop) -> None:
    body, other = shop.pay_body(60_000), shop.pay_body(30_000)
    reply = shop.api.post("/v1/authorizations", {**body, "quote": other["quote"]}, token=shop.key)
    assert (reply.status, reply["code"]) == (401, "customer_token_invalid")


def test_a_customers_own_token_in_its_place_is_refused(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    reply = shop.api.post("/v1/authorizations", {**body, "customer_token": shop.customer}, token=shop.key)
    assert reply.status == 401


def test_another_merchants_quote_is_not_a_quote(shop: Shop) -> None:
    other = a_merchant(shop.platform, shop.api)["api_key"]["secret"]
    reply = shop.api.post("/v1/authorizations", shop.pay_body(60_000), token=other)
    assert (reply.status, reply["code"]) == (422, "quote_invalid")


def test_a_quote_is_good_for_fifteen_minutes(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    shop.platform.clock.advance(timedelta(minutes=15))
    reply = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert reply.status in {401, 409}
    assert reply["code"] in {"quote_expired", "customer_token_invalid"}


def test_no_line_and_an_exhausted_line_look_alike(platform: Platform) -> None:
    poor = a_shop(platform, magic.DECLINED)
    offer = poor.offers(60_000, personal=False)[0]
    token = poor.token("pay", offer["quote"])["customer_token"]
    body = {"quote": offer["quote"], "customer_token": token, "reference": "none"}
    none = poor.api.post("/v1/authorizations", body, token=poor.key)
    rich = a_shop(platform)
    limit = rich.line()["available_minor"]
    exhausted = rich.authorize(limit + 100_000, "too-much")
    for reply in (none, exhausted):
        assert (reply.status, reply["status"], reply["decline"]) == (201, "declined", {"code": "not_available"})
    assert none.body.keys() == exhausted.body.keys()


def test_a_decline_replays_and_a_new_key_is_a_new_attempt(platform: Platform) -> None:
    shop = a_shop(platform)
    body = shop.pay_body(shop.line()["available_minor"] + 100_000, "big")
    first = shop.api.post("/v1/authorizations", body, token=shop.key, key="k1")
    again = shop.api.post("/v1/authorizations", body, token=shop.key, key="k1")
    other = shop.api.post("/v1/authorizations", body, token=shop.key, key="k2")
    assert (again["id"], again.replayed) == (first["id"], True)
    assert (other["attempt"], other["status"]) == (2, "declined")


def test_a_watched_customer_is_held_and_the_money_with_it(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    auth = shop.authorize(60_000)
    assert auth["status"] == "held"
    assert shop.line()["held_minor"] == 60_000


@pytest.mark.pain(22)
def test_a_line_for_one_purchase_pays_one(platform: Platform) -> None:
    shop = a_shop(platform)
    whole = shop.line()["available_minor"]
    bodies = [shop.pay_body(whole, f"o{i}") for i in range(4)]
    statuses = [shop.api.post("/v1/authorizations", body, token=shop.key)["status"] for body in bodies]
    assert sorted(statuses) == ["approved", "declined", "declined", "declined"]
    assert shop.line()["available_minor"] == 0


def test_a_lost_answer_is_found_again_by_the_retry(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1) as hits:
        lost = shop.api.post("/v1/authorizations", body, token=shop.key, key="k")
    assert hits
    assert (lost.status, lost["code"]) == (503, "unavailable")
    found = shop.api.post("/v1/authorizations", body, token=shop.key, key="k")
    assert (found.status, found["status"], found.replayed) == (201, "approved", True)
    assert shop.line()["held_minor"] == 60_000


def test_a_throttled_table_is_503_and_nothing_is_held(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    with shop.platform.failing("TransactWriteItems"):
        reply = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert (reply.status, "retry-after" in reply.headers) == (503, True)
    assert shop.line()["held_minor"] == 0


def test_a_revoked_key_moves_no_money_though_the_authorizer_still_trusts_it(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    second = shop.api.post("/v1/api-keys", {"name": "spare"}, token=shop.key)
    assert second.status == 201, second.body
    shop.api.get("/v1/authorizations", token=second["secret"])  # the authorizer has it now
    assert shop.api.delete(f"/v1/api-keys/{second['id']}", token=shop.key).status == 200
    reply = shop.api.post("/v1/authorizations", body, token=second["secret"])
    assert reply.status in {401, 409}
    assert shop.line()["held_minor"] == 0


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"reference": "a b"}, 422, "invalid"),
        ({"reference": 5}, 422, "invalid"),
        ({"surprise": 1}, 422, "invalid"),
        ({"quote": "x" * 40}, 422, "quote_invalid"),
        ({"customer_token": "nonsense"}, 401, "customer_token_invalid"),
    ],
)
def test_bad_input_has_its_status_and_code(shop: Shop, change: dict[str, object], status: int, code: str) -> None:
    reply = shop.api.post("/v1/authorizations", {**shop.pay_body(60_000), **change}, token=shop.key)
    assert (reply.status, reply["code"]) == (status, code)


def test_without_an_idempotency_key_nothing_happens(shop: Shop) -> None:
    reply = shop.api.post("/v1/authorizations", shop.pay_body(60_000), token=shop.key, key=None)
    assert (reply.status, reply["code"]) == (400, "malformed")
    assert shop.line()["held_minor"] == 0


def test_what_an_authorization_counts_is_written_with_its_answer(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    body = shop.pay_body(60_000)
    capsys.readouterr()
    shop.api.post("/v1/authorizations", body, token=shop.key)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert any(line.get("authorization_approved") == [1.0] for line in lines)
