"""Bodies of quotes, checkouts, authorizations and customer tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Bps, Day, Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, Currency, Reference, Text64, Text200

Category = Literal["electronics", "appliances", "education", "travel", "health"]
Channel = Literal["online", "in_store"]
SignedText = Annotated[str, Field(min_length=1, max_length=2048)]


class Education(Body):
    """Who learns what; you warrant it."""

    beneficiary: Literal["adult", "minor"] = "adult"
    programme: Literal["vocational", "other"] = "vocational"


class QuoteRequest(Body):
    """`POST /v1/quotes`."""

    amount_minor: AmountMinor
    currency: Currency
    category: Category
    channel: Channel = "online"
    education: Education = Field(default=Education(), description="With the category education alone.")
    customer_token: SignedText | None = None


class OrderLineBody(Body):
    """One line of an order."""

    name: Text200
    quantity: Annotated[int, Field(ge=1, le=10_000)] = 1
    unit_amount_minor: Annotated[int, Field(ge=-(10**12), le=10**12)]
    sku: Text64 | None = None


class Address(Body):
    """Where the goods go; sealed with the checkout's own key."""

    name: Text200 | None = None
    line1: Text200 | None = None
    line2: Text200 | None = None
    city: Text64 | None = None
    postal_code: Text64 | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    phone: Text64 | None = None


class Shipping(Body):
    """Cost of shipping, and to whom."""

    amount_minor: Annotated[int, Field(ge=0, le=10**12)] = 0
    address: Address | None = None


class CheckoutRequest(Body):
    """`POST /v1/checkouts`."""

    amount_minor: AmountMinor
    currency: Currency
    reference: Reference
    category: Category
    channel: Channel = "online"
    education: Education = Field(default=Education(), description="With the category education alone.")
    lines: Annotated[tuple[OrderLineBody, ...], Field(max_length=100, strict=False)] = ()
    shipping: Shipping | None = None
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,1000}$")] | None = None
    language: Literal["en", "zh"] | None = None


class Device(Body):
    """What the shopper holds in her hands; only a keyed hash of `id` is kept."""

    id: Annotated[str, Field(min_length=8, max_length=200, description="The same for the same device, of your making.")]
    tampered: Annotated[bool, Field(description="It is an emulator, or rooted.")] = False


class Place(Body):
    """Where the shopper is when she orders; kept as a cell about five kilometres wide, for the risk checks alone."""

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees, north positive.")]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, east positive.")]


class AuthorizationRequest(Body):
    """`POST /v1/authorizations`; what it tells beyond the order serves the risk checks, as hashes and a coarse cell."""

    quote: SignedText
    customer_token: SignedText
    reference: Reference
    device: Device | None = None
    shipping_address: Address | None = None
    place: Place | None = None


class MerchantTokenRequest(Body):
    """`POST /v1/me/merchant-tokens`."""

    merchant_id: Annotated[str, Field(max_length=64)]
    purpose: Literal["quote", "pay"]
    quote: SignedText | None = None
    currency: Currency | None = Field(
        default=None,
        description="Of the line to be quoted by; absent, the first that the merchant sells in and she has one in.",
    )
    agreement_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    device: Device | None = None
    instrument: Annotated[Text64, Field(description="What she will repay with, as repayments name it.")] | None = None
    place: Place | None = None
    language: Literal["en", "zh"] | None = None


class OfferRowView(Answer):
    """One payment of an offer."""

    number: int
    due_on: Day
    principal_minor: Minor
    fee_minor: Minor
    subsidy_minor: Minor
    total_minor: Minor
    balance_minor: Minor


class PricedView(Answer):
    """A plan, priced."""

    product_id: str
    product_version: int
    term_count: int
    schedule: list[OfferRowView]
    total_cost_minor: Minor
    fee_minor: Minor
    subsidy_minor: Minor
    apr_bps: Bps = Field(description="Nominal annual rate, basis points.")
    effective_apr_bps: Bps = Field(description="Annual rate with compounding, basis points.")


class OfferView(PricedView):
    """A plan that may be paid by, until it expires."""

    quote: str = Field(description="Signed; give it back to be paid by this plan.")
    expires_at: Instant


class QuoteView(Answer):
    """The plans an amount can be paid by."""

    object: Literal["quote"]
    amount_minor: Minor
    currency: str
    category: str
    channel: str
    personal: bool = Field(description="Whether the prices are this customer's own, and not the products' ceilings.")
    expires_at: Instant
    offers: list[OfferView]


class CheckoutLineView(Answer):
    """One line of an order."""

    name: str
    quantity: int
    unit_amount_minor: Minor
    sku: str | None = None


class CheckoutView(Answer):
    """An order waiting for the shopper."""

    id: str
    object: Literal["checkout"]
    status: Literal["open", "confirmed", "cancelled", "expired"]
    version: int
    url: str
    reference: str
    amount_minor: Minor
    currency: str
    category: str
    channel: str
    lines: list[CheckoutLineView]
    shipping_minor: Minor
    return_url: str | None
    authorization_id: str | None = Field(description="The last attempt to finance it; live once it is confirmed.")
    created_at: Instant
    expires_at: Instant


class AgreementView(Answer):
    """What the customer accepts by paying with the token."""

    hash: str = Field(description="SHA-256 of the document, hexadecimal.")
    version: int
    language: str
    document: str


class MerchantTokenView(Answer):
    """A customer's consent for one merchant."""

    object: Literal["merchant_token"]
    purpose: Literal["quote", "pay"]
    merchant_id: str
    customer_token: str
    expires_at: Instant
    amount_minor: Minor | None = None
    currency: str | None = None
    offer: PricedView | None = None
    agreement: AgreementView | None = None
