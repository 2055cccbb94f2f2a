"""A shop on the running platform: what tests/builders/shop.py is in process, over real HTTP.

shop = RemoteShop(running_platform)              # the seeded merchant
who = shop.newcomer()                            # a fresh shopper with an open line, so that tests don't meet
auth = shop.authorize(who, 120_000)
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from functions.core.clock import isoformat, parse_instant
from functions.customers import magic
from functions.customers.details import check_character
from tests.platform_fixture import RunningPlatform

_serial = itertools.count(os.getpid() * 1_000 % 900_000)
PHONE_OF = {meaning: prefix for prefix, meaning in magic.MAGIC_PHONES.items()}
PATIENCE_S = 240.0
"""Of a loaded machine; what comes about at once is not waited for."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A shopper made for one test."""

    id: str
    token: str
    limit_minor: int


@dataclass
class RemoteShop:
    """The seeded merchant's view of the platform."""

    platform: RunningPlatform
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        self.http = httpx.Client(base_url=self.platform.base_url, timeout=90, limits=limits)

    @property
    def key(self) -> str:
        return str(self.platform.ready["merchant"]["secret_key"])

    @property
    def merchant_id(self) -> str:
        return str(self.platform.ready["merchant"]["id"])

    def staff(self, name: str) -> str:
        return str(self.platform.ready["staff"][name])

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"e2e-{next(_serial)}-{time.time_ns()}"
        return self.http.request(method, path, json=body, headers=headers)

    def clock(self) -> dict[str, Any]:
        return self.get("/v1/test-clock", self.staff("operator"))

    def send_clock(self, to: datetime) -> None:
        """Send the business clock on its way."""
        self.post("/v1/test-clock/advance", {"to": isoformat(to)}, token=self.staff("operator"), status=202)

    def pass_time(self, by: timedelta) -> None:
        """Advance the business clock and wait until it has arrived: nothing is under way when this returns."""
        self.send_clock(parse_instant(self.clock()["now"]) + by)
        eventually("the clock's arrival", lambda: self.clock()["status"] == "idle")

    def post(self, path: str, body: Any, *, token: str, key: str | None = None, status: int = 201) -> dict[str, Any]:
        answer = self.call("POST", path, body, token=token, key=key)
        assert answer.status_code == status, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def get(self, path: str, token: str) -> Any:
        answer = self.call("GET", path, token=token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def newcomer(self, meaning: str = magic.ALWAYS_APPROVED, limit_minor: int = 4_000_000, **details: Any) -> Newcomer:
        number = next(_serial)
        first = (
            f"44010619{70 + number // 28_000 % 29}{1 + number // 28 % 9:02d}{1 + number % 28:02d}{number % 1000:03d}"
        )
        phone = f"{PHONE_OF[meaning]}{number % 9_000 + 1_000:04d}"
        person = self.post(
            "/v1/customers",
            {
                "phone": phone, "name": "E Two E", "document_number": first + check_character(first),
                "birth_on": f"{first[6:10]}-{first[10:12]}-{first[12:14]}", "language": "en",
                "consents": ["bureau_query"], **details,
            },
            token="",
        )  # fmt: skip
        challenge = self.post("/v1/sign-in/code", {"phone": phone}, token="", status=202)
        signed_in = self.post(
            "/v1/sign-in/verify",
            {"challenge_id": challenge["challenge_id"], "code": magic.MAGIC_CODE},
            token="",
            status=200,
        )
        token = str(signed_in["access_token"])
        wanted = {"currency": "CNY", "requested_limit_minor": limit_minor}
        application = self.post("/v1/credit-applications", wanted, token=token)
        return Newcomer(person["id"], token, application["limit_minor"])

    def pay_body(
        self,
        who: Newcomer,
        amount_minor: int,
        reference: str | None = None,
        term: int = 3,
        category: str = "electronics",
    ) -> dict[str, Any]:
        ask = {"merchant_id": self.merchant_id, "purpose": "quote"}
        personal = self.post("/v1/me/merchant-tokens", ask, token=who.token)["customer_token"]
        order = {"amount_minor": amount_minor, "currency": "CNY", "category": category, "channel": "online"}
        quote = self.post("/v1/quotes", order | {"customer_token": personal}, token=self.key, status=200)
        offer = next(o for o in quote["offers"] if o["term_count"] == term)
        pay = self.post("/v1/me/merchant-tokens", ask | {"purpose": "pay", "quote": offer["quote"]}, token=who.token)
        return {
            "quote": offer["quote"],
            "customer_token": pay["customer_token"],
            "reference": reference or f"e2e-{next(_serial)}-{time.time_ns()}",
        }

    def authorize(self, who: Newcomer, amount_minor: int, **how: Any) -> dict[str, Any]:
        return self.post("/v1/authorizations", self.pay_body(who, amount_minor, **how), token=self.key)

    def line(self, who: Newcomer) -> dict[str, Any]:
        line: dict[str, Any] = self.get("/v1/me/credit-line", who.token)
        assert line["limit_minor"] == line["available_minor"] + line["held_minor"] + line["outstanding_minor"]
        return line


def eventually(what: str, look: Callable[[], Any]) -> Any:
    """What the streams and queues bring about after a moment; fails after `PATIENCE_S`.

    Looks ever less often: looking takes the platform from what is waited for.
    """
    until, pause = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
    while not (found := look()):
        assert time.monotonic() < until, f"{what} did not come about"
        time.sleep(pause)
        pause = min(LONGEST_PAUSE_S, pause * 1.3)
    return found
