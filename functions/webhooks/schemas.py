"""Bodies and answers of webhook endpoints and events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from functions.platform.web.operation import Instant
from functions.platform.web.schema import Answer, Body, Text200

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        description="https, a public host. No redirect is followed.",
        json_schema_extra={"format": "uri"},
    ),
]
Pattern = Annotated[str, Field(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$", max_length=64)]
Patterns = Annotated[
    tuple[Pattern, ...],
    Field(min_length=1, max_length=40, strict=False, description="Types; `*` and `capture.*` take several."),
]


class EndpointRequest(Body):
    """`POST /v1/webhook-endpoints`."""

    url: Url
    events: Patterns = ("*",)
    description: Text200 | None = None


class EndpointChange(Body):
    """`PATCH /v1/webhook-endpoints/{id}`: what is named changes."""

    url: Url | None = None
    events: Patterns | None = None
    description: Text200 | None = None
    status: Literal["enabled", "disabled"] | None = None

    @model_validator(mode="after")
    def _something(self) -> EndpointChange:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        return self


class RotateSecretRequest(Body):
    """`POST /v1/webhook-endpoints/{id}/rotate`."""

    overlap_s: Annotated[int, Field(ge=0, le=7 * 86_400, description="How long the present secret signs too.")] = 86_400


class ReplayRequest(Body):
    """`POST /v1/events/{id}/replay`."""

    endpoint_id: str | None = Field(default=None, description="To this endpoint alone; to all enabled ones if absent.")


class HealthView(Answer):
    """How an endpoint has been doing."""

    state: Literal["untried", "healthy", "failing"]
    consecutive_failures: int
    last_success_at: Instant | None = Field(description="To the hour.")
    last_failure_at: Instant | None
    last_failure: str | None = Field(description="HTTP status, or a word: `timeout`, `address_refused`, …")


class EndpointView(Answer):
    """Where a merchant is told of events."""

    id: str
    object: Literal["webhook_endpoint"]
    version: int
    url: str
    events: list[str]
    description: str | None
    status: Literal["enabled", "disabled", "deleted"]
    disabled_reason: Literal["merchant", "gone", "failing"] | None
    health: HealthView
    former_secrets_until: list[Instant] = Field(description="Each former secret signs until then.")
    last_test_event_id: str | None
    created_at: Instant


class NewEndpointView(EndpointView):
    """An endpoint whose secret was just made."""

    secret: str | None = Field(description="`whsec_…`: shown now and to a replay within ten minutes, then never.")


class EndpointList(Answer):
    """All endpoints, in the order of their making."""

    data: list[EndpointView]
    next_cursor: str | None


class DeliveryView(Answer):
    """What became of an event at one endpoint."""

    endpoint_id: str
    status: Literal["pending", "delivered", "failed"]
    tries: int
    last_try_at: Instant | None
    last_status: int | None = Field(description="HTTP status of the last try, null where there was no answer.")
    last_problem: str | None = Field(description="Why there was no answer, or why it was given up.")
    last_took_ms: int | None
    next_try_at: Instant | None


class EventSummary(Answer):
    """An event as it is sent."""

    object: Literal["event"]
    id: str
    type: str
    version: int = Field(description="Of this type's payload.")
    object_id: str
    sequence: int = Field(description="Grows with every change of the object: drop what is not higher.")
    occurred_at: Instant
    request_id: str
    data: dict[str, Any]


class EventView(EventSummary):
    """An event, and what became of it at each endpoint."""

    deliveries: list[DeliveryView]
