"""HTTP: webhook endpoints and events, for merchants."""

from __future__ import annotations

from datetime import timedelta

from chalice.app import Blueprint, Response

from functions.payments.schemas import EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import accepted, created, merchant_scope, ok, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.webhooks import endpoint_service, event_service
from functions.webhooks.endpoint_service import present
from functions.webhooks.schemas import (
    EndpointChange,
    EndpointList,
    EndpointRequest,
    EndpointView,
    EventSummary,
    EventView,
    NewEndpointView,
    ReplayRequest,
    RotateSecretRequest,
)

blueprint = Blueprint(__name__)


@blueprint.route("/v1/webhook-endpoints", methods=["POST"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(NewEndpointView, status=201, body=EndpointRequest)
def create_webhook_endpoint() -> Response:
    """Be told of events at a URL from now on."""
    shown = endpoint_service.create_endpoint(EndpointRequest.parse(this_call()), this_call())
    return created(present(shown.item) | {"secret": shown.secret}, replayed=shown.replayed)


@blueprint.route("/v1/webhook-endpoints", methods=["GET"], authorizer=judge)
@merchant_scope("webhooks:write", "events:read")
@speaks(EndpointList)
def list_webhook_endpoints() -> Response:
    """All endpoints and how they are doing."""
    found = endpoint_service.endpoints_of(this_call().who.id)
    return ok({"data": [present(item) for item in found], "next_cursor": None})


@blueprint.route("/v1/webhook-endpoints/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("webhooks:write", "events:read")
@speaks(EndpointView)
def get_webhook_endpoint(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read an endpoint."""
    return ok(present(endpoint_service.read_endpoint(id, this_call().who.id)))


@blueprint.route("/v1/webhook-endpoints/{id}", methods=["PATCH"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(EndpointView, body=EndpointChange, command=False)
def change_webhook_endpoint(id: str) -> Response:  # noqa: A002
    """Change URL, events or description; disable, or enable again with a clean record."""
    return ok(present(endpoint_service.change_endpoint(id, EndpointChange.parse(this_call()), this_call())))


@blueprint.route("/v1/webhook-endpoints/{id}", methods=["DELETE"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(EndpointView)
def delete_webhook_endpoint(id: str) -> Response:  # noqa: A002
    """Tell it nothing more."""
    return ok(present(endpoint_service.delete_endpoint(id, this_call())))


@blueprint.route("/v1/webhook-endpoints/{id}/rotate", methods=["POST"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(NewEndpointView, body=RotateSecretRequest)
def rotate_webhook_secret(id: str) -> Response:  # noqa: A002
    """Sign with a new secret; the present one signs too for the overlap."""
    overlap = timedelta(seconds=RotateSecretRequest.parse(this_call()).overlap_s)
    shown = endpoint_service.rotate_secret(id, overlap, this_call())
    return ok(present(shown.item) | {"secret": shown.secret}, replayed=shown.replayed)


@blueprint.route("/v1/webhook-endpoints/{id}/test", methods=["POST"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(EndpointView, status=202, body=EmptyRequest)
def test_webhook_endpoint(id: str) -> Response:  # noqa: A002
    """Send it a test event, which `last_test_event_id` names; tried once."""
    EmptyRequest.parse(this_call())
    shown = endpoint_service.ask_for_test(id, this_call())
    return accepted(present(shown.item), replayed=shown.replayed)


@blueprint.route("/v1/events", methods=["GET"], authorizer=judge)
@merchant_scope("events:read")
@speaks(Page[EventSummary], query=PAGING)
def list_events() -> Response:
    """Events of the last thirty days, newest first."""
    return ok(event_service.list_events(this_call()))


@blueprint.route("/v1/events/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("events:read")
@speaks(EventView)
def get_event(id: str) -> Response:  # noqa: A002
    """Read an event and what became of it at each endpoint."""
    return ok(event_service.read_event(id, this_call().who.id))


@blueprint.route("/v1/events/{id}/replay", methods=["POST"], authorizer=judge)
@merchant_scope("webhooks:write")
@speaks(EventView, status=202, body=ReplayRequest)
def replay_event(id: str) -> Response:  # noqa: A002
    """Send an event again, to one endpoint or to all that want it."""
    body = ReplayRequest.parse(this_call())
    event, replayed = event_service.replay_event(id, body.endpoint_id, this_call())
    return accepted(event, replayed=replayed)
