"""Bodies and answers of plan products."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from functions.platform.web.operation import Bps, Day, Instant, Minor
from functions.platform.web.schema import MAX_AMOUNT_MINOR, AmountMinor, Answer, Body, Currency, Text200

Grade = Literal["A", "B", "C", "D", "E"]
Category = Literal["electronics", "appliances", "education", "travel", "health"]
Channel = Literal["online", "in_store"]
Period = Literal["month", "14d", "30d"]
Residual = Literal["last", "first", "spread"]
DayText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra={"format": "date"})]


class PricingBody(Body):
    """How prices are counted; what they are stands beside it, by grade."""

    kind: Literal["none", "flat_monthly", "annual_rate"]
    day_count: Literal["30/360", "30E/360", "actual/365", "actual/360", "actual/actual-isda"] | None = Field(
        default=None, description="Of `annual_rate`."
    )


class PricesBody(Body):
    """The price of each grade: basis points a month for `flat_monthly`, a year for `annual_rate`, 0 for `none`."""

    pricing: PricingBody
    bps: Annotated[dict[Grade, Annotated[int, Field(ge=0, le=1_000_000)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _free_is_free(self) -> Self:
        if self.pricing.kind == "none" and any(self.bps.values()):
            raise ValueError("a product of kind none has no price but 0")
        return self


class DueBody(Body):
    """On which days installments fall due."""

    kind: Literal["order", "bill"]
    bill_day: Annotated[int, Field(ge=1, le=31)] | None = None
    due_day: Annotated[int, Field(ge=1, le=31)] | None = None


class RulesBody(Body):
    """How a plan lives; what is absent has the default. The law of the jurisdiction fixes the rest."""

    waterfall: Literal["late_first", "fee_first", "principal_first"] | None = None
    refund: Literal["pro_rata", "last_first", "next_first"] | None = None
    payoff: Literal["accrued", "all_remaining"] | None = None
    late_daily_bps: int | None = None
    grace_days: int | None = None
    late_cap_bps: int | None = None
    deferrals_max: int | None = None
    replans_max: int | None = None
    withdrawal_payment_days: int | None = None
    release_hold_days: int | None = None
    discount_bps: int | None = None
    discount_kept: bool | None = None
    on_collection: bool | None = None
    loss_share_bps: int | None = None


class ProductRequest(Body):
    """`POST /v1/products`: the next version of a product, or the first of a new one."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,23}$", description="The same for all versions.")]
    effective_from: Annotated[DayText, Field(description="First day it is offered; it ends the version before.")]
    effective_to: DayText | None = Field(default=None, description="First day it is no longer offered.")
    currency: Currency
    term_count: int
    period: Period = "month"
    subsidy_bps: int = 0
    residual: Residual = "last"
    due: DueBody | None = None
    prices: PricesBody
    categories: Annotated[tuple[Category, ...], Field(min_length=1, strict=False)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, strict=False)]
    min_amount_minor: AmountMinor
    max_amount_minor: Annotated[int, Field(gt=0, le=MAX_AMOUNT_MINOR)]
    minimum_bps: Annotated[
        int, Field(ge=0, le=10_000, description="Least part of what is due that a statement asks for; 0 for all.")
    ] = 0
    rules: RulesBody = RulesBody()
    jurisdiction: Annotated[str, Field(max_length=16, description="Of the shipped book, for example CN.")]
    reason: Text200

    def definition(self) -> dict[str, Any]:
        """In the form of the product book, without a version."""
        return self.model_dump(exclude={"reason"}, exclude_none=True, mode="json")


class ApprovalRequest(Body):
    """`POST /v1/products/{id}/approve`."""

    reason: Text200 | None = None


class ProductView(Answer):
    """One version of a plan product."""

    id: str = Field(description="Product and version, for example cny_12.v2.")
    object: Literal["product"]
    product_id: str
    version: int
    status: Literal["shipped", "proposed", "approved"]
    effective_from: Day
    effective_to: Day | None
    currency: str
    term_count: int
    period: Period
    subsidy_bps: Bps
    down_payment_bps: Bps
    residual: Residual
    due: dict[str, Any]
    prices: dict[str, Any]
    categories: list[Category]
    channels: list[Channel]
    min_amount_minor: Minor
    max_amount_minor: Minor
    minimum_bps: Bps
    rules: dict[str, Any]
    jurisdiction: dict[str, Any]
    highest_apr_bps: Bps = Field(description="Of the dearest plan, by the jurisdiction's method.")
    reason: str | None
    proposed_by: str | None
    proposed_at: Instant | None
    approved_by: str | None
    approved_at: Instant | None
