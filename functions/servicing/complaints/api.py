"""HTTP: staff take down complaints and answer them."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import created, ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.servicing.complaints import service
from functions.servicing.complaints.schemas import ComplaintAnswer, ComplaintRequest, ComplaintView

blueprint = Blueprint(__name__)


@blueprint.route("/v1/complaints", methods=["POST"], authorizer=judge)
@staff("support")
@speaks(ComplaintView, status=201, body=ComplaintRequest)
def take_complaint() -> Response:
    """Take down what a customer complains about; the time for an answer begins."""
    item, replayed = service.take_complaint(ComplaintRequest.parse(this_call()), this_call())
    return created(item, replayed=replayed)


@blueprint.route("/v1/complaints", methods=["GET"], authorizer=judge)
@staff("support", reads=True)
@speaks(Page[ComplaintView], query=PAGING)
def list_complaints() -> Response:
    """List complaints, newest first, without their words."""
    return ok(service.list_complaints(this_call()))


@blueprint.route("/v1/complaints/{id}", methods=["GET"], authorizer=judge)
@staff("support", reads=True)
@speaks(ComplaintView)
def get_complaint(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one complaint with its words."""
    return ok(service.read_complaint(id))


@blueprint.route("/v1/complaints/{id}/answer", methods=["POST"], authorizer=judge)
@staff("support")
@speaks(ComplaintView, body=ComplaintAnswer)
def answer_complaint(id: str) -> Response:  # noqa: A002
    """Answer a complaint, once."""
    item, replayed = service.answer_complaint(id, ComplaintAnswer.parse(this_call()), this_call())
    return ok(item, replayed=replayed)
