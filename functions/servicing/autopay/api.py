"""HTTP: a customer's bank accounts and the mandate to collect what falls due."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, this_call
from functions.platform.web.operation import Query, speaks
from functions.servicing.autopay import instrument_service
from functions.servicing.autopay.schemas import (
    AutopayRequest,
    AutopayView,
    InstrumentRequest,
    InstrumentsView,
    InstrumentView,
)

blueprint = Blueprint(__name__)


@blueprint.route("/v1/me/instruments", methods=["POST"], authorizer=judge)
@customer()
@speaks(InstrumentView, status=201, body=InstrumentRequest)
def add_instrument() -> Response:
    """Add a bank account to pay from; its number is kept sealed and never shown again."""
    item, replayed = instrument_service.add_instrument(InstrumentRequest.parse(this_call()), this_call())
    return created(item, replayed=replayed)


@blueprint.route("/v1/me/instruments", methods=["GET"], authorizer=judge)
@customer()
@speaks(InstrumentsView)
def list_instruments() -> Response:
    """List one's own bank accounts."""
    return ok(instrument_service.list_instruments(this_call().who.id))


@blueprint.route("/v1/me/instruments/{id}", methods=["DELETE"], authorizer=judge)
@customer()
@speaks(InstrumentView)
def remove_instrument(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Forget a bank account that no mandate names."""
    return ok(instrument_service.remove_instrument(id, this_call()))


@blueprint.route("/v1/me/autopay", methods=["GET"], authorizer=judge)
@customer()
@speaks(AutopayView, query=(Query("currency", "CNY if absent.", {"type": "string"}),))
def read_autopay() -> Response:
    """Read one's own mandate."""
    return ok(instrument_service.read_autopay(this_call().who.id, this_call().query.get("currency", "CNY")))


@blueprint.route("/v1/me/autopay", methods=["PUT"], authorizer=judge)
@customer()
@speaks(AutopayView, body=AutopayRequest, command=False)
def set_autopay() -> Response:
    """Give or take back the mandate to collect what falls due, on its day, from an account."""
    return ok(instrument_service.set_autopay(AutopayRequest.parse(this_call()), this_call()))
