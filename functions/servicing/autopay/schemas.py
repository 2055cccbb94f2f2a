"""Bodies and answers of instruments and autopay."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, Currency, Text64


class InstrumentRequest(Body):
    """`POST /v1/me/instruments`."""

    number: Annotated[
        str,
        Field(min_length=8, max_length=42, description="Bank account or debit card; blanks and hyphens are ignored."),
    ]
    bank: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{2,11}$", description="Bank code or BIC.")] | None = None


class InstrumentView(Answer):
    """A bank account that a customer pays from; its number is not shown again."""

    id: str
    object: Literal["instrument"]
    kind: Literal["bank_account"]
    last4: str
    bank: str | None
    created_at: Instant


class InstrumentsView(Answer):
    """All of them, at most ten."""

    data: list[InstrumentView]


class AutopayRequest(Body):
    """`PUT /v1/me/autopay`: give or take back the mandate to collect what falls due."""

    enabled: bool
    currency: Currency = "CNY"
    instrument_id: Text64 | None = Field(default=None, description="From which account; needed to give the mandate.")
    limit_minor: AmountMinor | None = Field(
        default=None, description="Most that one collection may take; all that is due if absent."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.enabled and self.instrument_id is None:
            raise ValueError("instrument_id is needed for a mandate")
        return self


class AutopayView(Answer):
    """A mandate as it stands."""

    object: Literal["autopay"]
    currency: str
    enabled: bool
    instrument_id: str | None
    limit_minor: Minor | None
    agreed_at: Instant | None = Field(description="When it was last given or taken back.")
