"""HTTP: staff say whose unmatched money is."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import ok, staff, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.servicing.receipts import service
from functions.servicing.receipts.schemas import AssignRequest, ReceiptView

blueprint = Blueprint(__name__)


@blueprint.route("/v1/unmatched-receipts", methods=["GET"], authorizer=judge)
@staff("support", "finance", reads=True)
@speaks(Page[ReceiptView], query=PAGING)
def list_receipts() -> Response:
    """List money on the rail that nobody asked for, newest first."""
    return ok(service.list_receipts(this_call()))


@blueprint.route("/v1/unmatched-receipts/{id}", methods=["GET"], authorizer=judge)
@staff("support", "finance", reads=True)
@speaks(ReceiptView)
def get_receipt(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one receipt."""
    return ok(service.read_receipt(id))


@blueprint.route("/v1/unmatched-receipts/{id}/assign", methods=["POST"], authorizer=judge)
@staff("support", "finance")
@speaks(ReceiptView, body=AssignRequest)
def assign_receipt(id: str) -> Response:  # noqa: A002
    """Say whose money it is: it becomes a repayment of the day on which it came."""
    receipt, replayed = service.assign_receipt(id, AssignRequest.parse(this_call()), this_call())
    return ok(receipt, replayed=replayed)
