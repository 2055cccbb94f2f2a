"""Bodies and answers of credit lines."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import MAX_AMOUNT_MINOR, AmountMinor, Answer, Body, Currency, DayBody, InstantBody

Words = Annotated[str, Field(min_length=1, max_length=500, description="Why, in the person's words.")]
Monthly = Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR, description="Integer minor units a month.")]


class AdjustRequest(Body):
    """`POST /v1/customers/{id}/credit-line/adjust`."""

    currency: Currency
    limit_minor: Annotated[AmountMinor, Field(description="The base limit wanted; a temporary limit lies on top.")]
    reason: Words


class LineCommand(Body):
    """A command on one line, with its reason."""

    currency: Currency
    reason: Words


class FreezeRequest(LineCommand):
    """`POST /v1/customers/{id}/credit-line/freeze`."""

    until: Annotated[InstantBody | None, Field(description="When it ends by itself.")] = None


class TemporaryRequest(LineCommand):
    """`POST /v1/customers/{id}/credit-line/temporary`."""

    extra_minor: AmountMinor
    until_on: Annotated[DayBody, Field(description="Last day, customer's calendar.")]


class ReviewRequest(Body):
    """`POST /v1/customers/{id}/credit-line/review`."""

    currency: Currency


class OwnFreezeRequest(Body):
    """`POST /v1/me/freeze`; without a currency, the only line."""

    currency: Currency | None = None


class IncomeRequest(Body):
    """`PUT /v1/me/income`: what is earned and spent now; it is checked before it counts."""

    currency: Currency
    income_minor: Annotated[Monthly, Field(gt=0, description="A month, after tax.")]
    expenses_minor: Annotated[Monthly, Field(description="A month, without debt service.")]
    debts_minor: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR, description="Owed elsewhere.")]


class IncomeView(Answer):
    """What counts from now on, and what came of it."""

    object: Literal["income"]
    currency: str
    status: Literal["verified", "not_verified", "unavailable"] = Field(
        description="Only verified income can raise a limit."
    )
    income_minor: Minor = Field(description="The figure that counts.")
    expenses_minor: Minor
    debts_minor: Minor
    limit_minor: Minor = Field(description="The line's limit now.")


class TemporaryLimitView(Answer):
    """A limit on top, for a while."""

    extra_minor: Minor
    until_on: Day


class LineChangeView(Answer):
    """Why a line changed."""

    kind: Literal["raise", "cut", "freeze", "lift", "temporary_start", "temporary_end"]
    code: str
    text_en: str
    text_zh: str
    before_minor: Minor
    after_minor: Minor
    by: Literal["policy", "staff", "risk_check", "customer"]
    changed_at: Instant


class CreditLineView(Answer):
    """A line: limit = available + held + outstanding."""

    object: Literal["credit_line"]
    currency: str
    status: Literal["active", "frozen", "closed"]
    version: int
    limit_minor: Minor
    available_minor: Minor
    held_minor: Minor
    outstanding_minor: Minor
    grade: Literal["A", "B", "C", "D", "E"]
    allowed_terms: list[int]
    frozen_reason: str | None
    frozen_until: Instant | None
    opened_at: Instant
    base_limit_minor: Minor = Field(description="Without the temporary limit.")
    temporary_limit: TemporaryLimitView | None
    raises_agreed: bool = Field(description="The customer agreed to limit raises.")
    changes: list[LineChangeView] = Field(description="The last twenty, newest first.")


class StaffLineChangeView(LineChangeView):
    """The same with its author and grounds."""

    by: str  # type: ignore[assignment]  # staff see who
    reason: str | None
    observed: dict[str, Any]
    model_version: str | None
    policy_hash: str | None
    request_id: str


class ProposalView(Answer):
    """A raise that waits for a second person."""

    limit_minor: Minor
    reason: str
    by: str
    proposed_at: Instant
    expires_at: Instant


class StaffCreditLineView(CreditLineView):
    """A line as staff see it."""

    customer_id: str
    statements: int
    on_time_streak: int
    proposal: ProposalView | None
    last_review: dict[str, Any] | None
    frozen_by: str | None
    changes: list[StaffLineChangeView]  # type: ignore[assignment]
