"""Credit applications over HTTP."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.credit import service
from functions.credit.schemas import ApplicationRequest, ApplicationView
from functions.credit.scoring import prove_files
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, this_call
from functions.platform.web.operation import speaks

prove_files()  # a container with a model that was tampered with does not start
blueprint = Blueprint(__name__)


@blueprint.route("/v1/credit-applications", methods=["POST"], authorizer=judge)
@customer()
@speaks(ApplicationView, status=201, body=ApplicationRequest)
def create_credit_application() -> Response:
    """Be assessed; approved, referred or declined with reasons, in one call."""
    application, replayed = service.apply_for_line(ApplicationRequest.parse(this_call()), this_call())
    return created(application, replayed=replayed)


@blueprint.route("/v1/credit-applications/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(ApplicationView)
def get_credit_application(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one's own application."""
    return ok(service.read_application(id, this_call().who.id))
