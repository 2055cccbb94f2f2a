"""Credit lines over HTTP: for their customers, and what staff do with them."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.credit.upkeep import line_desk, review
from functions.credit.upkeep.income import update_income
from functions.credit.upkeep.reading import my_line, staff_line
from functions.credit.upkeep.schemas import (
    AdjustRequest,
    CreditLineView,
    FreezeRequest,
    IncomeRequest,
    IncomeView,
    LineCommand,
    OwnFreezeRequest,
    ReviewRequest,
    StaffCreditLineView,
    TemporaryRequest,
)
from functions.credit.upkeep.values import TemporaryLimit
from functions.customers.service import get_customer
from functions.platform.authorizer import judge
from functions.platform.web.http import customer, ok, staff, this_call
from functions.platform.web.operation import Query, speaks

blueprint = Blueprint(__name__)

_CURRENCY = Query("currency", "Which line; needed where there are several.", {"type": "string"})


@blueprint.route("/v1/me/credit-line", methods=["GET"], authorizer=judge)
@customer()
@speaks(CreditLineView, query=(_CURRENCY,))
def get_credit_line() -> Response:
    """Read one's own line and why it changed."""
    return ok(my_line(get_customer(this_call().who.id), this_call().query.get("currency")))


@blueprint.route("/v1/me/freeze", methods=["POST"], authorizer=judge)
@customer()
@speaks(CreditLineView, body=OwnFreezeRequest)
def freeze_own_line() -> Response:
    """Freeze one's own line, for example after losing the phone; staff lift it."""
    body, who = OwnFreezeRequest.parse(this_call()), this_call().who.id
    staff_view, replayed = line_desk.freeze_own(who, body.currency, this_call())
    return ok(my_line(get_customer(who), staff_view["currency"]), replayed=replayed)


@blueprint.route("/v1/me/income", methods=["PUT"], authorizer=judge)
@customer()
@speaks(IncomeView, body=IncomeRequest, command=False)
def put_income() -> Response:
    """State what is earned and spent now; checked, counted, and the limit looked at with it."""
    return ok(update_income(this_call().who.id, IncomeRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/customers/{id}/credit-line", methods=["GET"], authorizer=judge)
@staff("support", "reviewer", "risk_admin", reads=True)
@speaks(StaffCreditLineView, query=(_CURRENCY,))
def get_customers_line(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a customer's line, who changed it, and what waits for a second person."""
    return ok(staff_line(get_customer(id), this_call().query.get("currency")))


@blueprint.route("/v1/customers/{id}/credit-line/adjust", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=AdjustRequest)
def adjust_line(id: str) -> Response:  # noqa: A002
    """Set the base limit; a large raise waits for a second person."""
    body = AdjustRequest.parse(this_call())
    line, replayed = line_desk.adjust(id, body.currency, body.limit_minor, body.reason, this_call())
    return ok(line, replayed=replayed)


@blueprint.route("/v1/customers/{id}/credit-line/confirm", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=LineCommand)
def confirm_line(id: str) -> Response:  # noqa: A002
    """Confirm a proposed raise, as the second person."""
    body = LineCommand.parse(this_call())
    line, replayed = line_desk.confirm(id, body.currency, body.reason, this_call())
    return ok(line, replayed=replayed)


@blueprint.route("/v1/customers/{id}/credit-line/freeze", methods=["POST"], authorizer=judge)
@staff("support", "reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=FreezeRequest)
def freeze_line(id: str) -> Response:  # noqa: A002
    """Freeze a line, until an instant or until someone lifts it."""
    body = FreezeRequest.parse(this_call())
    line, replayed = line_desk.freeze(id, body.currency, body.reason, body.until, this_call())
    return ok(line, replayed=replayed)


@blueprint.route("/v1/customers/{id}/credit-line/lift", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=LineCommand)
def lift_line(id: str) -> Response:  # noqa: A002
    """End a freeze."""
    body = LineCommand.parse(this_call())
    line, replayed = line_desk.lift(id, body.currency, body.reason, this_call())
    return ok(line, replayed=replayed)


@blueprint.route("/v1/customers/{id}/credit-line/temporary", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=TemporaryRequest)
def grant_temporary_limit(id: str) -> Response:  # noqa: A002
    """Add a temporary limit for a season; it ends by itself."""
    body = TemporaryRequest.parse(this_call())
    asked = TemporaryLimit(body.extra_minor, body.until_on)
    line, replayed = review.grant_extra(id, body.currency, asked, body.reason, this_call())
    return ok(line, replayed=replayed)


@blueprint.route("/v1/customers/{id}/credit-line/review", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(StaffCreditLineView, body=ReviewRequest)
def review_line(id: str) -> Response:  # noqa: A002
    """Score the behaviour now and apply what the policy says."""
    body = ReviewRequest.parse(this_call())
    line, replayed = review.review_on_demand(id, body.currency, this_call())
    return ok(line, replayed=replayed)
