"""A phone at a till: makes payment codes without a network, from what it was told when it was enrolled.

It shares no code with the platform: its one-time passwords and check digits are written out here, from the standards.

phone = Phone.enrol(shop)
code = phone.code(platform.clock.wall())
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.builders.shop import Shop

_DAMM = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2], [7, 0, 9, 2, 1, 5, 4, 8, 6, 3], [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6], [6, 1, 2, 3, 0, 4, 5, 9, 7, 8], [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4], [8, 9, 4, 5, 3, 6, 2, 0, 1, 7], [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
]  # fmt: skip


def with_check_digit(digits: str) -> str:
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return f"{digits}{interim}"


def password(secret: bytes, counter: int) -> str:
    mac = hmac.new(secret, counter.to_bytes(8, "big"), hashlib.sha256).digest()
    start = mac[-1] & 0xF
    return str((int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF) % 1_000_000).zfill(6)


@dataclass
class Phone:
    """What the app keeps: the secret (in the browser a key that can't be read out), its number, the aliases."""

    id: str
    secret: bytes
    number: int
    aliases: list[dict[str, str]]

    @classmethod
    def enrol(cls, shop: Shop, **body: Any) -> Phone:
        reply = shop.api.post("/v1/me/devices", body, token=shop.customer)
        assert reply.status == 201, reply.body
        return cls.of(reply.body)

    @classmethod
    def of(cls, device: dict[str, Any]) -> Phone:
        padded = device["secret"] + "=" * (-len(device["secret"]) % 4)
        return cls(device["id"], base64.urlsafe_b64decode(padded), device["number"], device["aliases"])

    def code(self, at: datetime, *, steps: int = 0, digits: str | None = None) -> str:
        """The code at an instant; `steps` sets the phone's clock wrong, `digits` replaces the password."""
        counter = int(at.timestamp()) // 30 + steps
        month = f"{datetime.fromtimestamp(counter * 30, at.tzinfo):%Y-%m}"
        alias = next(each["alias"] for each in self.aliases if each["from"].startswith(month))
        return with_check_digit(f"1{alias}{self.number}{digits or password(self.secret, counter)}")
