"""Answers of the portfolio."""

from __future__ import annotations

from typing import Any, Literal

from functions.platform.web.operation import Bps, Day, Instant, Minor, Query
from functions.platform.web.schema import Answer

Status = Literal["ok", "watch", "alarm", "no_value"]
_DAY = {"type": "string", "format": "date"}
CURRENCY = Query("currency", "ISO 4217; CNY if absent.", {"type": "string", "default": "CNY"})
ON = Query("on", "The snapshot of one day; the latest if absent.", _DAY)
HISTORY = (
    Query("indicator", "Its name.", {"type": "string"}),
    CURRENCY,
    Query("from", "First day; ninety days back if absent.", _DAY),
    Query("to", "Last day; today if absent.", _DAY),
)


class IndicatorView(Answer):
    """One indicator of risk."""

    name: str
    unit: Literal["minor", "bps", "count"]
    value: int | None
    status: Status
    watch: int | None
    alarm: int | None
    definition: str


class LayerView(Answer):
    """The indicators of one layer."""

    layer: Literal["applicant", "account", "transaction", "merchant", "portfolio"]
    indicators: list[IndicatorView]


class BucketView(Answer):
    """Active plans by how late they are."""

    bucket: Literal["current", "M1", "M2", "M3", "M4+"]
    plans: int
    outstanding_minor: Minor
    share_bps: Bps | None


class LossPointView(Answer):
    """What was lost of a vintage by an age, recoveries taken off."""

    months: int
    lost_bps: Bps | None


class VintageView(Answer):
    """The plans of one month."""

    month: str
    plans: int
    captured_minor: Minor
    outstanding_minor: Minor
    past_due_30_bps: Bps | None
    first_payment_default_bps: Bps | None
    loss_curve: list[LossPointView]


class PortfolioView(Answer):
    """One day's snapshot in one currency."""

    object: Literal["portfolio"]
    currency: str
    on: Day
    taken_at: Instant
    layers: list[LayerView]
    buckets: list[BucketView]
    vintages: list[VintageView]
    rolls: list[dict[str, Any]]
    merchants: list[dict[str, Any]]
    scenarios: list[dict[str, Any]]


class PointView(Answer):
    """An indicator on one day."""

    on: Day
    value: int | None
    status: Status


class HistoryView(Answer):
    """One indicator, day by day."""

    object: Literal["indicator_history"]
    currency: str
    indicator: str
    layer: Literal["applicant", "account", "transaction", "merchant", "portfolio"]
    unit: Literal["minor", "bps", "count"]
    definition: str
    data: list[PointView]
