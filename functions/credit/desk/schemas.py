"""Bodies and answers of decisions and appeals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import AmountMinor, Answer, Body

Outcome = Literal["approved", "referred", "declined"]
Words = Annotated[str, Field(min_length=1, max_length=1000)]


class AppealRequest(Body):
    """`POST /v1/credit-applications/{id}/appeal`."""

    statement: Annotated[Words, Field(description="Why the decision is wrong, in the applicant's words.")]


class ClaimRequest(Body):
    """`POST /v1/decisions/{id}/claim`: needs no more than its path."""


class ReplayRequest(Body):
    """`POST /v1/decisions/{id}/replay`: needs no more than its path."""


class ApprovalRequest(Body):
    """`POST /v1/decisions/{id}/approve`."""

    limit_minor: Annotated[AmountMinor, Field(description="One of `carried_limits_minor`.")]
    reason: Words


class RefusalRequest(Body):
    """`POST /v1/decisions/{id}/decline`."""

    reason: Words


class VerdictView(Answer):
    """What a person decided or proposed."""

    outcome: Literal["approved", "declined"]
    limit_minor: Minor
    reason: str
    by: str


class WorkView(Answer):
    """A person's work on a decision."""

    kind: Literal["referral", "appeal"]
    status: Literal["open", "claimed", "proposed", "closed"]
    opened_at: Instant
    due_on: Day
    notice_due_on: Day = Field(description="Last day, by law, for telling the applicant: 30 days (12 CFR 1002.9).")
    late: Literal["overdue", "notice_due"] | None = Field(
        description="Set when the staff were alerted: after `due_on`; again five days before `notice_due_on`."
    )
    claimed_by: str | None
    proposal: VerdictView | None
    verdict: VerdictView | None


class DecisionView(Answer):
    """A credit decision as staff see it in a list."""

    id: str
    object: Literal["decision"]
    customer_id: str
    currency: str
    requested_limit_minor: Minor
    status: Outcome
    first_status: Outcome = Field(description="What the policy decided, before any person.")
    suggested_limit_minor: Minor = Field(description="What the score would carry; 0 if nothing.")
    granted_limit_minor: Minor
    reason_codes: list[str]
    model_version: str
    policy_hash: str
    record_sha256: str
    decided_at: Instant
    version: int
    work: WorkView | None


class DecisionRecordView(DecisionView):
    """A credit decision with the whole record it can be made again from."""

    carried_limits_minor: list[int] = Field(description="Limits that income and caps carry: what a person may grant.")
    statement: str | None = Field(description="The applicant's words, if there was an appeal.")
    record: dict[str, Any]


class ReplayView(Answer):
    """The decision was made again and came out the same, byte for byte."""

    id: str
    object: Literal["decision_replay"]
    identical: Literal[True]
    outcome: Outcome
    limit_minor: Minor
    model_version: str
    policy_hash: str
    record_sha256: str
