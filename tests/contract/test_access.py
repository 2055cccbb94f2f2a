"""Every route × every credential that must not open it (reliability R7): a route that is not in the table fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from functions.core.ids import new_id
from functions.platform.web.http import Access
from infra.openapi import views
from tests.builders.api import Api
from tests.builders.authenticator import Authenticator
from tests.builders.autopay import an_account
from tests.builders.merchants import a_merchant
from tests.builders.phone import Phone
from tests.builders.platform import START, Platform
from tests.builders.shop import Shop, a_shop, all_api
from tests.builders.tokens import STAFF_AUDIENCE, STAFF_ISSUER, signing_key, staff_token

_PREFIX = {
    "decisions": "capp",
    "authorizations": "auth", "captures": "cap", "checkouts": "chk", "refunds": "ref", "reviews": "case",
    "dead-letters": "dead",
    "risk-rules": "rul", "risk-decisions": "auth",
    "alerts": "alr", "credit-applications": "capp", "merchants": "mer", "customers": "cus", "api-keys": "key",
    "entries": "txn", "plans": "plan", "repayments": "rep", "devices": "dev", "statements": "stm",
    "disputes": "dis", "fulfilments": "ful", "webhook-endpoints": "whk", "events": "evt",
    "instruments": "ins", "payouts": "cpo",
    "unmatched-receipts": "rcpt", "adjustments": "adj", "complaints": "cmp", "collections": "col",
    "passkeys": "pky",
}  # fmt: skip


def guarded() -> Iterator[tuple[str, str, Access]]:
    """Method, concrete path and access of every route that is not public."""
    for method, path, access, _ in named():
        yield method, path, access


def named() -> Iterator[tuple[str, str, Access, str]]:
    """The same with the route's template; a route for two kinds of principals comes twice."""
    for method, path, view, template in routes():
        for access in view.access.each:
            yield method, path, access, template


def routes() -> Iterator[tuple[str, str, Any, str]]:
    """Method, concrete path, view and template of every route that is not public."""
    for template, method, view in views():
        if view.access.kind != "public":
            noun = [part for part in template.split("/") if part in _PREFIX][-1:] or ["x"]
            yield method, re.sub(r"{\w+}", new_id(_PREFIX.get(noun[0], "x"), START), template), view, template


def refusals(api: Api, method: str, path: str, tokens: dict[str, str | None], status: int) -> list[str]:
    """Which of these credentials did not get this status."""
    body = {} if method in {"POST", "PUT", "PATCH"} else None
    answers = {
        name: api(method, path, body, token=token, key="k" if method == "POST" else None).status
        for name, token in tokens.items()
    }
    return [f"{method} {path} with {name}: {got}" for name, got in answers.items() if got != status]


def bad_tokens(platform: Platform) -> dict[str, str | None]:
    """Credentials that are nobody's, on any route."""
    rotated = _rotated_key(platform)
    now = platform.clock.wall()
    late = now - timedelta(days=2)
    return {
        "none": None,
        "garbage": "nonsense",
        "unknown key": "sk_test_" + "0" * 48,
        "revoked key": _revoked_key(),
        "rotated key after its overlap": rotated,
        "expired staff": staff_token("auditor", at=late),
        "expired customer": _expired_customer(platform),
        "alg none": jwt.encode(_claims(platform), "", algorithm="none", headers={"kid": "staff-1"}),
        "a public key as secret": jwt.encode(
            _claims(platform), "x" * 64, algorithm="HS256", headers={"kid": "staff-1"}
        ),
        "wrong audience": staff_token("auditor", at=now, aud="somebody-else"),
        "wrong issuer": staff_token("auditor", at=now, iss="https://elsewhere.example"),
        "another's key": jwt.encode(
            _claims(platform), signing_key("intruder").pem, algorithm="ES256", headers={"kid": "staff-1"}
        ),
    }


def _revoked_key() -> str:
    shop = a_merchant()
    made = all_api().post("/v1/api-keys", {}, token=shop.secret)
    all_api().delete(f"/v1/api-keys/{made['id']}", token=shop.secret)
    return str(made["secret"])


def _rotated_key(platform: Platform) -> str:
    shop = a_merchant()
    made = all_api().post("/v1/api-keys", {}, token=shop.secret)
    all_api().post(f"/v1/api-keys/{made['id']}/rotate", {"overlap_s": 60}, token=shop.secret)
    platform.clock.advance(timedelta(seconds=61))
    return str(made["secret"])


def _claims(platform: Platform) -> dict[str, object]:
    exp = int((platform.clock.wall() + timedelta(hours=1)).timestamp())
    return {"iss": STAFF_ISSUER, "aud": STAFF_AUDIENCE, "sub": "stf_1", "roles": ["auditor"], "exp": exp}


def _expired_customer(platform: Platform) -> str:
    platform.clock.advance(timedelta(days=-1))
    token = platform.customer_token(new_id("cus", START))
    platform.clock.advance(timedelta(days=1))
    return token


def test_nobodys_credentials_open_no_route(platform: Platform) -> None:
    api, tokens = all_api(), bad_tokens(platform)
    assert [bad for method, path, _ in guarded() for bad in refusals(api, method, path, tokens, 401)] == []


def test_a_credential_of_another_kind_opens_no_route(platform: Platform) -> None:
    shop = a_shop(platform)
    tokens = {"merchant": shop.key, "customer": shop.customer, "staff": platform.staff_token("auditor", "operator")}
    wrong = [
        bad
        for method, path, view, _ in routes()
        for kinds in [{each.kind for each in view.access.each}]
        for bad in refusals(shop.api, method, path, {k: v for k, v in tokens.items() if k not in kinds}, 401)
    ]
    assert wrong == []


def test_without_the_scope_a_route_says_so(platform: Platform) -> None:
    shop = a_shop(platform)
    scopes = ("quotes:write", "events:read")
    made = {scope: shop.api.post("/v1/api-keys", {"scopes": [scope]}, token=shop.key)["secret"] for scope in scopes}
    roles = {"reviewer", "risk_admin", "modeller", "finance", "support", "operator", "auditor"}
    wrong: list[str] = []
    for method, path, access in guarded():
        if access.kind == "merchant":
            key = next(made[scope] for scope in scopes if scope not in access.scopes)
            wrong += refusals(shop.api, method, path, {"a key without the scope": key}, 403)
        if access.kind == "staff":
            others = {role: platform.staff_token(role) for role in roles - set(access.scopes)}
            wrong += refusals(shop.api, method, path, others, 403)
    assert wrong == []


def test_what_is_not_ones_own_is_not_there(platform: Platform) -> None:
    """An id that could exist and is not the caller's is 404 on every route that reads by id."""
    shop = a_shop(platform)
    tokens = {"merchant": shop.key, "customer": shop.customer, "staff": platform.staff_token("auditor")}
    wrong = [
        bad
        for method, path, access in guarded()
        if method == "GET" and re.search(r"_[0-9A-Z]{26}", path)
        for bad in refusals(shop.api, method, path, {access.kind: tokens[access.kind]}, 404)
    ]
    assert wrong == []


def test_an_auditor_reads_everything_that_staff_may_read_and_writes_nothing(platform: Platform) -> None:
    for method, path, access in guarded():
        if access.kind == "staff":
            assert ("auditor" in access.scopes) == (method == "GET"), f"{method} {path}"


def test_a_command_without_its_key_is_malformed_whatever_else_is_wrong_with_it(platform: Platform) -> None:
    shop = a_shop(platform)
    roles = ("reviewer", "risk_admin", "modeller", "finance", "support", "operator", "auditor")
    tokens = {"merchant": shop.key, "customer": shop.customer, "staff": platform.staff_token(*roles)}
    commands = {(method, template) for template, method, view in views() if view.operation.command}
    assert len(commands) > 20
    answers = {
        (method, path): shop.api(method, path, {"no": "such field"}, token=tokens[access.kind])
        for method, path, access, template in named()
        if (method, template) in commands
    }
    assert {
        key: reply.status for key, reply in answers.items() if (reply.status, reply["code"]) != (400, "malformed")
    } == {}


@pytest.mark.parametrize("kind", ["merchant", "customer", "staff"])
def test_each_kind_has_routes(kind: str) -> None:
    assert any(access.kind == kind for _, _, access in guarded())


def _owned(shop: Shop) -> dict[str, str]:
    """One real object of each kind that somebody owns, by the noun of its path."""
    api, key, her = shop.api, shop.key, shop.customer
    bought = shop.buy(120_000)
    order = {"amount_minor": 1_000, "currency": "CNY", "category": "electronics", "reference": "owned"}
    return {
        "authorizations": bought["authorization_id"],
        "captures": bought["id"],
        "plans": bought["plan_id"],
        "refunds": shop.refund(bought["id"], 10_000)["id"],
        "repayments": shop.repay(10_000)["id"],
        "checkouts": api.post("/v1/checkouts", order, token=key)["id"],
        "api-keys": api.get("/v1/api-keys", token=key)["data"][0]["id"],
        "credit-applications": shop.application["id"],
        "passkeys": _passkey(shop, her),
        "devices": Phone.enrol(shop).id,
        "instruments": an_account(shop),
        "disputes": api.post(f"/v1/me/plans/{bought['plan_id']}/disputes", {"kind": "duplicate"}, token=her)["id"],
        "webhook-endpoints": api.post("/v1/webhook-endpoints", {"url": "https://shop.example.com/h"}, token=key)["id"],
    }


def _passkey(shop: Shop, her: str) -> str:
    begun = shop.api.post("/v1/passkeys/register/begin", {}, token=her, key=None)
    body = {"state": begun["state"], "credential": Authenticator().register(begun["options"])}
    return str(shop.api.post("/v1/passkeys/register/finish", body, token=her, key=None)["id"])


def test_what_is_anothers_is_not_there(platform: Platform) -> None:
    """Real objects of one shop and its customer, asked for by another shop and another customer."""
    owner, other = a_shop(platform), a_shop(platform)
    owned = _owned(owner)
    tokens = {"merchant": other.key, "customer": other.customer}
    anybodys = {"/v1/me/checkouts/{id}", "/v1/me/checkouts/{id}/offers"}  # an open order is whoever's has its link
    asked, wrong = 0, []
    for template, method, view in views():
        noun = next((part for part in template.split("/") if part in owned), None)
        if noun is None or template.count("{") != 1 or template in anybodys or view.access.kind not in tokens:
            continue
        path = re.sub(r"{\w+}", owned[noun], template)
        # a body that is wrong is refused before anybody looks whose object it is for
        allowed = {404} if method in {"GET", "DELETE"} else {404, 422}
        reply = owner.api(method, path, {} if method != "GET" else None, token=tokens[view.access.kind], key="k")
        asked += 1
        if reply.status not in allowed:
            wrong.append(f"{method} {path}: {reply.status}")
    assert (wrong, asked >= len(owned)) == ([], True)
