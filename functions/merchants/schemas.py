"""Bodies of merchants and API keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from functions.platform.web.schema import AmountMinor, Answer, Body, Text64, Text200

Category = Literal["electronics", "appliances", "education", "travel", "health"]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Limits = Annotated[
    dict[CurrencyCode, AmountMinor],
    Field(min_length=1, max_length=20, description="Largest order in minor units, by currency it sells in."),
]
Categories = Annotated[tuple[Category, ...], Field(min_length=1, max_length=5, strict=False)]
CutOff = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Local time, HH:MM.")]
PayoutMode = Literal["upfront", "on_collection"]
Zone = Annotated[str, Field(max_length=64, description="IANA time zone.")]
Scope = Annotated[str, Field(pattern=r"^[a-z]+:[a-z]+$", max_length=32)]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=20, strict=False)]


class PayoutAccount(Body):
    """Where the money goes; sealed, and shown by its last four characters only."""

    holder: Text64
    number: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{5,34}$", description="IBAN or account number.")]
    bank_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,14}$", description="BIC or national code.")] | None = None


class MerchantRequest(Body):
    """`POST /v1/merchants`."""

    name: Text200
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"
    zone: Zone = "Asia/Shanghai"
    max_amount_minor: Limits
    categories: Categories
    cutoff: CutOff = "23:59"
    payout_mode: PayoutMode = "upfront"
    payout_account: PayoutAccount | None = None
    contact_email: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{3,190}$")] | None = None


class MerchantChange(Body):
    """`PATCH /v1/merchants/{id}`: what is named changes."""

    reason: Text200
    name: Text200 | None = None
    zone: Zone | None = None
    max_amount_minor: Limits | None = None
    categories: Categories | None = None
    cutoff: CutOff | None = None
    payout_mode: PayoutMode | None = None

    @model_validator(mode="after")
    def _something(self) -> MerchantChange:
        if self.model_fields_set <= {"reason"}:
            raise ValueError("nothing to change")
        return self


class StatusChange(Body):
    """`POST /v1/merchants/{id}/status`."""

    status: Literal["live", "suspended", "closed"]
    reason: Text200


class PayoutAccountChange(Body):
    """`POST /v1/merchants/{id}/payout-account`."""

    account: PayoutAccount
    reason: Text200


class KybRequest(Body):
    """`POST /v1/merchants/{id}/kyb`."""

    registration_number: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9 ./-]{4,32}$", description="In the country's register.")
    ]
    reason: Text200


class Reason(Body):
    """A command that needs no more than why."""

    reason: Text200


class ApiKeyRequest(Body):
    """`POST /v1/api-keys`."""

    name: Text64 | None = None
    scopes: Scopes | None = Field(default=None, description="Those of the calling key, if absent.")


class RotateRequest(Body):
    """`POST /v1/api-keys/{id}/rotate`."""

    overlap_s: Annotated[int, Field(ge=0, le=7 * 86_400, description="How long the old key stays good.")] = 86_400


class PayoutChangeView(Answer):
    """Another payout account that is not yet paid to."""

    status: Literal["proposed", "approved"]
    last4: str
    proposed_by: str
    approved_by: str | None
    effective_at: str | None = Field(description="48 hours after the approval.")


class KybView(Answer):
    """The last check of the business."""

    status: Literal["verified", "referred", "rejected"]
    reasons: list[str]
    number: str
    provider: str
    reference: str
    checked_at: str


class SettlementBasics(Answer):
    """How a merchant is paid."""

    cutoff: str
    payout_mode: PayoutMode
    payout_account_last4: str | None
    payout_change: PayoutChangeView | None


class MerchantView(Answer):
    """A merchant, as staff see it."""

    id: str
    object: Literal["merchant"]
    status: Literal["pending", "live", "suspended", "closed"]
    version: int
    name: str
    country: str
    zone: str
    currencies: list[str]
    max_amount_minor: dict[str, int]
    categories: list[Category]
    settlement: SettlementBasics
    kyb: KybView | None
    created_at: str


class ApiKeyView(Answer):
    """An API key; the secret only where it was just made."""

    id: str
    object: Literal["api_key"]
    name: str | None
    scopes: list[str]
    hint: str
    status: Literal["live", "expiring", "expired", "revoked"]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    rotated_to: str | None
    last_used_at: str | None = Field(
        description="When it last changed something, within the hour; a key that only reads is not seen."
    )


class NewApiKeyView(ApiKeyView):
    """A new API key."""

    secret: str | None = Field(description="Shown at creation and to a replay within ten minutes, then never.")


class NewMerchantView(MerchantView):
    """A new merchant with its first API key."""

    api_key: NewApiKeyView


class MerchantList(Answer):
    """A page of merchants, newest first."""

    data: list[MerchantView]
    next_cursor: str | None


class ApiKeyList(Answer):
    """All keys, the revoked ones too."""

    data: list[ApiKeyView]
    next_cursor: str | None
