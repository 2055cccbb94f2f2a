"""Authorizations, captures and refunds over HTTP (creation stands in the checkout slice, which knows quotes)."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.payments import capture_service, refund_service, service
from functions.payments.fulfilments import service as fulfilments
from functions.payments.fulfilments.schemas import FulfilmentRequest, FulfilmentView
from functions.payments.schemas import (
    AuthorizationView,
    CaptureRequest,
    CaptureView,
    EmptyRequest,
    ExtendRequest,
    RefundPreviewView,
    RefundRequest,
    RefundView,
)
from functions.platform.authorizer import judge
from functions.platform.web.http import created, merchant_scope, ok, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/authorizations", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(Page[AuthorizationView], query=(*PAGING, Query("reference", "Your order number.", {"type": "string"})))
def list_authorizations() -> Response:
    """List authorizations, newest first; `?reference=` finds the attempts at one order."""
    return ok(service.list_authorizations(this_call()))


@blueprint.route("/v1/authorizations/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(AuthorizationView)
def get_authorization(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read an authorization."""
    return ok(service.shown(service.load_own(id, this_call().who.id)))


@blueprint.route("/v1/authorizations/{id}/captures", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(CaptureView, status=201, body=CaptureRequest)
def create_capture(id: str) -> Response:  # noqa: A002
    """Turn part or all of an authorization into a plan."""
    body = CaptureRequest.parse(this_call())
    capture, replayed = capture_service.capture_authorization(
        id, body.amount_minor, final=body.final, sale=body.sale(), call=this_call()
    )
    return created(capture, replayed=replayed)


@blueprint.route("/v1/captures/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(CaptureView)
def get_capture(id: str) -> Response:  # noqa: A002
    """Read a capture."""
    return ok(capture_service.read_capture(id, this_call().who.id))


@blueprint.route("/v1/authorizations/{id}/void", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(AuthorizationView, body=EmptyRequest)
def void_authorization(id: str) -> Response:  # noqa: A002
    """Give back all that is not captured."""
    EmptyRequest.parse(this_call())
    authorization, replayed = service.void_authorization(id, this_call())
    return ok(authorization, replayed=replayed)


@blueprint.route("/v1/authorizations/{id}/extend", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(AuthorizationView, body=ExtendRequest)
def extend_authorization(id: str) -> Response:  # noqa: A002
    """Prolong the life once, up to the maximum of its scenario."""
    body = ExtendRequest.parse(this_call())
    authorization, replayed = service.extend_authorization(id, body.days, this_call())
    return ok(authorization, replayed=replayed)


@blueprint.route("/v1/captures/{id}/refunds", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(RefundView, status=201, body=RefundRequest)
def create_refund(id: str) -> Response:  # noqa: A002
    """Give back part or all of a capture; several parts are possible."""
    refund, replayed = refund_service.refund_capture(id, RefundRequest.parse(this_call()), this_call())
    return created(refund, replayed=replayed)


@blueprint.route("/v1/captures/{id}/refunds/preview", methods=["POST"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(RefundPreviewView, body=RefundRequest, command=False)
def preview_refund(id: str) -> Response:  # noqa: A002
    """See what a refund would do to each installment, to fees and to the line."""
    return ok(refund_service.preview_refund(id, RefundRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/captures/{id}/fulfilments", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(FulfilmentView, status=201, body=FulfilmentRequest)
def create_fulfilment(id: str) -> Response:  # noqa: A002
    """Report service rendered: what was held back for it is owed to you from now."""
    fulfilment, replayed = fulfilments.fulfil_capture(id, FulfilmentRequest.parse(this_call()), this_call())
    return created(fulfilment, replayed=replayed)


@blueprint.route("/v1/fulfilments/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(FulfilmentView)
def get_fulfilment(id: str) -> Response:  # noqa: A002
    """Read a fulfilment."""
    return ok(fulfilments.read_fulfilment(id, this_call().who.id))


@blueprint.route("/v1/refunds/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(RefundView)
def get_refund(id: str) -> Response:  # noqa: A002
    """Read a refund."""
    return ok(refund_service.read_refund(id, this_call().who.id))
