"""An older dated version of the API answers as it always did, while the slices know today's alone."""

from __future__ import annotations

import json

import pytest

from functions.platform.web.context import CURRENT_VERSION, VERSIONS
from functions.platform.web.versions import OLDER
from infra.openapi import views
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

PILOT = {"Whitenote-Version": "2026-09-01"}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def pilot(shop: Shop, method: str, path: str, body: object = None, **how: object) -> Reply:
    """As a merchant pinned to the pilot's version; its answers are not of today's models."""
    content = json.dumps(body).encode() if body is not None else b""
    sent = {"content-type": "application/json", "authorization": f"Bearer {shop.key}", **PILOT}
    sent |= {"idempotency-key": str(how["key"])} if "key" in how else {}
    answer = shop.api.client.http.request(method, path, headers=sent, body=content)
    return Reply(answer.status_code, json.loads(answer.body), {k.lower(): v for k, v in answer.headers.items()})


def test_every_version_is_listed_once_and_every_change_is_of_a_route_there_is() -> None:
    assert (CURRENT_VERSION, *OLDER) == VERSIONS
    assert list(VERSIONS) == sorted(VERSIONS, reverse=True)
    routes = {f"{method} {path}" for path, method, _ in views()}
    for changes in OLDER.values():
        for change in changes:
            assert change.routes <= routes
            assert change.says


def test_a_refund_is_asked_for_and_answered_in_the_pilots_words(shop: Shop) -> None:
    capture = shop.buy(60_000)
    made = pilot(shop, "POST", f"/v1/captures/{capture['id']}/refunds", {"amount": 1_000}, key="r1")
    assert (made.status, made["amount"]) == (201, 1_000)
    assert "amount_minor" not in made.body
    assert made.headers["whitenote-version"] == PILOT["Whitenote-Version"]
    again = pilot(shop, "GET", f"/v1/refunds/{made['id']}")
    assert again["amount"] == 1_000
    assert shop.api.get(f"/v1/refunds/{made['id']}", token=shop.key)["amount_minor"] == 1_000


@pytest.mark.pain(16)
def test_a_retry_under_another_version_is_the_same_command(shop: Shop) -> None:
    capture = shop.buy(60_000)
    path = f"/v1/captures/{capture['id']}/refunds"
    made = pilot(shop, "POST", path, {"amount": 1_000}, key="r1")
    again = shop.api.post(path, {"amount_minor": 1_000}, token=shop.key, key="r1")
    assert (again["id"], again.replayed) == (made["id"], True)


def test_an_error_names_the_member_as_the_caller_does(shop: Shop) -> None:
    capture = shop.buy(60_000)
    path = f"/v1/captures/{capture['id']}/refunds"
    wrong = pilot(shop, "POST", path, {"amount": "much"}, key="r1")
    assert (wrong.status, wrong["errors"][0]["pointer"]) == (422, "/amount")
    newer = pilot(shop, "POST", path, {"amount_minor": 1_000}, key="r2")
    assert (newer.status, newer["errors"][0]["code"]) == (422, "unknown_field")
    older = shop.api.post(path, {"amount": 1_000}, token=shop.key)
    assert older.status == 422
    assert [(each["pointer"], each["code"]) for each in older["errors"]] == [("/amount", "unknown_field")]


def test_an_authorization_carries_its_decline_flat(shop: Shop) -> None:
    body = shop.pay_body(60_000)
    made = pilot(shop, "POST", "/v1/authorizations", body, key="a1")
    assert made.status == 201
    assert (made["decline_code"], made["confirm_url"]) == (None, None)
    assert "decline" not in made.body
    shop.settle()
    listed = pilot(shop, "GET", "/v1/authorizations")
    assert [each["decline_code"] for each in listed["data"]] == [None]
    voided = pilot(shop, "POST", f"/v1/authorizations/{made['id']}/void", {}, key="v1")
    assert (voided["status"], voided["decline_code"]) == ("voided", None)


def test_a_declined_one_says_why_under_the_old_name(shop: Shop) -> None:
    made = pilot(shop, "POST", "/v1/authorizations", shop.pay_body(9_000_000), key="a1")
    current = shop.api.get(f"/v1/authorizations/{made['id']}", token=shop.key)
    assert current["decline"] == {"code": "not_available"}
    assert (made["decline_code"], made["confirm_url"]) == ("not_available", None)


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff", b"{" * 70_000], ids=repr)
def test_what_is_no_object_is_refused_as_ever(shop: Shop, raw: bytes) -> None:
    capture = shop.buy(60_000)
    path = f"/v1/captures/{capture['id']}/refunds"
    answer = shop.api("POST", path, raw=raw, token=shop.key, key="k", headers=PILOT)
    assert answer.status in {400, 413}


def test_a_version_that_never_was_is_refused_and_other_routes_know_no_difference(shop: Shop) -> None:
    never = shop.api.get("/v1/authorizations", token=shop.key, headers={"Whitenote-Version": "2020-01-01"})
    assert (never.status, never["errors"][0]["pointer"]) == (422, "Whitenote-Version")
    assert pilot(shop, "GET", "/v1/api-keys").body == shop.api.get("/v1/api-keys", token=shop.key).body
