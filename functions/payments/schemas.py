"""Bodies and answers of authorizations and captures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from functions.payments.fulfilments.sale import Sale
from functions.platform.web.operation import Bps, Day, Instant, Minor
from functions.platform.web.schema import MAX_AMOUNT_MINOR, AmountMinor, Answer, Body, DayBody, Text64, Text200

AuthorizationStatus = Literal[
    "approved",
    "held",
    "declined",
    "partially_captured",
    "captured",
    "voided",
    "expired",
    "awaiting_down_payment",
    "awaiting_confirmation",
]


class ServiceTerms(Body):
    """Of a service: its days and its parts."""

    starts_on: DayBody | None = Field(default=None, description="First day: a departure, the first lesson.")
    ends_on: DayBody | None = Field(default=None, description="Last day; the holdback's backstop counts from it.")
    units: Annotated[int, Field(ge=1, le=1000)] | None = Field(default=None, description="Sessions or lessons.")


class CaptureRequest(Body):
    """`POST /v1/authorizations/{id}/captures`."""

    amount_minor: AmountMinor
    final: bool = Field(default=False, description="Give the rest back to the line.")
    service: ServiceTerms | None = Field(default=None, description="With education, travel and health alone.")
    serial_number: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = Field(
        default=None, description="Of a device, with electronics alone."
    )

    def sale(self) -> Sale:
        """What is said of the sale itself."""
        said = self.service or ServiceTerms()
        return Sale(said.starts_on, said.ends_on, said.units or 0, self.serial_number or "")


class RefundRequest(Body):
    """`POST /v1/captures/{id}/refunds` and its preview."""

    amount_minor: Annotated[int, Field(le=MAX_AMOUNT_MINOR)] | None = Field(
        default=None, description="Goods value, integer minor units."
    )
    by_rule: bool = Field(default=False, description="Instead: what the scenario's rule of return gives back today.")
    instrument: Text64 | None = Field(
        default=None,
        description="What you sent money back to yourself, if you did, as the customer names what she repays with; "
        "kept is only whether it is another one than the order's.",
    )
    reason: Text200 | None = Field(default=None, description="Yours; shown again, never to the customer.")

    @model_validator(mode="after")
    def _one_of_them(self) -> RefundRequest:
        if (self.amount_minor is None) != self.by_rule:
            raise ValueError("either amount_minor or by_rule")
        return self


class ExtendRequest(Body):
    """`POST /v1/authorizations/{id}/extend`."""

    days: Annotated[int, Field(ge=1, le=360)] | None = Field(
        default=None, description="By how many days; one more life of the scenario, if absent."
    )


class EmptyRequest(Body):
    """A command that needs no more than its path."""


class SuspensionView(Answer):
    """A risk check's hand on an authorization."""

    case_id: str
    since: Instant
    until: Instant


class DeclineView(Answer):
    """Why there is no promise, as far as a merchant may know."""

    code: Literal["not_available", "risk", "step_up_required", "not_confirmed", "reversed", "scenario_not_allowed"]
    url: str | None = Field(default=None, description="Where the customer confirms; with step_up_required only.")


class AuthorizationView(Answer):
    """A promise to finance an order."""

    id: str
    object: Literal["authorization"]
    status: AuthorizationStatus
    version: int
    reference: str
    attempt: int
    amount_minor: Minor
    currency: str
    captured_minor: Minor
    released_minor: Minor
    remaining_minor: Minor
    product_id: str
    category: str
    channel: str
    checkout_id: str | None = Field(default=None, description="The checkout it confirms, or is to be confirmed on.")
    captures: list[str]
    created_at: Instant
    expires_at: Instant
    extended: bool
    suspension: SuspensionView | None
    decline: DeclineView | None
    merchant_protected: bool = Field(description="Whether the lender bears fraud and credit loss of what is captured.")
    void_reason: str | None = None
    terminal_id: str | None = Field(default=None, description="Of a sale at a till only.")


class InstallmentView(Answer):
    """One due amount of a plan."""

    number: int
    due_on: Day
    principal_minor: Minor
    fee_minor: Minor
    subsidy_minor: Minor
    total_minor: Minor
    paid_minor: Minor


class ServiceView(Answer):
    """Of a service: its days and its parts."""

    starts_on: Day | None
    ends_on: Day | None
    units: int | None
    rendered_units: int


class CaptureView(Answer):
    """Part or all of an authorization that became debt, with its plan's installments."""

    id: str
    object: Literal["capture"]
    authorization_id: str
    plan_id: str
    version: int
    amount_minor: Minor
    refunded_minor: Minor
    refundable_minor: Minor
    currency: str
    product_id: str
    term_count: int
    apr_bps: Bps
    start_on: Day
    fulfilled_minor: Minor = Field(description="Goods value of service rendered.")
    holdback_minor: Minor = Field(description="Of what you are owed, what waits for the service.")
    backstop_on: Day | None = Field(description="From then on it is released without proof.")
    payout_blocked: bool = Field(description="While a dispute about it is open.")
    serial_number: str | None
    service: ServiceView | None
    created_at: Instant
    schedule: list[InstallmentView]


class RefundView(Answer):
    """Goods money that a merchant gave back."""

    id: str
    object: Literal["refund"]
    status: Literal["refunded"]
    version: int
    kind: Literal["refund", "reversal", "dispute"]
    capture_id: str
    plan_id: str
    amount_minor: Minor
    currency: str
    reason: str | None
    fee_returned_minor: Minor
    credited_minor: Minor = Field(description="Had been repaid: now the customer's credit balance.")
    line_released_minor: Minor
    remaining_minor: Minor = Field(description="What can still be refunded.")
    created_at: Instant


class ReturnRuleView(Answer):
    """What the scenario's rule gives the customer back today; you may give back more."""

    rule: Literal["return", "unused", "cancellation"]
    amount_minor: Minor
    until_on: Day | None


class RefundPreviewView(Answer):
    """What a refund would do to each installment, to fees and to the line."""

    object: Literal["refund_preview"]
    capture_id: str
    plan_id: str
    plan_status: Literal["active", "paid_off", "refunded", "charged_off"]
    amount_minor: Minor
    currency: str
    fee_returned_minor: Minor
    credited_minor: Minor
    line_released_minor: Minor
    remaining_minor: Minor
    by_rule: ReturnRuleView | None
    schedule_before: list[InstallmentView]
    schedule: list[InstallmentView]
