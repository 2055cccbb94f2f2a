"""The HTTP edge: every answer in one form, whatever went wrong and wherever."""

from __future__ import annotations

import json

import pytest
from chalice.app import Blueprint, Response

from functions.core.errors import ConflictError
from functions.platform.authorizer import judge
from functions.platform.secrets import Secrets
from functions.platform.web.http import accepted, created, customer, merchant_scope, ok, public, staff, this_call
from functions.platform.web.schema import AmountMinor, Body
from tests.builders.api import Api
from tests.builders.merchants import a_merchant

blueprint = Blueprint(__name__)


class Order(Body):
    amount_minor: AmountMinor


class OrderTakenError(ConflictError):
    code, title = "order_taken", "Somebody has it"


@blueprint.route("/v1/echo/{id}", methods=["POST"])
@public()
def echo(id: str) -> Response:  # noqa: A002
    call = this_call()
    return ok({"path": call.path, "query": dict(call.query), "body": call.json(), "scope": call.command().scope})


@blueprint.route("/v1/orders", methods=["POST"])
@public()
def order() -> Response:
    return created({"amount_minor": Order.parse(this_call()).amount_minor}, replayed=this_call().query.get("r") == "1")


@blueprint.route("/v1/later", methods=["POST"])
@public()
def later() -> Response:
    return accepted({})


@blueprint.route("/v1/taken", methods=["GET"])
@public()
def taken() -> Response:
    raise OrderTakenError("held by another", current_status="held")


@blueprint.route("/v1/broken", methods=["GET"])
@public()
def broken() -> Response:
    raise KeyError("13800138000")


@blueprint.route("/v1/shop", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read")
def shop() -> Response:
    return ok({"who": this_call().who.id, "version": this_call().who.keys_version})


@blueprint.route("/v1/person", methods=["GET"], authorizer=judge)
@customer()
def person() -> Response:
    return ok({"who": this_call().who.id, "session": this_call().who.session})


@blueprint.route("/v1/desk", methods=["GET", "POST"], authorizer=judge)
@staff("finance", reads=True)
def desk() -> Response:
    return ok({"who": this_call().who.id})


@blueprint.route("/v1/money", methods=["POST"], authorizer=judge)
@staff("finance")
def money() -> Response:
    return ok({})


@pytest.fixture
def api(platform):
    return Api(blueprint)


PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


def is_problem(reply, status, code):
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.body) >= PROBLEM
    assert (reply["status"], reply["code"]) == (status, code)
    assert reply["type"] == f"https://whitenote.example/problems/{code}"
    assert reply.headers["x-request-id"] == reply["request_id"]
    return True


def test_every_answer_carries_request_id_version_and_security_headers(api):
    for reply in (api.post("/v1/later", {}), api.get("/v1/taken"), api.get("/v1/broken"), api.get("/v1/later")):
        assert reply.headers["x-request-id"]
        assert reply.headers["whitenote-version"] == "2026-11-22"
        assert reply.headers["strict-transport-security"].startswith("max-age=")
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"


def test_a_view_sees_the_concrete_path_the_query_and_the_body(api):
    reply = api.post("/v1/echo/ord_7?limit=5&limit=6&x=%20y", {"a": 1}, key="k")
    assert reply.body == {
        "path": "/v1/echo/ord_7",
        "query": {"limit": "5", "x": " y"},
        "body": {"a": 1},
        "scope": "anonymous\nPOST\n/v1/echo/ord_7\nk",
    }


def test_a_typed_error_is_its_problem(api):
    reply = api.get("/v1/taken")
    assert is_problem(reply, 409, "order_taken")
    assert (reply["title"], reply["detail"], reply["current_status"]) == ("Somebody has it", "held by another", "held")


def test_a_bug_says_nothing_and_shows_no_stack(api):
    reply = api.get("/v1/broken")
    assert is_problem(reply, 500, "internal")
    assert "13800138000" not in json.dumps(reply.body)
    assert "Traceback" not in json.dumps(reply.body)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b'{"amount_minor": 1, "amount_minor": 2}', 400, "malformed"),
        (b'{"amount_minor": NaN}', 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'{"amount_minor": ' + b" " * 70_000 + b"1}", 413, "too_large"),
        (b"{}", 422, "invalid"),
        (b'{"amount_minor": 1.5}', 422, "invalid"),
        (b'{"amount_minor": 1, "more": 1}', 422, "invalid"),
        (b'{"\\ud800": 1}', 400, "malformed"),
    ],
)
def test_a_bad_body_is_refused_in_kind(api, raw, status, code):
    assert is_problem(api.post("/v1/orders", raw=raw), status, code)


def test_a_command_needs_its_key(api):
    reply = api.post("/v1/echo/x", {}, key=None)
    assert is_problem(reply, 400, "malformed")
    assert reply["errors"][0]["pointer"] == "Idempotency-Key"


def test_a_replay_says_so(api):
    assert not api.post("/v1/orders", {"amount_minor": 1}).replayed
    assert api.post("/v1/orders?r=1", {"amount_minor": 1}).replayed


def test_a_version_that_never_was_is_refused_and_given_back(api):
    reply = api.get("/v1/taken", headers={"whitenote-version": "2020-01-01"})
    assert is_problem(reply, 422, "invalid")
    assert reply["errors"][0]["pointer"] == "Whitenote-Version"


def test_chalices_own_refusals_have_our_form(api):
    reply = api.get("/v1/later")
    assert is_problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"
    assert is_problem(
        api.post("/v1/orders", {"amount_minor": 1}, headers={"content-type": "text/xml"}), 415,
        "unsupported_media_type",
    )  # fmt: skip


def test_when_the_secrets_are_away_the_caller_may_come_back(api, platform):
    """It fails before any view runs; that answer must have our form too."""

    class Away:
        def key(self, purpose):
            raise ConnectionError("secretsmanager")

    platform.box.secrets = Away()
    reply = api.get("/v1/taken")
    assert is_problem(reply, 503, "unavailable")
    assert reply.headers["retry-after"] == "1"
    platform.box.secrets = Secrets(b"m" * 64)


@pytest.mark.parametrize("path", ["/v1/shop", "/v1/person", "/v1/desk"])
def test_without_credential_nobody_enters(api, path):
    assert api.get(path).status == 401
    assert api.get(path, token="nobody").status == 401


def test_each_kind_enters_its_own_door_only(api, platform):
    tokens = {
        "/v1/shop": a_merchant().secret,
        "/v1/person": platform.customer_token("cus_1", "ses_1"),
        "/v1/desk": platform.staff_token("finance"),
    }
    for door in tokens:
        for home, token in tokens.items():
            reply = api.get(door, token=token)
            assert reply.status == 200 if door == home else is_problem(reply, 401, "unauthorized")


def test_a_missing_scope_is_403_and_names_it(api, platform):
    reply = api.get("/v1/desk", token=platform.staff_token("reviewer"))
    assert is_problem(reply, 403, "insufficient_scope")
    assert "finance" in reply["detail"]


def test_an_auditor_reads_and_does_not_write(api, platform):
    token = platform.staff_token("auditor")
    assert api.get("/v1/desk", token=token).status == 200
    assert is_problem(api.post("/v1/money", {}, token=token), 403, "insufficient_scope")


def test_what_the_authorizer_found_reaches_the_view(api, platform):
    assert api.get("/v1/shop", token=a_merchant().secret)["version"] == 1
    assert api.get("/v1/person", token=platform.customer_token("cus_1", "ses_9"))["session"] == "ses_9"
