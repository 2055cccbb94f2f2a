"""HTTP: a customer's credit balance going back to them."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, this_call
from functions.platform.web.operation import speaks
from functions.servicing.payouts import service
from functions.servicing.payouts.schemas import PayoutRequest, PayoutView

blueprint = Blueprint(__name__)


@blueprint.route("/v1/me/credit-balance/payout", methods=["POST"], authorizer=judge)
@customer()
@speaks(PayoutView, status=201, body=PayoutRequest)
def request_payout() -> Response:
    """Have one's own credit balance paid out; what is due is paid from it first."""
    item, replayed = service.request_payout(PayoutRequest.parse(this_call()), this_call())
    return created(item, replayed=replayed)


@blueprint.route("/v1/me/credit-balance/payouts/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(PayoutView)
def get_payout(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one's own payout."""
    return ok(service.read_payout(id, this_call()))
