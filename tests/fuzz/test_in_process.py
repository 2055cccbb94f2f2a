"""Every operation under requests made from the OpenAPI document: no 500, every answer as it says (reliability R6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from functions.platform.authorizer import STAFF_ROLES
from functions.platform.container import Container, install
from tests.builders.fuzz import cases, judge, kind_of, operations
from tests.builders.platform import platform as build
from tests.builders.shop import Shop, a_shop

BASE = "http://whitenote.test"
_A_FEW, _MANY = 5, 60
_UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]


@dataclass
class World:
    """A shop in which something of everything has happened.

    Args:
        known: Noun of a path → ids that are there.
    """

    shop: Shop
    box: Container
    known: dict[str, list[str]]

    def token(self, kind: str) -> str | None:
        staff = self.shop.platform.staff_token(*STAFF_ROLES)
        return {"merchant": self.shop.key, "customer": self.shop.customer, "staff": staff}.get(kind)

    def send(self, case: Any) -> httpx.Response:
        """Through the middleware and the authorizer, as API Gateway would."""
        arguments = case.as_transport_kwargs(base_url=BASE)
        asked = requests.Request(**{k: v for k, v in arguments.items() if k in _REQUEST}).prepare()
        headers = dict(asked.headers)
        headers.pop("Authorization", None)
        token = self.token(kind_of(case.operation))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        parts = urlsplit(str(asked.url))
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        body = asked.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        answer = self.shop.api.client.http.request(asked.method, path, headers=headers, body=content)
        if "x-amzn-errortype" in {name.lower() for name in answer.headers}:
            return httpx.Response(405)  # the gateway's own: no such route
        response = httpx.Response(
            answer.status_code,
            headers={name: str(value) for name, value in answer.headers.items()},
            content=answer.body,
            request=httpx.Request(str(asked.method), str(asked.url)),
        )
        response.elapsed = timedelta()
        return response


_REQUEST = frozenset({"method", "url", "headers", "params", "data", "json", "files", "cookies"})


@pytest.fixture(scope="module")
def _world() -> Iterator[World]:
    with build() as platform:
        shop = a_shop(platform)
        authorization = shop.authorize(120_000)
        capture = shop.capture(authorization["id"], 60_000)
        refund = shop.refund(capture["id"], 1_000)
        checkout = shop.api.post(
            "/v1/checkouts",
            {"amount_minor": 5_000, "currency": "CNY", "category": "electronics", "reference": "fuzz-1"},
            token=shop.key,
        )
        endpoint = shop.api.post("/v1/webhook-endpoints", {"url": "https://shop.example.com/"}, token=shop.key)
        shop.settle()
        yield World(
            shop,
            platform.box,
            {
                "authorizations": [authorization["id"]], "captures": [capture["id"]], "refunds": [refund["id"]],
                "plans": [capture["plan_id"]], "checkouts": [checkout["id"]], "merchants": [shop.merchant_id],
                "customers": [shop.customer_id], "credit-applications": [shop.application["id"]],
                "webhook-endpoints": [endpoint["id"]],
            },
        )  # fmt: skip


@pytest.fixture
def world(_world: World) -> World:
    install(_world.box)
    return _world


def hammer(world: World, name: str, most: int) -> None:
    operation = operations()[name]

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=_UNHURRIED,
        phases=[Phase.generate],
    )
    @given(case=cases(operation, world.known))
    def run(case: Any) -> None:
        judge(case, world.send(case))

    run()


@pytest.mark.parametrize("name", sorted(operations()))
def test_an_operation_answers_as_the_document_says(world: World, name: str) -> None:
    hammer(world, name, _A_FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(operations()))
def test_an_operation_answers_as_the_document_says_thousands_of_times(world: World, name: str) -> None:
    hammer(world, name, _MANY)
