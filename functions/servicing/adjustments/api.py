"""HTTP: staff waive late charge, give goodwill, and post by hand."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.servicing.adjustments import service
from functions.servicing.adjustments.schemas import AdjustmentRequest, AdjustmentView, DecisionRequest

blueprint = Blueprint(__name__)


@blueprint.route("/v1/adjustments", methods=["POST"], authorizer=judge)
@staff("support", "finance")
@speaks(AdjustmentView, status=201, body=AdjustmentRequest)
def create_adjustment() -> Response:
    """Make a correction; above what one person may do alone it waits for a second one."""
    item, replayed = service.propose(AdjustmentRequest.parse(this_call()), this_call())
    return created(item, replayed=replayed)


@blueprint.route("/v1/adjustments", methods=["GET"], authorizer=judge)
@staff("support", "finance", reads=True)
@speaks(Page[AdjustmentView], query=PAGING)
def list_adjustments() -> Response:
    """List corrections, newest first."""
    return ok(service.list_adjustments(this_call()))


@blueprint.route("/v1/adjustments/{id}", methods=["GET"], authorizer=judge)
@staff("support", "finance", reads=True)
@speaks(AdjustmentView)
def get_adjustment(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one correction."""
    return ok(service.read_adjustment(id))


@blueprint.route("/v1/adjustments/{id}/approve", methods=["POST"], authorizer=judge)
@staff("support", "finance")
@speaks(AdjustmentView, body=DecisionRequest)
def approve_adjustment(id: str) -> Response:  # noqa: A002
    """Let a proposed correction be made, as the second person."""
    item, replayed = service.approve(id, DecisionRequest.parse(this_call()), this_call())
    return ok(item, replayed=replayed)


@blueprint.route("/v1/adjustments/{id}/refuse", methods=["POST"], authorizer=judge)
@staff("support", "finance")
@speaks(AdjustmentView, body=DecisionRequest)
def refuse_adjustment(id: str) -> Response:  # noqa: A002
    """Refuse a proposed correction, or take one's own back."""
    item, replayed = service.refuse(id, DecisionRequest.parse(this_call()), this_call())
    return ok(item, replayed=replayed)
