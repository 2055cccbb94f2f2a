"""Blueprints behind the real middleware and the real authorizer, without a server.

    api = Api(customers.blueprint, merchants.blueprint)
    reply = api.post("/v1/customers", {...})          # with a fresh Idempotency-Key, unless key= is given
    reply = api.post("/v1/captures/cap_…/refunds", {...}, token=secret_key, key="refund-1")
    assert (reply.status, reply["code"]) == (422, "refund_exceeds_remaining")

It answers as API Gateway would where the request does not reach the app: 401 from the authorizer, 403 without a route.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalice import Chalice
from chalice.app import Blueprint
from chalice.test import Client

from functions.platform import authorizer
from functions.platform.web.http import http_edge
from functions.platform.web.operation import Document

_keys = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names in lower case, the body decoded where it is JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"


@dataclass
class Api:
    """An app of some blueprints."""

    app: Chalice = field(init=False)
    client: Client = field(init=False)
    routes: Mapping[str, Any] = field(init=False)

    def __init__(self, *blueprints: Blueprint) -> None:
        app = self.app = Chalice("test")
        app.register_middleware(http_edge, "http")
        for blueprint in (authorizer.blueprint, *blueprints):
            app.register_blueprint(blueprint)
        self.client = Client(app)
        self.routes = app.routes

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        if key:
            sent["idempotency-key"] = key
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        try:
            answer = self.client.http.request(method, path, headers={**sent, **(headers or {})}, body=content)
        except Exception as error:
            if str(error) != "Unauthorized":
                raise
            return Reply(401, {"message": "Unauthorized"}, {})
        text = answer.body.decode()
        is_json = text and "json" in {k.lower(): v for k, v in answer.headers.items()}.get("content-type", "json")
        reply = Reply(
            answer.status_code,
            json.loads(text) if is_json else text,
            {k.lower(): str(v) for k, v in answer.headers.items()},
        )
        self._require_as_declared(method, path.partition("?")[0], reply)
        return reply

    def _require_as_declared(self, method: str, path: str, reply: Reply) -> None:
        """Every answer has the status and the members that its view declares; every error is a problem document."""
        if "x-amzn-errortype" in reply.headers:
            return  # the gateway's own answer; tests/infrastructure looks at their form
        if reply.status >= 400:
            assert reply.headers["content-type"] == "application/problem+json", reply
            assert {"type", "title", "status", "detail", "code", "request_id"} <= reply.body.keys(), reply
            return
        operation = getattr(self.view(method, path), "operation", None)
        if operation is not None:
            assert reply.status == operation.status, reply
            if operation.answer is not Document:
                operation.answer.model_validate(reply.body)

    def view(self, method: str, path: str) -> Any:
        for template, methods in self.routes.items():
            if method in methods and re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path):
                return methods[method].view_function
        return None

    def get(self, path: str, **options: Any) -> Reply:
        return self("GET", path, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self("DELETE", path, **options)

    def put(self, path: str, body: Any, **options: Any) -> Reply:
        return self("PUT", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Reply:
        return self("PATCH", path, body, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = "fresh", **options: Any) -> Reply:
        """POST; `key=None` sends no Idempotency-Key."""
        return self("POST", path, body, key=f"key-{next(_keys)}" if key == "fresh" else key, **options)
