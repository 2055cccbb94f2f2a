"""The payment rail in a test's hands: what it says by itself, and what happens while it is being asked.

say(shop, reply, "confirmed")            # the signed callback about a repayment, as the sandbox's rail sends it
asked = listen(platform)                 # every Collection from now on
listen(platform, meanwhile=f)            # f() runs after the money was taken and before we hear of it
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from functions.servicing.ports import Collection, RailWord
from functions.servicing.sandbox import SandboxPaymentRail, sign_callback
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop


def say(shop: Shop, repayment: Reply | dict[str, Any], status: str, *, skew_s: int = 0, **changes: Any) -> Reply:
    """A callback of the rail about a repayment."""
    body = {
        "reference": repayment["id"],
        "provider_reference": repayment["provider_reference"],
        "status": status,
        "amount_minor": repayment["amount_minor"],
        "currency": repayment["currency"],
        **changes,
    }
    return send(shop, body, skew_s=skew_s)


def send(shop: Shop, body: dict[str, Any], *, skew_s: int = 0, signature: str | None = None) -> Reply:
    raw = json.dumps(body).encode()
    stamp = str(int(shop.platform.clock.wall().timestamp()) + skew_s)
    headers = {"rail-timestamp": stamp, "rail-signature": signature or sign_callback(raw, stamp)}
    return shop.api("POST", "/v1/rails/callbacks", raw=raw, headers=headers)


class ListeningRail:
    """The sandbox's rail, overheard."""

    sandbox: ClassVar[bool] = True

    def __init__(self, platform: Platform, meanwhile: Callable[[], None]) -> None:
        self.rail = SandboxPaymentRail(platform.box)
        self.asked: list[Collection] = []
        self.meanwhile = meanwhile

    def collect(self, asked: Collection) -> RailWord:
        self.asked.append(asked)
        said = self.rail.collect(asked)
        self.meanwhile()
        return said

    def read_callback(self, call: Any, now: Any) -> RailWord:
        return self.rail.read_callback(call, now)


def listen(platform: Platform, meanwhile: Callable[[], None] = lambda: None) -> list[Collection]:
    rail = ListeningRail(platform, meanwhile)
    platform.box._ports["payment_rail"] = rail
    return rail.asked
