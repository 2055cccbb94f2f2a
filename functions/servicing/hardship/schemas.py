"""Bodies and answers of deferrals and re-plans."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from functions.lending.products.schemas import DayText
from functions.payments.schemas import InstallmentView
from functions.platform.web.operation import Bps, Day, Minor
from functions.platform.web.schema import Answer, Body


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


DueDay = Annotated[DayText, AfterValidator(_day)]


class DeferralRequest(Body):
    """`POST /v1/me/plans/{id}/defer` and its preview."""

    days: Annotated[int, Field(ge=1, le=92, description="By how much the due days move.")]
    installments: Annotated[int, Field(ge=1, le=60, description="How many, from the next one on.")] = 1
    cost_minor: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The cost that was shown; refused if it is another by now."
    )


class DeferralPreviewView(Answer):
    """What moving due days costs and does."""

    object: Literal["deferral_preview"]
    plan_id: str
    cost_minor: Minor
    deferrals_left: int
    needs_staff: bool = Field(description="Further than a customer may move due days alone.")
    schedule_before: list[InstallmentView]
    schedule: list[InstallmentView]


class ReplanQuoteRequest(Body):
    """`POST /v1/me/plans/{id}/replan/preview`."""

    installments: Annotated[int, Field(ge=1, le=60, description="Over how many what is left is spread.")]
    first_due_on: DueDay | None = Field(
        default=None, description="The first new due day, at most 62 days away; the plan's next one if absent."
    )


class OutlookView(Answer):
    """What is left of a plan as its terms stand."""

    principal_minor: Minor
    fee_minor: Minor
    late_minor: Minor = Field(description="Due beside the installments; it is left as it is.")
    total_minor: Minor = Field(description="Principal and fee: what all installments come to.")
    installments: int
    next_due_on: Day = Field(description="Of the first installment not paid; it may have passed.")
    last_due_on: Day
    apr_bps: Bps | None = Field(description="Of what is left; null where all of it is due already.")


class ReplanQuoteView(Answer):
    """What a new term costs and does, with the document to accept."""

    object: Literal["replan_quote"]
    plan_id: str
    currency: str
    valid_on: Day
    installments: int
    first_due_on: Day
    cost_minor: Minor = Field(description="Fee after less fee before; below zero where it saves.")
    before: OutlookView
    after: OutlookView
    needs_staff: bool = Field(description="Longer or dearer than a customer may take alone.")
    replans_left: int
    schedule_before: list[InstallmentView]
    schedule: list[InstallmentView]
    agreement_hash: str = Field(description="SHA-256 of `document` in UTF-8, hex.")
    language: Literal["en", "zh"]
    document: str = Field(description="The agreement as it would be changed: show it before it is accepted.")
    quote: str


class ReplanRequest(Body):
    """`POST /v1/me/plans/{id}/replan`."""

    quote: Annotated[str, Field(min_length=1, max_length=2048, description="As it was shown.")]
    agreement_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the document that is accepted.")]
