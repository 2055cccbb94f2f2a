"""Every route of customers and merchants × every kind of credential. A route that is not in the table fails."""

from __future__ import annotations

import pytest

from functions.customers.api import blueprint as customers
from functions.merchants.api import blueprint as merchants
from tests.builders.api import Api
from tests.builders.customers import a_customer
from tests.builders.merchants import a_merchant

STAFF_ROLES = ("reviewer", "risk_admin", "modeller", "finance", "support", "operator", "auditor")
READERS = {"finance", "operator", "support", "reviewer", "risk_admin", "auditor"}

ACCESS = {
    ("POST", "/v1/customers"): "public",
    ("POST", "/v1/customers/{id}/identity"): {"reviewer", "risk_admin"},
    ("POST", "/v1/sign-in/code"): "public",
    ("POST", "/v1/sign-in/verify"): "public",
    ("POST", "/v1/sign-in/refresh"): "public",
    ("POST", "/v1/sign-out"): "customer",
    ("GET", "/v1/me"): "customer",
    ("POST", "/v1/me/identity-check"): "customer",
    ("GET", "/v1/me/consents"): "customer",
    ("PUT", "/v1/me/consents"): "customer",
    ("POST", "/v1/merchants"): {"finance", "operator"},
    ("GET", "/v1/merchants"): READERS,
    ("GET", "/v1/merchants/{id}"): READERS,
    ("PATCH", "/v1/merchants/{id}"): {"finance", "operator"},
    ("POST", "/v1/merchants/{id}/status"): {"finance", "operator", "risk_admin"},
    ("POST", "/v1/merchants/{id}/kyb"): {"operator", "risk_admin"},
    ("POST", "/v1/merchants/{id}/payout-account"): {"finance", "operator"},
    ("POST", "/v1/merchants/{id}/payout-account/approve"): {"finance", "operator"},
    ("POST", "/v1/merchants/{id}/payout-account/cancel"): {"finance", "operator", "support", "risk_admin"},
    ("POST", "/v1/merchants/{id}/api-keys"): {"operator"},
    ("POST", "/v1/api-keys"): "merchant",
    ("GET", "/v1/api-keys"): "merchant",
    ("DELETE", "/v1/api-keys/{id}"): "merchant",
    ("POST", "/v1/api-keys/{id}/rotate"): "merchant",
}


@pytest.fixture
def api(platform):
    return Api(customers, merchants)


def routes(api):
    return {(method, path) for path, by in api.client._app.routes.items() for method in by}


def test_every_route_is_in_the_table(api):
    assert routes(api) == set(ACCESS)


def test_every_route_but_the_public_ones_stands_behind_the_authorizer(api):
    open_routes = {
        (method, path)
        for path, by in api.client._app.routes.items()
        for method, entry in by.items()
        if entry.authorizer is None
    }
    assert open_routes == {route for route, access in ACCESS.items() if access == "public"}


def ask(api, route, token):
    method, path = route
    body = {} if method in {"POST", "PUT", "PATCH"} else None
    return api(method, path.replace("{id}", "cus_nonsense"), body, token=token, key="k")


GUARDED = [route for route, access in ACCESS.items() if access != "public"]


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
def test_who_may_not_enter_does_not(api, platform, route):
    access = ACCESS[route]
    tokens = {
        "merchant": a_merchant().secret,
        "customer": platform.customer_token(a_customer().id),
        **{role: platform.staff_token(role) for role in STAFF_ROLES},
    }
    assert ask(api, route, None).status == 401
    for kind, token in tokens.items():
        reply = ask(api, route, token)
        if kind == access or kind in access:
            assert reply.status not in {401, 403}
        elif kind in STAFF_ROLES and isinstance(access, set):
            assert (reply.status, reply["code"]) == (403, "insufficient_scope")
        else:
            assert (reply.status, reply["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("route", [r for r in GUARDED if ACCESS[r] == "merchant"], ids=" ".join)
def test_a_merchants_key_without_the_scope_is_refused(api, platform, route):
    shop = a_merchant()
    small = api.post("/v1/api-keys", {"scopes": ["payments:read"]}, token=shop.secret)
    reply = ask(api, route, small["secret"])
    assert (reply.status, reply["code"]) == (403, "insufficient_scope")


CREATE_OR_MOVE = [
    route for route in ACCESS
    if route[0] == "POST" and "sign" not in route[1]
]  # fmt: skip


@pytest.mark.parametrize("route", CREATE_OR_MOVE, ids=" ".join)
def test_every_post_that_creates_or_moves_needs_an_idempotency_key(api, platform, route):
    """With a good body: the key is what is missing."""
    from tests.builders.customers import phone, sign_up
    from tests.builders.merchants import merchant_body

    shop = a_merchant(status="pending")
    pending = a_customer(phone=phone("+861000006"))
    (key,) = api.get("/v1/api-keys", token=shop.secret)["data"]
    account = {"account": {"holder": "Lantern", "number": "DE02120300000000202051"}, "reason": "x"}
    if "payout-account/" in route[1]:
        somebody = platform.staff_token("finance", subject="stf_2")
        assert api.post(f"/v1/merchants/{shop.id}/payout-account", account, token=somebody).status == 200
    calls = {
        "/v1/customers": (sign_up(), None, ""),
        "/v1/customers/{id}/identity": ({"decision": "verified", "reason": "x"}, "reviewer", pending.id),
        "/v1/me/identity-check": ({}, "customer", ""),
        "/v1/merchants": (merchant_body(), "operator", ""),
        "/v1/merchants/{id}/status": ({"status": "live", "reason": "x"}, "operator", shop.id),
        "/v1/merchants/{id}/kyb": ({"registration_number": "9131000012", "reason": "x"}, "operator", shop.id),
        "/v1/merchants/{id}/payout-account": (account, "finance", shop.id),
        "/v1/merchants/{id}/payout-account/approve": ({"reason": "x"}, "finance", shop.id),
        "/v1/merchants/{id}/payout-account/cancel": ({"reason": "x"}, "finance", shop.id),
        "/v1/merchants/{id}/api-keys": ({}, "operator", shop.id),
        "/v1/api-keys": ({}, "merchant", ""),
        "/v1/api-keys/{id}/rotate": ({}, "merchant", key["id"]),
    }
    body, kind, object_id = calls[route[1]]
    token = {
        None: None,
        "customer": platform.customer_token(pending.id),
        "merchant": shop.secret,
    }.get(kind, platform.staff_token(str(kind)))
    path = route[1].replace("{id}", object_id)
    reply = api.post(path, body, token=token, key=None)
    assert (reply.status, reply["code"], reply["errors"][0]["pointer"]) == (400, "malformed", "Idempotency-Key")
    assert api.post(path, body, token=token).status in {200, 201}


@pytest.mark.parametrize("path", ["/v1/sign-in/code", "/v1/sign-in/verify", "/v1/sign-in/refresh"])
def test_sign_in_ceremonies_need_no_key(api, platform, path):
    assert api.post(path, {}, key=None)["code"] == "invalid"
