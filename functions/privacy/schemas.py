"""Answers of the privacy views."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from functions.platform.web.operation import Instant
from functions.platform.web.schema import Answer

_Part = dict[str, Any]


class ExportView(Answer):
    """Everything known about a customer; each part has the form of the API that shows it."""

    object: Literal["export"]
    version: int
    customer_id: str
    generated_at: Instant
    profile: _Part
    consents: list[_Part]
    consent_history: list[_Part]
    credit_applications: list[_Part] = Field(description="Each with the whole record of its decision.")
    credit_lines: list[_Part] = Field(description="Each with why it changed.")
    credit_balances: dict[str, int] = Field(description="Currency → minor units, those on their way included.")
    plans: list[_Part]
    agreements: list[_Part]
    disputes: list[_Part]
    statements: list[_Part]
    devices: list[_Part]
    reminders: _Part
    instruments: list[_Part]
    mandates: list[_Part] = Field(description="To collect what falls due, one a currency.")
    repayments: list[_Part] = Field(description="Those that moved money, taken back ones among them.")
    credit_payouts: list[_Part]
    complaints: list[_Part] = Field(description="With what was said and answered.")
    ledger_entries: list[_Part] = Field(description="Every movement of money, as the ledger holds it.")


class ErasureView(Answer):
    """A person was forgotten."""

    object: Literal["erasure"]
    customer_id: str
    status: Literal["erased"]
    erased_at: Instant
    kept: list[str] = Field(description="What the law makes us keep; none of it names the person.")
