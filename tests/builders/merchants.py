"""Merchants of the tests, taken on by the real use case.

shop = a_merchant()                       # live; shop.merchant, shop.secret (an API key with every scope)
shop = a_merchant(categories=("travel",), max_amount_minor={"CNY": 10_000_00, "JPY": 200_000})
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from functions.merchants import service
from functions.merchants.merchant import CATEGORIES, Merchant
from functions.merchants.schemas import MerchantRequest
from functions.platform.web.context import Command

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant and its first key."""

    merchant: Merchant
    secret: str

    @property
    def id(self) -> str:
        return self.merchant.id


def merchant_body(**changes: Any) -> dict[str, Any]:
    """A body for POST /v1/merchants."""
    return {
        "name": "Lantern Electronics",
        "max_amount_minor": {"CNY": 5_000_000},
        "categories": list(CATEGORIES),
        **changes,
    }


def a_merchant(*, status: str = "live", **changes: Any) -> Shop:
    number = next(_numbers)
    command = Command(key=number.to_bytes(8, "big"), body=bytes(8), scope=f"test merchant {number}")
    made = service.create_merchant_with_key(
        MerchantRequest.of(merchant_body(**changes)), command, request_id="req-test", status=status
    )
    return Shop(made.merchant, str(made.key.secret))
