"""Bodies and answers of disputes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, Reference, Text200

DisputeKind = Literal[
    "not_received", "not_as_described", "unauthorized", "duplicate", "refund_not_processed", "merchant_insolvent"
]
EvidenceKind = Literal["delivery", "service", "communication", "refund", "identity", "policy", "other"]


class DisputeRequest(Body):
    """`POST /v1/me/plans/{id}/disputes`."""

    kind: DisputeKind
    amount_minor: AmountMinor | None = Field(default=None, description="Goods value contested; all of it, if absent.")


class EvidenceRequest(Body):
    """`POST /v1/disputes/{id}/evidence`: where the document is kept, never the document."""

    kind: EvidenceKind
    reference: Reference
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the document.")] | None = None


class DisputeDecision(Body):
    """`POST /v1/disputes/{id}/decide`."""

    outcome: Literal["won", "lost"] = Field(description="For the merchant.")
    reason: Text200


class EvidenceView(Answer):
    """One piece of evidence."""

    kind: EvidenceKind
    reference: str
    sha256: str | None
    at: Instant


class DisputeWork(Answer):
    """What the staff see beside it."""

    merchant_id: str
    customer_id: str
    proposed: Literal["won", "lost"] | None = Field(description="Waits for a second person to say the same.")
    proposed_by: str | None
    decided_by: list[str]
    reason: str | None


class DisputeView(Answer):
    """The customer's word against the merchant's."""

    id: str
    object: Literal["dispute"]
    status: Literal["opened", "evidence_due", "won", "lost", "accepted"]
    version: int
    kind: DisputeKind
    capture_id: str
    plan_id: str
    amount_minor: Minor
    currency: str
    evidence: list[EvidenceView]
    evidence_due_at: Instant
    refund_id: str | None = Field(description="Of kind dispute; where the customer got goods value back.")
    refunded_minor: Minor
    opened_at: Instant
    closed_at: Instant | None
    work: DisputeWork | None = Field(default=None, description="For staff alone.")
