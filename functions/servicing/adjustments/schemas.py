"""Bodies and answers of adjustments."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from functions.platform.web.operation import Day, Instant, Minor
from functions.platform.web.schema import MAX_AMOUNT_MINOR, Answer, Body, Currency, Text64, Text200
from functions.servicing.hardship.schemas import DueDay

Slug = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$", description="Stable name of a house account.")]
Kind = Literal["waive_late", "goodwill", "manual_posting", "deferral", "replan"]
_FIELDS = {
    "waive_late": frozenset({"plan_id"}),
    "goodwill": frozenset({"customer_id"}),
    "manual_posting": frozenset({"debit", "credit"}),
    "deferral": frozenset({"plan_id", "days", "installments"}),
    "replan": frozenset({"plan_id", "installments", "first_due_on"}),
}


_CHOICES = ("plan_id", "customer_id", "debit", "credit", "days", "installments", "first_due_on")
_MAY_COST_NOTHING = frozenset({"deferral", "replan"})


class AdjustmentRequest(Body):
    """`POST /v1/adjustments`."""

    kind: Kind
    amount_minor: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_AMOUNT_MINOR,
            description="Of a deferral or re-plan, the cost that was shown; 0 where it costs none.",
        ),
    ]
    currency: Currency
    reason: Text200
    plan_id: Text64 | None = Field(default=None, description="Of `waive_late`, `deferral` and `replan`.")
    customer_id: Text64 | None = Field(default=None, description="Of `goodwill`: to whose credit.")
    debit: Slug | None = Field(default=None, description="Of `manual_posting`.")
    credit: Slug | None = Field(default=None, description="Of `manual_posting`.")
    days: Annotated[int, Field(ge=1, le=92)] | None = Field(default=None, description="Of `deferral`.")
    installments: Annotated[int, Field(ge=1, le=60)] | None = Field(
        default=None, description="Of `deferral`: how many move. Of `replan`: over how many what is left is spread."
    )
    first_due_on: DueDay | None = Field(default=None, description="Of `replan`: the first new due day.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = {name for name in _CHOICES if getattr(self, name) is not None}
        if given != _FIELDS[self.kind]:
            raise ValueError(f"{self.kind} takes {' and '.join(sorted(_FIELDS[self.kind]))}, and nothing else of these")
        if not self.amount_minor and self.kind not in _MAY_COST_NOTHING:
            raise ValueError("an amount is at least 1")
        return self


class DecisionRequest(Body):
    """`POST /v1/adjustments/{id}/approve` and `/refuse`."""

    reason: Text200


class AdjustmentView(Answer):
    """A correction, proposed or done."""

    id: str
    object: Literal["adjustment"]
    kind: Kind
    status: Literal["proposed", "applied", "refused"] = Field(
        description="`proposed` waits for a second person: above what one may do alone; always, by hand."
    )
    version: int
    amount_minor: Minor
    currency: str
    plan_id: str | None
    customer_id: str | None
    debit: str | None
    credit: str | None
    days: int | None
    installments: int | None
    first_due_on: Day | None
    reason: str
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    decision: str | None = Field(description="The second person's reason.")
