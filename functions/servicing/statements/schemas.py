"""Bodies and answers of statements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.lending.products.plan_product import LATEST_BILL_DAY
from functions.platform.web.operation import Bps, Day, Instant, Minor
from functions.platform.web.schema import Answer, Body, Currency


class BillDayRequest(Body):
    """`PUT /v1/me/bill-day`."""

    bill_day: Annotated[int, Field(ge=1, le=LATEST_BILL_DAY, description="Day of the month, which every month has.")]
    currency: Currency = "CNY"


class BillDayView(Answer):
    """When statements are cut."""

    object: Literal["bill_day"]
    currency: str
    bill_day: int
    next_cut_on: Day | None = Field(description="None while there is nothing to bill.")


class StatementInstallmentView(Answer):
    """An installment to pay before the next cut."""

    number: int
    due_on: Day
    principal_minor: Minor
    fee_minor: Minor
    late_minor: Minor
    total_minor: Minor


class StatementPlanView(Answer):
    """What a statement says of one plan."""

    plan_id: str
    merchant_id: str
    product_id: str
    apr_bps: Bps
    outstanding_minor: Minor = Field(description="Principal and fee still to pay over its life.")
    due_minor: Minor
    minimum_minor: Minor
    installments: list[StatementInstallmentView]


class StatementView(Answer):
    """A month's figures over all plans of a currency, as they were at the cut."""

    id: str
    object: Literal["statement"]
    version: int
    issued_at: Instant
    currency: str
    bill_day: int
    cut_on: Day = Field(description="Where the customer is; the statement tells how things stood as the day began.")
    previous_cut_on: Day
    next_cut_on: Day
    due_on: Day | None = Field(description="First day on which anything of `due_minor` must be paid.")
    bill_minor: Minor = Field(description="Principal and fee outstanding, due or not.")
    paid_minor: Minor = Field(description="Collected on the plans since the cut before.")
    due_minor: Minor = Field(description="To pay before the next cut: past due, late charge and what falls due.")
    past_due_minor: Minor
    late_minor: Minor = Field(description="Late charge so far, part of `due_minor`; posted when it is paid.")
    minimum_minor: Minor = Field(description="To pay at least; `due_minor` where no product says less.")
    days_past_due: int
    months_late: int
    limit_minor: Minor
    credit_balance_minor: Minor
    apr_bps: Bps | None = Field(description="All-in annual rate of the open plans together, late charge included.")
    plans: list[StatementPlanView]


class StatementDocumentView(Answer):
    """Where a statement can be read as a file."""

    object: Literal["statement_document"]
    statement_id: str
    format: Literal["pdf", "html"]
    content_type: str
    language: str
    url: str = Field(description="Good until `expires_at`, for whoever has it.")
    expires_at: Instant
