"""Bodies and answers of complaints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant
from functions.platform.web.schema import Answer, Body, Text64

Words = Annotated[str, Field(min_length=1, max_length=4000)]
Topic = Literal["fees", "decision", "collections", "privacy", "fraud", "merchant", "service", "other"]
Channel = Literal["phone", "email", "letter", "app", "regulator"]
Outcome = Literal["upheld", "partly_upheld", "rejected"]


class ComplaintRequest(Body):
    """`POST /v1/complaints`."""

    customer_id: Text64
    topic: Topic
    channel: Channel = Field(description="How it came.")
    text: Words = Field(description="The customer's own words; sealed, and gone when the customer is erased.")
    about: Text64 | None = Field(default=None, description="Id of the plan, repayment or other object it is about.")


class ComplaintAnswer(Body):
    """`POST /v1/complaints/{id}/answer`."""

    outcome: Outcome
    text: Words = Field(description="What the customer is told.")


class ComplaintView(Answer):
    """A complaint as staff see it; the words are in the single one only."""

    id: str
    object: Literal["complaint"]
    status: Literal["open", "answered"]
    version: int
    customer_id: str
    topic: Topic
    channel: Channel
    about: str | None
    received_at: Instant
    taken_by: str
    answer_by_on: Day
    overdue: bool = Field(description="Not answered, and the last day for it is over.")
    outcome: Outcome | None
    answered_at: Instant | None
    answered_by: str | None
    text: str | None = Field(description="None in lists, and when the customer was erased.")
    answer: str | None
