"""Decisions over HTTP, for staff; the appeal, for applicants."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.credit.desk import service
from functions.credit.desk.schemas import (
    AppealRequest,
    ApprovalRequest,
    ClaimRequest,
    DecisionRecordView,
    DecisionView,
    RefusalRequest,
    ReplayRequest,
    ReplayView,
)
from functions.credit.schemas import ApplicationView
from functions.credit.service import present
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks

blueprint = Blueprint(__name__)

_QUEUE = Query("queue", "`people`: only what waits for a person.", {"type": "string", "enum": ["people"]})


@blueprint.route("/v1/credit-applications/{id}/appeal", methods=["POST"], authorizer=judge)
@customer()
@speaks(ApplicationView, status=201, body=AppealRequest)
def create_appeal(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Ask for a person to look again; within 30 days of a decline."""
    body = AppealRequest.parse(this_call())
    application, replayed = service.appeal(id, body.statement, this_call())
    return created(present(application), replayed=replayed)


@blueprint.route("/v1/decisions", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller", reads=True)
@speaks(Page[DecisionView], query=(*PAGING, _QUEUE))
def list_decisions() -> Response:
    """List credit decisions, newest first, or the queue of those that wait for a person, most urgent first."""
    return ok(service.list_decisions(this_call()))


@blueprint.route("/v1/decisions/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(DecisionRecordView)
def get_decision(id: str) -> Response:  # noqa: A002
    """Read a decision with its whole record."""
    return ok(service.read_decision(id))


@blueprint.route("/v1/decisions/{id}/replay", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin", "modeller")
@speaks(ReplayView, body=ReplayRequest, command=False)
def replay_decision(id: str) -> Response:  # noqa: A002
    """Make the decision again from its record; it must come out the same, byte for byte."""
    ReplayRequest.parse(this_call())
    return ok(service.replay_decision(id))


@blueprint.route("/v1/decisions/{id}/claim", methods=["POST"], authorizer=judge)
@staff("reviewer")
@speaks(DecisionView, body=ClaimRequest)
def claim_decision(id: str) -> Response:  # noqa: A002
    """Take a referral or an appeal."""
    ClaimRequest.parse(this_call())
    decision, replayed = service.claim_decision(id, this_call())
    return ok(decision, replayed=replayed)


@blueprint.route("/v1/decisions/{id}/approve", methods=["POST"], authorizer=judge)
@staff("reviewer")
@speaks(DecisionView, body=ApprovalRequest)
def approve_decision(id: str) -> Response:  # noqa: A002
    """Grant a limit, alone or, over the threshold, with a second person."""
    body = ApprovalRequest.parse(this_call())
    decision, replayed = service.approve_decision(id, body.limit_minor, body.reason, this_call())
    return ok(decision, replayed=replayed)


@blueprint.route("/v1/decisions/{id}/decline", methods=["POST"], authorizer=judge)
@staff("reviewer")
@speaks(DecisionView, body=RefusalRequest)
def decline_decision(id: str) -> Response:  # noqa: A002
    """Decline a referral or an appeal."""
    body = RefusalRequest.parse(this_call())
    decision, replayed = service.decline_decision(id, body.reason, this_call())
    return ok(decision, replayed=replayed)
