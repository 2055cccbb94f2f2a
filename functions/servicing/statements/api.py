"""HTTP: a customer's statements and bill day."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import customer, ok, this_call
from functions.platform.web.operation import PAGING, Page, Query, speaks
from functions.servicing.statements import document_service, service
from functions.servicing.statements.present import present_statement
from functions.servicing.statements.schemas import BillDayRequest, BillDayView, StatementDocumentView, StatementView

blueprint = Blueprint(__name__)

_DOCUMENT = (
    Query("format", "pdf if absent.", {"type": "string", "enum": ["pdf", "html"]}),
    Query("language", "BCP 47; the customer's own if absent.", {"type": "string", "maxLength": 35}),
)


@blueprint.route("/v1/me/statements", methods=["GET"], authorizer=judge)
@customer()
@speaks(Page[StatementView], query=PAGING)
def list_statements() -> Response:
    """List one's own statements, newest first."""
    return ok(service.list_statements(this_call()))


@blueprint.route("/v1/me/statements/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(StatementView)
def get_statement(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read one's own statement."""
    return ok(present_statement(service.own_statement(id, this_call())))


@blueprint.route("/v1/me/statements/{id}/document", methods=["GET"], authorizer=judge)
@customer()
@speaks(StatementDocumentView, query=_DOCUMENT)
def print_statement(id: str) -> Response:  # noqa: A002
    """Get a link, good for five minutes, to one's own statement as a file."""
    return ok(document_service.print_statement(id, this_call()))


@blueprint.route("/v1/me/bill-day", methods=["PUT"], authorizer=judge)
@customer()
@speaks(BillDayView, body=BillDayRequest, command=False)
def set_bill_day() -> Response:
    """Choose the day of the month on which statements are cut."""
    body = BillDayRequest.parse(this_call())
    return ok(service.choose_bill_day(body.bill_day, body.currency, this_call()))
