"""Bodies of reviews and alerts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from functions.platform.web.operation import Instant, Minor, Query
from functions.platform.web.schema import Answer, Body

Reason = Annotated[str, Field(max_length=500)]


Measure = Literal["step_up_next", "freeze_line", "cut_line", "block_payout"]
Severity = Literal["low", "medium", "high", "critical"]
About = Literal["authorization", "line", "merchant"]


_STATES = ["open", "claimed", "proposed", "closed"]
_SEVERITIES = ["low", "medium", "high", "critical"]
_PARTIES = (
    Query("customer_id", "Of one customer.", {"type": "string"}),
    Query("merchant_id", "Of one merchant.", {"type": "string"}),
)
CASE_FILTERS = (
    Query("status", "In one state; without it, what is open.", {"type": "string", "enum": _STATES}),
    Query(
        "kind",
        "What waits.",
        {"type": "string", "enum": ["held", "held_in_store", "suspended", "line", "merchant"]},
    ),
    Query("severity", "Of one severity.", {"type": "string", "enum": _SEVERITIES}),
    Query("about", "About what.", {"type": "string", "enum": ["authorization", "line", "merchant"]}),
    Query("claimed_by", "Taken by one person.", {"type": "string"}),
    *_PARTIES,
)
ALERT_FILTERS = (
    Query("status", "In one state.", {"type": "string", "enum": ["open", "acknowledged", "resolved"]}),
    Query("severity", "Of one severity.", {"type": "string", "enum": _SEVERITIES}),
    Query("kind", "What found it.", {"type": "string"}),
    *_PARTIES,
)


class ReopenRequest(Body):
    """`POST /v1/reviews/{id}/reopen`."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class DecisionRequest(Body):
    """`POST /v1/reviews/{id}/approve|decline`."""

    outcome: Literal["confirmed_fraud", "cleared", "inconclusive"] | None = None
    reason: Reason = ""
    measures: list[Measure] = Field(default_factory=list, max_length=4, description="What is done besides.")

    @model_validator(mode="after")
    def _one_for_the_line(self) -> Self:
        if {"freeze_line", "cut_line"} <= set(self.measures):
            raise ValueError("a line is frozen or cut, not both at once")
        return self


class ProposalRequest(DecisionRequest):
    """`POST /v1/reviews/{id}/propose`."""

    decision: Literal["approve", "decline"]


class ProposalView(Answer):
    """A decision that waits for a second person."""

    decision: Literal["approve", "decline"]
    by: str
    measures: list[Measure]


class CaseView(Answer):
    """A case with its evidence."""

    id: str
    object: Literal["case"]
    kind: str
    status: Literal["open", "claimed", "proposed", "closed"]
    version: int
    severity: Severity
    about: About
    authorization_id: str | None = Field(description="The first order that waits for the decision.")
    authorization_ids: list[str]
    merchant_id: str | None
    customer_id: str | None
    amount_minor: Minor
    currency: str
    reasons: list[dict[str, Any]]
    measures: list[str] = Field(description="What was done at once, until a person decides.")
    timeline: list[dict[str, Any]]
    claimed_by: str | None
    proposal: ProposalView | None
    outcome: Literal["confirmed_fraud", "cleared", "inconclusive", "expired"] | None
    decision: Literal["approve", "decline"] | None
    decided_by: list[str]
    reversal: bool
    escalated: bool
    second_person_needed: bool
    opened_at: Instant
    due_at: Instant
    expires_at: Instant


class AlertView(Answer):
    """Something the risk checks found."""

    id: str
    object: Literal["alert"]
    status: Literal["open", "acknowledged", "resolved"]
    version: int
    severity: Severity
    about: About
    kind: str
    authorization_id: str | None
    case_id: str | None
    suggested_action: str
    raised_at: Instant
    last_at: Instant
    count: int = Field(description="How often it was found again within the hour.")
    sent: bool = Field(description="It was told to merchant and staff; beyond five an hour it is only kept.")
    detected_after_ms: int
    rules: list[str]
    reasons: list[dict[str, Any]]
    customer_id: str | None
    merchant_id: str | None
    acknowledged_by: str | None


class LinkView(Answer):
    """A customer used a thing."""

    customer: str
    thing: str


class NodeView(Answer):
    """A customer, or a thing by its hash."""

    id: str
    kind: Literal["customer", "device", "address", "instrument"]


class GraphView(Answer):
    """Who is linked to whom, to be drawn."""

    nodes: list[NodeView]
    edges: list[LinkView]


class EvidenceView(Answer):
    """What is known about a case now."""

    object: Literal["case_evidence"]
    case_id: str
    orders: list[dict[str, Any]] = Field(description="Each with what its decision saw: signals, score, rules.")
    graph: GraphView
    past: list[dict[str, Any]] = Field(description="Earlier cases of the same customer or merchant.")
    customer: dict[str, Any] | None
    merchant: dict[str, Any] | None
