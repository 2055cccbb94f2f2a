"""Bodies of the hosted checkout, for the customer's eyes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.checkout.schemas import AgreementView, CheckoutLineView, Device, OfferView, Place, PricedView, SignedText
from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import Answer, Body

Method = Literal["passkey", "code"]


class BeginRequest(Body):
    """`POST /v1/checkouts/{id}/confirm/begin`."""

    quote: SignedText
    language: Literal["en", "zh"] | None = Field(
        default=None, description="Of the agreement; the customer's own if absent."
    )
    method: Method | None = Field(
        default=None, description="How to prove it; absent, whatever is needed. Asking is allowed where none is."
    )


class ConfirmRequest(Body):
    """`POST /v1/checkouts/{id}/confirm`."""

    quote: SignedText
    agreement_hash: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the agreement that `begin` showed.")
    ]
    assertion: dict[str, Any] | None = Field(
        default=None, description="`PublicKeyCredential.toJSON()` of the options that `begin` gave."
    )
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = Field(default=None, description="As sent by `begin`.")
    device: Device | None = None
    place: Place | None = None


class WhyView(Answer):
    """A reason: stable code, and a sentence in the customer's language."""

    code: str
    text: str


class OwnCheckoutView(Answer):
    """An order as the customer sees it who is asked to confirm it."""

    id: str
    object: Literal["checkout"]
    status: Literal["open", "confirmed", "cancelled", "expired"]
    merchant_name: str
    amount_minor: Minor
    currency: str
    channel: str
    lines: list[CheckoutLineView]
    shipping_minor: Minor
    return_url: str | None
    expires_at: Instant
    outcome: Literal["approved", "held", "declined"] | None = Field(
        description="What became of her last confirmation; null before it."
    )


class OwnOfferView(OfferView):
    """A plan at her own price, held against her own months."""

    installment_minor: Minor = Field(description="Its largest payment.")
    owed_minor: Minor = Field(description="What she owes already in the month in which both together are most.")
    affordable: bool | None = Field(description="Whether every month fits; null where her income is not known.")


class NotOfferedView(WhyView):
    """A plan in force that is not offered to her for this order."""

    product_id: str
    term_count: int


class RecommendationView(WhyView):
    """The plan that is recommended, or why none is."""

    product_id: str | None
    room_minor: Minor | None = Field(description="What installments may take of her disposable income a month.")


class StepUpView(Answer):
    """How strongly she has to confirm."""

    required: bool
    methods: list[Method] = Field(description="Those open to her, the preferred first; none: she needs a passkey.")


class OffersView(Answer):
    """The plans a customer can pay an order by, at her own price."""

    object: Literal["checkout_offers"]
    checkout: OwnCheckoutView
    offers: list[OwnOfferView]
    recommendation: RecommendationView | None = Field(description="Null where nothing is offered.")
    not_offered: list[NotOfferedView]
    unavailable: WhyView | None = Field(description="Why her line can't pay this order at all; null if it can.")
    step_up: StepUpView
    expires_at: Instant


class ProofView(Answer):
    """What she has to give with the confirmation."""

    required: bool
    method: Method | None = Field(description="Null where the session is enough.")
    options: dict[str, Any] | None = Field(
        description="For a passkey: `PublicKeyCredential.parseRequestOptionsFromJSON`."
    )


class BegunView(Answer):
    """A plan as shown, with its agreement and what confirming it takes."""

    object: Literal["confirmation_request"]
    checkout_id: str
    offer: PricedView
    agreement: AgreementView
    proof: ProofView
    expires_at: Instant


class ConfirmedView(Answer):
    """What became of a confirmation."""

    object: Literal["confirmation"]
    checkout_id: str
    status: Literal["approved", "held", "declined"]
    authorization_id: str
    amount_minor: Minor
    currency: str
    product_id: str
    why: WhyView
