"""A till of a shop, and the phone of the customer who stands before it.

till = a_till(platform)
paid = till.pay(60_000)                      # the phone makes a code, the till sends it
till.wait(120)                               # seconds pass, the queue does what is due
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from functions.checkout.instore.events import on_wait
from functions.customers import magic
from tests.builders.api import Reply
from tests.builders.phone import Phone
from tests.builders.platform import Platform
from tests.builders.shop import BIG_LIMIT, Shop, a_shop

_sales = itertools.count(1)


@dataclass
class Till:
    shop: Shop
    phone: Phone
    waiting: list[str] = field(default_factory=list)

    @property
    def platform(self) -> Platform:
        return self.shop.platform

    def code(self, **how: Any) -> str:
        return self.phone.code(self.platform.clock.wall(), **how)

    def body(self, amount_minor: int, reference: str | None = None, **changes: Any) -> dict[str, Any]:
        return {
            "code": self.code(), "amount_minor": amount_minor, "currency": "CNY", "terminal_id": "till-1",
            "reference": reference or f"sale-{next(_sales)}", **changes,
        }  # fmt: skip

    def pay(self, amount_minor: int, reference: str | None = None, **changes: Any) -> Reply:
        reply = self.send(self.body(amount_minor, reference, **changes))
        assert reply.status == 201, reply.body
        return reply

    def send(self, body: dict[str, Any], **how: Any) -> Reply:
        return self.shop.api.post("/v1/in-store/payments", body, token=self.shop.key, **how)

    def look(self, reference: str) -> Reply:
        return self.shop.api.get(f"/v1/in-store/payments/{reference}", token=self.shop.key)

    def complete(self, reference: str, **how: Any) -> Reply:
        return self.shop.api.post(f"/v1/in-store/payments/{reference}/complete", {}, token=self.shop.key, **how)

    def reverse(self, reference: str, **how: Any) -> Reply:
        return self.shop.api.post(f"/v1/in-store/payments/{reference}/reverse", {}, token=self.shop.key, **how)

    def confirm(self, reference: str, **body: Any) -> Reply:
        return self.shop.api.post(f"/v1/me/in-store/{reference}/confirm", body, token=self.customer)

    @property
    def customer(self) -> str:
        return self.platform.customer_token(self.shop.customer_id)

    def wait(self, seconds: int) -> list[str]:
        """Time passes; the streams are read, and the queue of tills hands out what has waited long enough."""
        told = self.shop.settle()
        self.platform.clock.advance(timedelta(seconds=seconds))
        for sale in _sales_of(self.platform):
            on_wait({"sale": sale})
        return told + self.shop.settle()


def _sales_of(platform: Platform) -> list[str]:
    return [i["pk"]["S"] for i in platform.items() if i["pk"]["S"].startswith("auth_") and "du" in i]


def a_till(platform: Platform, meaning: str | None = magic.ALWAYS_APPROVED, limit_minor: int = BIG_LIMIT) -> Till:
    """A shop with a till, and a customer whose phone may pay there."""
    shop = a_shop(platform, meaning, limit_minor)
    return Till(shop, Phone.enrol(shop))
