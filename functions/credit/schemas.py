"""Bodies of credit applications."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import MAX_AMOUNT_MINOR, AmountMinor, Answer, Body, Currency

Monthly = Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR, description="Integer minor units.")]


class ApplicationRequest(Body):
    """`POST /v1/credit-applications`: what the applicant states; what is not stated is missing, never zero."""

    currency: Currency
    requested_limit_minor: AmountMinor
    income_minor: Annotated[Monthly | None, Field(description="A month, after tax.")] = None
    expenses_minor: Annotated[Monthly | None, Field(description="A month, without debt service.")] = None
    assets_minor: Monthly | None = None
    debts_minor: Monthly | None = None
    housing: Literal["owner", "rent", "parents", "private", "ignore", "other"] | None = None
    job: Literal["fixed", "freelance", "partime", "others"] | None = None
    seniority_years: Annotated[float, Field(ge=0, le=80, allow_inf_nan=False)] | None = None
    order_price_minor: AmountMinor | None = None


class ReasonView(Answer):
    """One reason, with a stable code."""

    code: str
    text_en: str
    text_zh: str


class ApplicationView(Answer):
    """A decided application, as its customer sees it."""

    id: str
    object: Literal["credit_application"]
    status: Literal["approved", "referred", "declined"]
    currency: str
    limit_minor: Minor
    grade: Literal["A", "B", "C", "D", "E"] | None
    allowed_terms: list[int]
    reasons: list[ReasonView]
    model_version: str
    policy_hash: str
    decided_at: Instant
    decided_by: Literal["policy", "person"]
    appealed: bool
    answer_due_on: Day | None = Field(description="Last day for a person's answer, while one is asked.")
