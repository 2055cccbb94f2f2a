"""Bodies and answers of the models' endpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.credit.models.artifacts import Managed
from functions.platform.web.operation import Instant
from functions.platform.web.schema import Answer, Body

Role = Literal["champion", "challenger", "former", "candidate"]


class ModelCommand(Body):
    """An act on a model, with its reason."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ModelRow(Answer):
    """A model of this package."""

    id: str = Field(description="Its version: the hash of its file.")
    object: Literal["model"]
    model: Managed
    role: Role
    released: bool = Field(description="The package's own release.")
    simulated: bool = Field(description="It learned from made-up people and is never promoted on a live stage.")
    sha256: str
    training_rows: int
    training_data_sha256: str
    auc: float | None = Field(description="Out of fold, on its own training sample.")
    brier: float | None


class ModelList(Answer):
    """All models, champions first."""

    data: list[ModelRow]
    next_cursor: None


class StepView(Answer):
    """One act of people on a model."""

    what: Literal["challenged", "withdrawn", "proposed", "promoted", "rolled_back"]
    version: str
    by: str
    reason: str
    at: Instant


class PromotionView(Answer):
    """A promotion that waits for a second person."""

    version: str
    by: str
    reason: str
    at: Instant


class ModelView(ModelRow):
    """A model with its card."""

    metrics: dict[str, Any]
    features: list[str]
    card: str | None = Field(description="MODEL_CARD.md.")
    proposal: PromotionView | None
    history: list[StepView]


class IndexView(Answer):
    """Stability index of one quantity."""

    name: str
    index: float
    verdict: Literal["stable", "watch", "alarm"]
    rows: int


class DriftReportView(Answer):
    """A whole week."""

    week: str
    rows: int
    alarms: list[str]
    quantities: list[IndexView]


class DriftView(Answer):
    """How far the people who are scored have moved from those of training."""

    id: str
    object: Literal["model_drift"]
    week: str = Field(description="ISO week, so far.")
    rows: int
    enough: bool = Field(description="Enough rows to mean something.")
    quantities: list[IndexView]
    reports: list[DriftReportView] = Field(description="Weekly, newest first.")


class ComparisonView(Answer):
    """A challenger beside the champion on the same cases: applications, reviewed rows, or orders."""

    id: str
    object: Literal["model_comparison"]
    champion: str
    cases: int
    enough: bool
    agreement: float | None
    matrix: list[dict[str, Any]]
    swapped_in: int
    swapped_out: int
    limit_minor: dict[str, int]
    mean_pd_portfolio: dict[str, float | None]
    stability_index: float | None
    scores: list[dict[str, int | None]] = Field(description="How many points each gave: up to an edge, from the last.")
    weeks: list[dict[str, Any]] = Field(description="Agreement and stability by ISO week, the latest first.")
    outcomes: dict[str, Any]


class MonitoringView(Answer):
    """Vintages and overrides of the portfolio."""

    object: Literal["credit_monitoring"]
    vintages: list[dict[str, Any]]
    overrides: list[dict[str, Any]]
