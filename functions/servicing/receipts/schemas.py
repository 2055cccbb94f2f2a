"""Bodies and answers of unmatched receipts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from functions.platform.web.operation import Instant, Minor
from functions.platform.web.schema import Answer, Body, Text64, Text200


class AssignRequest(Body):
    """`POST /v1/unmatched-receipts/{id}/assign`."""

    customer_id: Text64
    plan_id: Text64 | None = Field(
        default=None, description="Keeps the money to one plan; what is due of any if absent."
    )
    reason: Text200


class ReceiptView(Answer):
    """Money on the rail that no repayment of ours asked for."""

    id: str
    object: Literal["unmatched_receipt"]
    status: Literal["unmatched", "assigned", "reversed"]
    version: int
    amount_minor: Minor
    currency: str
    provider_reference: str
    reference: str = Field(description="As the payer wrote it.")
    received_at: Instant
    customer_id: str | None
    repayment_id: str | None
    assigned_by: str | None
    reason: str | None
