"""Bodies of rules, named lists and risk decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.platform.web.operation import Bps, Instant, Minor
from functions.platform.web.schema import Answer, Body, InstantBody, Text64

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class RuleRequest(Body):
    """`POST /v1/risk-rules`."""

    rule: Annotated[dict[str, Any], Field(description="In the grammar of functions/risk/rule_schema.json.")]
    reason: Reason


class RuleCommand(Body):
    """`POST /v1/risk-rules/{id}/validate|shadow|retire`."""

    reason: Annotated[str, Field(max_length=500)] = ""


class BacktestRequest(Body):
    """`POST /v1/risk-rules/{id}/backtest`."""

    days: Annotated[int, Field(ge=1, le=90)] = 30
    reviews_a_day: Annotated[int, Field(ge=1, le=1_000_000, description="What the reviewers can do.")] = 50


class CanaryRequest(RuleCommand):
    """`POST /v1/risk-rules/{id}/canary`."""

    share_bps: Annotated[int, Field(ge=1, le=9_999, description="Of customers, always the same ones.")]


class ActivateRequest(RuleCommand):
    """`POST /v1/risk-rules/{id}/activate`."""

    until: InstantBody | None = None


class SnoozeRequest(Body):
    """`POST /v1/risk-rules/{id}/snooze`."""

    reason: Reason
    until: InstantBody


class OverlapView(Answer):
    """How much another rule says the same."""

    hits: int
    jaccard_bps: Bps


class BacktestView(Answer):
    """What a rule would have done."""

    since: Instant
    until: Instant
    decisions: int
    hits: int
    unknown: int
    labelled_hits: int
    fraud_hits: int
    precision_bps: Bps | None
    good_hits_bps: Bps | None
    value_caught_minor: Minor
    value_caught_bps: Bps | None
    marginal_value_minor: Minor
    alerts_a_day: int = Field(description="In hundredths.")
    capacity_bps: Bps
    reviews_a_day: int
    unknown_signals: dict[str, int]
    overlap: dict[str, OverlapView]
    unreadable: int = Field(description="Decisions whose rule set or record is in a language no longer spoken.")
    cut: bool = Field(description="There were more decisions than a backtest looks at.")


class RuleView(Answer):
    """A version of a rule."""

    id: str
    object: Literal["risk_rule"]
    name: str
    rule_version: int
    version: int
    status: Literal["draft", "validated", "backtested", "shadow", "canary", "live", "snoozed", "retired"]
    stage: Literal["sync", "stream"] = Field(alias="pass")
    title: str
    reason_code: str
    outcome: Literal["approve", "step_up", "hold", "decline"] | None
    rule: dict[str, Any]
    signals: list[str]
    author: str
    approved_by: str | None
    share_bps: Bps
    until: Instant | None
    backtest: BacktestView | None
    history: list[dict[str, Any]]
    created_at: Instant | None


class ListAddRequest(Body):
    """`POST /v1/risk-lists/{id}/add`."""

    value: Text64
    reason: Reason
    until: InstantBody | None = None


class ListRemoveRequest(Body):
    """`POST /v1/risk-lists/{id}/remove`."""

    value: Text64
    reason: Reason


class ListView(Answer):
    """A named list."""

    id: str
    object: Literal["risk_list"]
    of: Literal["customer", "device", "address", "instrument", "merchant"]
    entries: int


class ListsView(Answer):
    """Every named list."""

    data: list[ListView]


class EntryView(Answer):
    """Someone or something that stands, or stood, on a list."""

    object: Literal["risk_list_entry"]
    list_id: str
    value: str
    status: Literal["on", "off", "expired"]
    version: int
    reason: str
    by: str
    until: Instant | None
    changed_at: Instant
    history: list[dict[str, Any]]


class RuleSaidView(Answer):
    """What one rule said."""

    rule: str
    title: str
    mode: Literal["shadow", "canary", "live", "snoozed"]
    said: Literal["no", "yes", "unknown", "not run"]
    outcome: Literal["approve", "step_up", "hold", "decline"]
    why: list[str]


class FraudReasonView(Answer):
    """Why the fraud score is high."""

    code: str
    text_en: str
    text_zh: str
    contribution: float


class ScoreView(Answer):
    """What the fraud model said."""

    model_version: str
    score_bps: Bps
    inputs: dict[str, float]
    contributions: dict[str, float]
    reasons: list[FraudReasonView]


class RiskDecisionView(Answer):
    """Why the risk checks decided as they did: the stored record, explained by the very rules and model."""

    id: str
    object: Literal["risk_decision"]
    decided_at: Instant
    outcome: Literal["approve", "step_up", "hold", "decline"]
    trusted: bool
    blocked: bool
    ruleset: str
    signals: dict[str, Any]
    rules: list[RuleSaidView]
    score: ScoreView | None


class ReplayView(Answer):
    """The stored decision made again from its record."""

    id: str
    object: Literal["risk_decision_replay"]
    identical: bool
    ruleset: str
    model_version: str | None
    differences: list[str] = Field(description="What came out otherwise; empty when identical.")
