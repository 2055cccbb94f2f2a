"""Bodies and answers of payouts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, Currency, Text64


class PayoutRequest(Body):
    """`POST /v1/me/credit-balance/payout`."""

    instrument_id: Text64 = Field(description="Of the customer's bank accounts, the one to pay to.")
    currency: Currency = "CNY"
    amount_minor: AmountMinor | None = Field(default=None, description="All of it if absent.")


class PayoutView(Answer):
    """Part of a credit balance on its way back to its customer."""

    id: str
    object: Literal["credit_payout"]
    status: Literal["pending", "paid", "failed", "returned"] = Field(
        description="A failed or returned payout is the customer's credit balance again."
    )
    version: int
    amount_minor: Minor
    currency: str
    instrument_id: str
    cause: Literal["customer", "age"] = Field(description="Who or what asked for it: `age` after thirty days.")
    provider_reference: str | None
    failure_code: str | None
    created_at: Instant
