"""Reviews and alerts over HTTP, for staff."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.payments.schemas import EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.risk.casework import alert_service, evidence_service, queue_service, review_service
from functions.risk.casework.cases import Verdict
from functions.risk.casework.present import present_alert, present_case
from functions.risk.casework.review_service import Said
from functions.risk.schemas import (
    ALERT_FILTERS,
    CASE_FILTERS,
    AlertView,
    CaseView,
    DecisionRequest,
    EvidenceView,
    ProposalRequest,
    ReopenRequest,
)

blueprint = Blueprint(__name__)


@blueprint.route("/v1/reviews", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(Page[CaseView], query=(*PAGING, *CASE_FILTERS))
def list_reviews() -> Response:
    """List open cases, most urgent first; closed ones and those of one party, newest first."""
    return ok(queue_service.list_reviews(this_call()))


@blueprint.route("/v1/reviews/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(CaseView)
def get_review(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a case with its evidence."""
    return ok(present_case(queue_service.read_case(id)))


@blueprint.route("/v1/reviews/{id}/evidence", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(EvidenceView)
def get_review_evidence(id: str) -> Response:  # noqa: A002
    """Read what is known about a case's orders, customer and merchant, and who is linked to whom."""
    return ok(evidence_service.read_evidence(id))


@blueprint.route("/v1/reviews/{id}/claim", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=EmptyRequest)
def claim_review(id: str) -> Response:  # noqa: A002
    """Take a case."""
    EmptyRequest.parse(this_call())
    case, replayed = review_service.claim(id, this_call())
    return ok(case, replayed=replayed)


@blueprint.route("/v1/reviews/{id}/release", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=EmptyRequest)
def release_review(id: str) -> Response:  # noqa: A002
    """Put a case back."""
    EmptyRequest.parse(this_call())
    case, replayed = review_service.release(id, this_call())
    return ok(case, replayed=replayed)


@blueprint.route("/v1/reviews/{id}/propose", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=ProposalRequest)
def propose_review(id: str) -> Response:  # noqa: A002
    """Ask a second person to confirm a decision."""
    body = ProposalRequest.parse(this_call())
    said = Said.of(Verdict(body.decision), body.outcome, body.reason, body.measures)
    case, replayed = review_service.propose(id, said, this_call())
    return ok(case, replayed=replayed)


@blueprint.route("/v1/reviews/{id}/approve", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=DecisionRequest)
def approve_review(id: str) -> Response:  # noqa: A002
    """Let the payment through."""
    return _decided(id, Verdict.APPROVE)


@blueprint.route("/v1/reviews/{id}/decline", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=DecisionRequest)
def decline_review(id: str) -> Response:  # noqa: A002
    """Stop the payment and let the line go."""
    return _decided(id, Verdict.DECLINE)


def _decided(case_id: str, verdict: Verdict) -> Response:
    body = DecisionRequest.parse(this_call())
    said = Said.of(verdict, body.outcome, body.reason, body.measures)
    case, replayed = review_service.decide(case_id, said, this_call())
    return ok(case, replayed=replayed)


@blueprint.route("/v1/reviews/{id}/escalate", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CaseView, body=EmptyRequest)
def escalate_review(id: str) -> Response:  # noqa: A002
    """Make a case more urgent."""
    EmptyRequest.parse(this_call())
    case, replayed = review_service.escalate(id, this_call())
    return ok(case, replayed=replayed)


@blueprint.route("/v1/reviews/{id}/reopen", methods=["POST"], authorizer=judge)
@staff("risk_admin")
@speaks(CaseView, body=ReopenRequest, status=201)
def reopen_review(id: str) -> Response:  # noqa: A002
    """Ask that a closed case be decided again, by two persons."""
    body = ReopenRequest.parse(this_call())
    case, replayed = review_service.reopen(id, body.reason, this_call())
    return created(case, replayed=replayed)


@blueprint.route("/v1/alerts", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(Page[AlertView], query=(*PAGING, *ALERT_FILTERS))
def list_alerts() -> Response:
    """List alerts, newest first."""
    return ok(alert_service.list_alerts(this_call()))


@blueprint.route("/v1/alerts/{id}", methods=["GET"], authorizer=judge)
@staff("reviewer", "risk_admin", reads=True)
@speaks(AlertView)
def get_alert(id: str) -> Response:  # noqa: A002
    """Read an alert."""
    return ok(present_alert(alert_service.read_alert(id)))


@blueprint.route("/v1/alerts/{id}/acknowledge", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(AlertView, body=EmptyRequest)
def acknowledge_alert(id: str) -> Response:  # noqa: A002
    """Say that a person has seen it."""
    EmptyRequest.parse(this_call())
    alert, replayed = alert_service.move(id, "acknowledge", this_call())
    return ok(alert, replayed=replayed)


@blueprint.route("/v1/alerts/{id}/resolve", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(AlertView, body=EmptyRequest)
def resolve_alert(id: str) -> Response:  # noqa: A002
    """Say that nothing is left to do."""
    EmptyRequest.parse(this_call())
    alert, replayed = alert_service.move(id, "resolve", this_call())
    return ok(alert, replayed=replayed)
