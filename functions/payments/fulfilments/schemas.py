"""Bodies and answers of fulfilments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body, DayBody, Reference

FulfilmentEvent = Literal["course_delivered", "session_rendered", "trip_completed", "service_rendered"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the document, which stays with you.")]


class Proof(Body):
    """Where the proof is kept; never the proof itself."""

    reference: Reference
    sha256: Sha256 | None = None


class FulfilmentRequest(Body):
    """`POST /v1/captures/{id}/fulfilments`."""

    event: FulfilmentEvent = Field(
        default="service_rendered",
        description="Or the scenario's own: of education a course, of travel a trip, of health a session.",
    )
    rendered_on: DayBody
    amount_minor: AmountMinor | None = Field(
        default=None, description="Goods value rendered, where the sale has no units; all the rest, if absent."
    )
    units: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="How many units more, where the sale has units; all the rest, if absent."
    )
    evidence: Proof


class ProofView(Answer):
    """Where the proof is kept."""

    reference: str
    sha256: str | None


class FulfilmentView(Answer):
    """Service rendered, and what that released of the holdback."""

    id: str
    object: Literal["fulfilment"]
    version: int
    capture_id: str
    event: FulfilmentEvent
    rendered_on: Day
    amount_minor: Minor = Field(description="Goods value rendered.")
    units: int | None
    released_minor: Minor = Field(description="Now owed to you.")
    holdback_minor: Minor = Field(description="Waits still.")
    currency: str
    evidence: ProofView
    created_at: Instant
