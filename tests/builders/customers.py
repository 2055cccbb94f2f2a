"""Customers of the tests: details of a sign-up, and people who are signed up already.

approved = a_customer()                          # verified, by the real use case; a Customer
reply = api.post("/v1/customers", sign_up(name="…"))
"""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from functions.customers import service
from functions.customers.customer import Customer
from functions.customers.details import check_character
from functions.customers.schemas import SignUp
from functions.platform.container import container
from functions.platform.web.context import Call, Principal

_numbers = itertools.count(1)


def resident_id(born_on: date = date(1990, 3, 14), sequence: int | None = None) -> str:
    """A valid Chinese resident identity number; another one each time."""
    serial = next(_numbers) if sequence is None else sequence
    first = f"110101{born_on:%Y%m%d}{serial % 1000:03d}"
    return first + check_character(first)


def phone(prefix: str = "+86138") -> str:
    """Another ordinary phone number each time; give a prefix of functions.customers.magic for a magic one."""
    return prefix + f"{next(_numbers):0{14 - len(prefix)}d}"


def sign_up(**changes: Any) -> dict[str, Any]:
    """A body for POST /v1/customers, of somebody who passes."""
    born_on = changes.get("birth_on", "1990-03-14")
    return {
        "phone": phone(),
        "name": "王小明",
        "document_number": resident_id(date.fromisoformat(born_on)),
        "birth_on": born_on,
        **changes,
    }


def a_call(
    path: str = "/v1/test",
    body: bytes = b"",
    *,
    key: str | None = None,
    principal: Principal | None = None,
    method: str = "POST",
) -> Call:
    """A call as the HTTP edge would make it, with a fresh Idempotency-Key unless one is given."""
    return Call(
        request_id="req-test",
        method=method,
        path=path,
        principal=principal,
        headers={"idempotency-key": key or f"call-{next(_numbers)}"},
        query={},
        raw=body,
        commands_key=container().secrets.key("commands"),
    )


def a_customer(**changes: Any) -> Customer:
    """Somebody signed up by the real use case; verified unless the changes say otherwise."""
    customer, _ = service.register(SignUp.of(sign_up(**changes)), a_call("/v1/customers"))
    return customer
