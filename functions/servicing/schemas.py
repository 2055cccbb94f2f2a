"""Bodies and answers of servicing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from functions.core.clock import parse_instant
from functions.payments.schemas import InstallmentView
from functions.platform.web.operation import Bps, Day, Minor
from functions.platform.web.operation import Instant as InstantView
from functions.platform.web.schema import AmountMinor, Answer, Body, Currency, Text64


def _instant(text: str) -> str:
    parse_instant(text)
    return text


Instant = Annotated[
    str,
    Field(
        min_length=1, max_length=40, description="RFC 3339 with an offset.", json_schema_extra={"format": "date-time"}
    ),
    AfterValidator(_instant),
]


class ReminderPreference(Body):
    """How a customer wants to be reminded."""

    channel: Literal["email", "sms", "app"]
    enabled: bool


class ClockAdvance(Body):
    """Where the sandbox's clock shall go."""

    to: Instant

    @property
    def at(self) -> datetime:
        return parse_instant(self.to)


class ReminderPreferenceView(Answer):
    """How a customer is reminded."""

    channel: Literal["email", "sms", "app"]
    enabled: bool


class ClockView(Answer):
    """Where the sandbox's clock stands and where it is going."""

    object: Literal["test_clock"]
    status: Literal["idle", "advancing"]
    now: str
    wall: str
    target: str | None
    stops: int


Instrument = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Account or card; the one on file if absent.")
]
PlanStatus = Literal["active", "paid_off", "refunded", "charged_off"]


class RepaymentRequest(Body):
    """`POST /v1/me/repayments`."""

    amount_minor: AmountMinor
    currency: Currency
    intent: Literal["due", "prepay", "payoff"] = Field(
        default="due", description="What is due, oldest first; principal of one plan ahead; or closing one plan."
    )
    plan_id: Text64 | None = Field(
        default=None, description="Needed but for `due`, where it keeps the money to one plan."
    )
    mode: Literal["keep_term", "keep_payment"] | None = Field(
        default=None, description="Of `prepay`: lower installments (keep_term, the default), or fewer."
    )
    instrument: Instrument | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.intent != "due" and self.plan_id is None:
            raise ValueError(f"plan_id is needed for {self.intent}")
        if self.intent != "prepay" and self.mode is not None:
            raise ValueError("mode is of prepay only")
        return self


class AllocationView(Answer):
    """What of a repayment went to one plan."""

    plan_id: str
    amount_minor: Minor
    principal_minor: Minor
    fee_minor: Minor
    late_minor: Minor


class RepaymentView(Answer):
    """Money from a customer, and where it went."""

    id: str
    object: Literal["repayment"]
    status: Literal["pending", "received", "failed", "reversed"]
    version: int
    amount_minor: Minor
    currency: str
    intent: Literal["due", "prepay", "payoff"]
    plan_id: str | None
    mode: Literal["keep_term", "keep_payment"] | None
    value_on: Day = Field(description="The customer's day when they asked: what was late counts up to it.")
    provider_reference: str
    failure_code: str | None
    allocations: list[AllocationView]
    credit_balance_minor: Minor = Field(description="What was over, and is the customer's credit balance.")
    created_at: InstantView


class PlanView(Answer):
    """An installment agreement, as its customer sees it."""

    id: str
    object: Literal["plan"]
    status: PlanStatus
    version: int
    currency: str
    product_id: str
    merchant_id: str
    capture_id: str
    principal_minor: Minor
    outstanding_minor: Minor
    disputed_minor: Minor = Field(description="Under an open dispute: what it covers stands still.")
    fee_minor: Minor
    apr_bps: Bps
    start_on: Day
    created_at: InstantView
    schedule: list[InstallmentView]
    as_of_on: Day = Field(description="The customer's day for which the members below are told.")
    due_minor: Minor = Field(description="Due by today, late charge included.")
    late_minor: Minor
    days_past_due: int
    delinquency: Literal["current", "M1", "M2", "M3", "M4+"]
    next_due_on: Day | None
    next_due_minor: Minor
    deferrals_left: int
    replans_left: int


class AmendmentView(Answer):
    """A change of an agreement, as it was accepted."""

    hash: str = Field(description="SHA-256 of `document` in UTF-8, hex.")
    version: int
    language: Literal["en", "zh"]
    document: str
    asked_by: Literal["customer", "staff"]
    cost_minor: Minor = Field(description="What it costs more, or (below zero) less.")
    accepted_at: InstantView


class AgreementView(Answer):
    """What was agreed, word by word."""

    object: Literal["agreement"]
    plan_id: str
    hash: str = Field(description="SHA-256 of `document` in UTF-8, hex.")
    accepted_hash: str | None = Field(description="Of the document accepted at checkout, for the whole order.")
    version: int
    language: Literal["en", "zh"]
    document: str
    changes: list[AmendmentView] = Field(description="What was changed since, oldest first.")


class PayoffQuoteView(Answer):
    """What closes a plan on one day."""

    object: Literal["payoff_quote"]
    plan_id: str
    currency: str
    valid_on: Day
    principal_minor: Minor
    fee_minor: Minor
    late_minor: Minor
    total_minor: Minor
    saved_minor: Minor = Field(description="Fee that need not be paid any more.")
    credit_balance_minor: Minor
    quote: str = Field(description="Give it back to be sure to pay what was shown.")


class PayoffRequest(Body):
    """`POST /v1/me/plans/{id}/payoff`."""

    amount_minor: AmountMinor | None = Field(default=None, description="Today's quote if absent.")
    quote: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    instrument: Instrument | None = None


class CreditBalanceView(Answer):
    """Money of the customer's that we hold; it pays what falls due."""

    object: Literal["credit_balance"]
    currency: str
    balance_minor: Minor


class RailCallback(Body):
    """`POST /v1/rails/callbacks` as the sandbox's rail says it; a live rail's adapter reads the rail's own form."""

    reference: Annotated[str, Field(max_length=64, description="Ours, or empty.")]
    provider_reference: Text64
    status: Literal["pending", "confirmed", "failed", "reversed"]
    amount_minor: AmountMinor
    currency: Currency
    failure_code: Text64 | None = None
    memo: Annotated[str, Field(max_length=2048, description="As it was given with the collection.")] = ""


class RailCallbackView(Answer):
    """What the callback was about, and where that stands now."""

    object: Literal["rail_callback"]
    id: str
    status: Literal["pending", "received", "failed", "reversed", "unmatched", "unknown", "paid", "returned"]
