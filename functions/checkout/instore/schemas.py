"""Bodies and answers of payments at a till and of merchant QR codes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from functions.checkout.schemas import AgreementView, Category, Place, PricedView
from functions.payments.schemas import DeclineView
from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, Currency, Reference, Text64

PaymentStatus = Literal[
    "approved", "declined", "awaiting_confirmation", "held", "captured", "partially_captured", "reversed", "expired"
]
Terminal = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="The till, as the shop calls it.")]


class PaymentRequest(Body):
    """`POST /v1/in-store/payments`."""

    code: Annotated[str, Field(max_length=40, description="The eighteen digits that the customer shows.")]
    amount_minor: AmountMinor
    currency: Currency
    terminal_id: Terminal
    reference: Reference
    product_id: Text64 | None = Field(default=None, description="A plan; if absent, the one that costs nothing.")
    category: Category | None = Field(default=None, description="Scenario; if absent, the merchant's first.")
    place: Place | None = Field(default=None, description="Where the till stands.")


class ConfirmRequest(Body):
    """`POST /v1/me/in-store/{reference}/confirm`."""

    merchant_id: Text64 | None = Field(default=None, description="Where two shops use one reference.")
    agreement_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Of the agreement that was shown; another one is not accepted."
    )
    assertion: dict[str, Any] | None = Field(
        default=None, description="Over the cap: the passkey's answer to `proof.options`, PublicKeyCredential.toJSON()."
    )


class QrRequest(Body):
    """`POST /v1/in-store/qr`."""

    kind: Literal["static", "dynamic"]
    currency: Currency
    amount_minor: AmountMinor | None = Field(default=None, description="Of a dynamic code; a static one has none.")
    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,25}$")] | None = None
    terminal_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,25}$")] | None = None
    city: Annotated[str, Field(pattern=r"^[A-Za-z0-9 .'-]{1,15}$")] | None = None
    scale: Annotated[int, Field(ge=1, le=20, description="Pixels of one module.")] = 6

    @model_validator(mode="after")
    def _amount_goes_with_kind(self) -> QrRequest:
        if (self.kind == "dynamic") != (self.amount_minor is not None):
            raise ValueError("a dynamic code has an amount, a static one has none")
        return self


class PaymentView(Answer):
    """A payment at a till."""

    object: Literal["in_store_payment"]
    reference: str
    status: PaymentStatus
    amount_minor: Minor | None = Field(description="Null for a payment that was reversed before it came.")
    currency: str | None
    terminal_id: str | None
    authorization_id: str
    product_id: str | None
    term_count: int | None
    capture_id: str | None
    refund_id: str | None = Field(description="Of the reversal, where the payment had been captured.")
    decline: DeclineView | None
    created_at: Instant
    due_at: Instant | None = Field(description="When it is captured, or declined if nobody says a word.")
    receipt: list[str] = Field(description="Lines of at most 40 characters for the till's printer.")


class ProofView(Answer):
    """What confirming takes beside being signed in."""

    required: bool
    options: dict[str, Any] | None = Field(description="For navigator.credentials.get, if a passkey has to sign.")


class AwaitedView(Answer):
    """A payment at a till as its customer sees it, with all that is accepted by confirming it."""

    object: Literal["in_store_confirmation"]
    reference: str
    status: PaymentStatus
    merchant_id: str
    merchant_name: str
    amount_minor: Minor
    currency: str
    created_at: Instant
    confirm_by: Instant | None
    proof: ProofView
    offer: PricedView
    agreement: AgreementView


class QrView(Answer):
    """A merchant's QR code."""

    object: Literal["qr"]
    kind: Literal["static", "dynamic"]
    payload: str = Field(description="EMVCo merchant-presented, with its checksum.")
    svg: str
    png_base64: str
