"""Row 2: a whole authorization, API Gateway's event in and its answer out, beside two bare botocore calls.

Both sides run over the same canned transport, which answers at once with what moto answered when the authorization was
made for real; the peer is a client as boto3 makes it. What is left is all the work that is done in Python.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from moto.core.models import botocore_stubber

from functions.lending.products import service as products
from functions.merchants import service as merchants
from functions.platform.container import container
from functions.risk.rule_life import live as rules
from tests.builders.platform import REGION, platform
from tests.builders.shop import Shop, a_shop

ROUNDS = 300
MOST = 1.5


class _Body:
    """A response's body as urllib3 gives it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self) -> Iterator[bytes]:
        yield self.content


class Canned:
    """Answers each operation with what was recorded for it."""

    def __init__(self) -> None:
        self.recorded: dict[str, tuple[dict[str, str], bytes]] = {}
        self.calls: list[str] = []

    def record(self, http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
        self.recorded[model.name] = ({"content-type": "application/x-amz-json-1.0"}, http_response.content)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        target = request.headers["X-Amz-Target"]
        name = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        self.calls.append(name)
        headers, content = self.recorded[name]
        return AWSResponse(request.url, 200, headers, _Body(content))


@lru_cache(maxsize=1)  # the dollars of row 13 are counted from it too
def measure() -> list[dict[str, Any]]:
    """One row: the ratio of the medians of interleaved calls."""
    for cached in (merchants, products, rules):
        cached.CACHED_S = math.inf  # what a container reads every half minute is read beforehand
    with platform() as built:
        shop = a_shop(built)
        client, canned = container().tables.connection.client, Canned()
        event = _event(shop)
        shop.authorize(100_000)  # who the merchant is and which rules are in force is known from here on
        client.meta.events.register("after-call.dynamodb", canned.record)
        arguments: dict[str, dict[str, Any]] = {}
        client.meta.events.register(
            "provide-client-params.dynamodb", lambda params, model, **_: arguments.update({model.name: params})
        )
        first = shop.api.app(event, _Context())
        assert first["statusCode"] == 201, first
        assert arguments.keys() == {"BatchGetItem", "TransactWriteItems"}, arguments.keys()
        before_write = _unwritten(canned, json.loads(first["body"])["id"])
        plain = boto3.client("dynamodb", region_name=REGION)
        with _transport(client, canned), _transport(plain, canned):
            ours, peer = _medians(lambda: shop.api.app(event, _Context()), lambda: _bare(plain, arguments))
            canned.calls.clear()
            answer = shop.api.app(event, _Context())
        assert canned.calls == ["BatchGetItem", "TransactWriteItems"], (canned.calls, answer)
        assert (answer["statusCode"], before_write) == (201, True), answer
        assert "idempotent-replayed" not in {name.lower() for name in answer["headers"]}
    ratio = ours / peer
    return [
        {
            "id": 2, "name": "authorization, whole handler vs two bare botocore calls", "ours": ours, "peer": peer,
            "unit": "ms", "ratio": ratio, "reach": f"≤ {MOST}", "ok": ratio <= MOST,
        }
    ]  # fmt: skip


def _unwritten(canned: Canned, authorization: str) -> bool:
    """Whether the recorded read is of the moment before the authorization was there."""
    return authorization.encode() not in canned.recorded["BatchGetItem"][1]


def _bare(client: Any, arguments: dict[str, dict[str, Any]]) -> None:
    client.batch_get_item(**arguments["BatchGetItem"])
    client.transact_write_items(**arguments["TransactWriteItems"])


@contextmanager
def _transport(client: Any, canned: Canned) -> Iterator[None]:
    client.meta.events.register_first("before-send.dynamodb", canned.answer, unique_id="canned")
    enabled, botocore_stubber.enabled = (
        botocore_stubber.enabled,
        False,
    )  # every handler of the event is called: moto would work for nothing
    try:
        yield
    finally:
        botocore_stubber.enabled = enabled
        client.meta.events.unregister("before-send.dynamodb", unique_id="canned")


def _medians(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    """Medians in milliseconds of processor time of interleaved calls; logs go nowhere, as to a pipe that is read."""
    times: tuple[list[float], list[float]] = ([], [])
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        for _ in range(20):
            one()
            other()
        for _ in range(ROUNDS):
            for work, taken in zip((one, other), times, strict=True):
                began = time.process_time()
                work()
                taken.append((time.process_time() - began) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def _event(shop: Shop) -> dict[str, Any]:
    """What API Gateway sends after the authorizer has judged the key."""
    from functions.platform.authorizer import identify

    body = shop.pay_body(120_000, "bench-order")
    judged = identify(f"Bearer {shop.key}")
    return {
        "httpMethod": "POST",
        "path": "/v1/authorizations",
        "headers": {"content-type": "application/json", "idempotency-key": "bench-1", "accept": "application/json"},
        "multiValueHeaders": {"content-type": ["application/json"], "idempotency-key": ["bench-1"]},
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "body": json.dumps(body),
        "requestContext": {
            "resourcePath": "/v1/authorizations", "path": "/v1/authorizations", "httpMethod": "POST",
            "requestId": "bench", "identity": {"sourceIp": "127.0.0.1"}, "authorizer": judged,
        },
    }  # fmt: skip


class _Context:
    function_name = "pay_api"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:pay_api"
    aws_request_id = "bench"
