"""Bodies and answers of collections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body

Bucket = Literal["M1", "M2", "M3", "M4+", "charged_off"]
ContactChannel = Literal["phone", "sms", "email", "letter"]
ContactOutcome = Literal["reached", "promised", "refused", "no_answer", "left_message", "sent"]
DayText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra={"format": "date"})]


class ContactRequest(Body):
    """`POST /v1/collections/{id}/contacts`."""

    channel: ContactChannel
    outcome: ContactOutcome


class PromiseRequest(Body):
    """`POST /v1/collections/{id}/promises`."""

    amount_minor: AmountMinor
    on: DayText = Field(description="Last day on which it is kept, at most 30 days ahead.")


class ContactView(Answer):
    """An attempt to reach the customer."""

    at: Instant
    channel: ContactChannel
    outcome: ContactOutcome
    by: str


class PromiseView(Answer):
    """What the customer promised to pay, and how that stands."""

    status: Literal["open", "kept", "broken"]
    amount_minor: Minor
    on: Day
    by: str


class CollectionView(Answer):
    """What is late of a customer in a currency, and what was done about it."""

    id: str
    object: Literal["collection_file"]
    version: int
    customer_id: str
    currency: str
    bucket: Literal["current", "M1", "M2", "M3", "M4+", "charged_off"]
    since_on: Day | None = Field(description="Oldest unpaid due day.")
    overdue_minor: Minor = Field(description="Late by the last look, late charge included; a charged-off debt whole.")
    charged_off_minor: Minor = Field(description="Of it, charged off and still claimed.")
    opened_at: Instant
    promise: PromiseView | None
    contacts: list[ContactView]
    next_call_at: Instant = Field(description="From when the customer may be called.")
    next_message_at: Instant = Field(description="From when the customer may be written to.")
