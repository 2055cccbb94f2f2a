"""A customer as others see one: values without an item behind them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.customers.consents import Consent
from functions.customers.identity import Identity


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer without personal data, as other slices see one.

    Args:
        status: "verified", "identity_failed", "identity_pending" or "erased".
        age: Completed years, at least: counted on from the identity check, so it may lag by less than a year.
        aliases: Line alias by currency; a currency without a line is absent.
        consents: Answers by code; what was never asked is absent.
        magic: What the sandbox makes happen to this customer (functions.customers.magic); None on live stages.
    """

    id: str
    status: str
    identity: Identity
    country: str
    zone: str
    language: str
    age: int
    aliases: Mapping[str, int]
    consents: Mapping[str, Consent]
    magic: str | None
    created_at: datetime
    version: int

    def has_consented(self, code: str) -> bool:
        """Whether they agreed and did not take it back."""
        answer = self.consents.get(code)
        return answer is not None and answer.granted


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer; only the language and the zone show in a repr."""

    phone: str = field(repr=False)
    email: str | None = field(repr=False)
    name: str = field(repr=False)
    language: str
    zone: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer with their own data in clear, for their own eyes."""

    customer: Customer
    personal: Mapping[str, Any] = field(repr=False)
