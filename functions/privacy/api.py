"""A customer's own data: all of it, or none of it any more."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import customer, ok, this_call
from functions.platform.web.operation import speaks
from functions.privacy import erasure_service, export_service
from functions.privacy.schemas import ErasureView, ExportView

blueprint = Blueprint(__name__)


@blueprint.route("/v1/me/export", methods=["GET"], authorizer=judge)
@customer()
@speaks(ExportView)
def export_me() -> Response:
    """Everything known about the customer, as one document."""
    return ok(export_service.export(this_call()))


@blueprint.route("/v1/me", methods=["DELETE"], authorizer=judge)
@customer()
@speaks(ErasureView)
def erase_me() -> Response:
    """Forget the customer; refused while anything is owed either way."""
    return ok(erasure_service.erase(this_call()))
