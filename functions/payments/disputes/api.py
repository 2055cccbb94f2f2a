"""Disputes over HTTP: the customer's, the merchant's and the staff's side."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.payments.disputes import service
from functions.payments.disputes.schemas import DisputeDecision, DisputeRequest, DisputeView, EvidenceRequest
from functions.payments.schemas import EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, merchant_or_staff, merchant_scope, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks

blueprint = Blueprint(__name__)

_SCOPES = ("payments:read", "payments:write")
_ROLES = ("support", "finance", "reviewer", "risk_admin")


@blueprint.route("/v1/me/plans/{id}/disputes", methods=["POST"], authorizer=judge)
@customer()
@speaks(DisputeView, status=201, body=DisputeRequest)
def open_dispute(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Contest the goods; what is contested stands still meanwhile."""
    dispute, replayed = service.open_dispute(id, DisputeRequest.parse(this_call()), this_call())
    return created(dispute, replayed=replayed)


@blueprint.route("/v1/me/plans/{id}/disputes", methods=["GET"], authorizer=judge)
@customer()
@speaks(Page[DisputeView], query=PAGING)
def list_my_disputes(id: str) -> Response:  # noqa: A002
    """List the disputes about one's own plan, newest first."""
    return ok(service.list_own(id, this_call()))


@blueprint.route("/v1/disputes", methods=["GET"], authorizer=judge)
@merchant_or_staff(_SCOPES, _ROLES)
@speaks(Page[DisputeView], query=PAGING)
def list_disputes() -> Response:
    """List disputes, newest first: a merchant's own, or all for staff."""
    return ok(service.list_disputes(this_call()))


@blueprint.route("/v1/disputes/{id}", methods=["GET"], authorizer=judge)
@merchant_or_staff(_SCOPES, _ROLES)
@speaks(DisputeView)
def get_dispute(id: str) -> Response:  # noqa: A002
    """Read a dispute."""
    return ok(service.show_dispute(id, this_call()))


@blueprint.route("/v1/disputes/{id}/evidence", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(DisputeView, body=EvidenceRequest)
def give_evidence(id: str) -> Response:  # noqa: A002
    """Contest a dispute by a piece of evidence, within ten days."""
    dispute, replayed = service.answer(id, EvidenceRequest.parse(this_call()), this_call())
    return ok(dispute, replayed=replayed)


@blueprint.route("/v1/disputes/{id}/accept", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(DisputeView, body=EmptyRequest)
def accept_dispute(id: str) -> Response:  # noqa: A002
    """Give in: the customer gets the contested goods value back."""
    EmptyRequest.parse(this_call())
    dispute, replayed = service.accept(id, this_call())
    return ok(dispute, replayed=replayed)


@blueprint.route("/v1/disputes/{id}/decide", methods=["POST"], authorizer=judge)
@staff("support", "finance")
@speaks(DisputeView, body=DisputeDecision)
def decide_dispute(id: str) -> Response:  # noqa: A002
    """Decide a dispute; above the threshold a second person must say the same."""
    dispute, replayed = service.decide(id, DisputeDecision.parse(this_call()), this_call())
    return ok(dispute, replayed=replayed)
