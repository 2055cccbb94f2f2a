"""Payments at a till over HTTP: the shop's side, and the customer's phone that confirms."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.checkout.instore import confirm_service, payment_service, qr_service, sale_service
from functions.checkout.instore.schemas import (
    AwaitedView,
    ConfirmRequest,
    PaymentRequest,
    PaymentView,
    QrRequest,
    QrView,
)
from functions.payments.schemas import EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, merchant_scope, ok, this_call
from functions.platform.web.operation import Page, Query, speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/in-store/payments", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(PaymentView, status=201, body=PaymentRequest)
def create_payment() -> Response:
    """Take a payment by the code that the customer shows."""
    payment, replayed = payment_service.pay(PaymentRequest.parse(this_call()), this_call())
    return created(payment, replayed=replayed)


@blueprint.route("/v1/in-store/payments/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(PaymentView)
def get_payment(id: str) -> Response:  # noqa: A002  the path's one variable name; here it is the shop's reference
    """Read the latest payment under your reference; poll every 3 to 5 seconds while it waits."""
    return ok(sale_service.read_payment(id, this_call().who.id))


@blueprint.route("/v1/in-store/payments/{id}/complete", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(PaymentView, body=EmptyRequest)
def complete_payment(id: str) -> Response:  # noqa: A002
    """Capture an approved payment now."""
    EmptyRequest.parse(this_call())
    payment, replayed = sale_service.complete(id, this_call())
    return ok(payment, replayed=replayed)


@blueprint.route("/v1/in-store/payments/{id}/reverse", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(PaymentView, body=EmptyRequest)
def reverse_payment(id: str) -> Response:  # noqa: A002
    """Undo a payment; safe before it comes, instead of it, and after it until the settlement day ends."""
    EmptyRequest.parse(this_call())
    payment, replayed = sale_service.reverse(id, this_call())
    return ok(payment, replayed=replayed)


@blueprint.route("/v1/in-store/qr", methods=["POST"], authorizer=judge)
@merchant_scope("payments:read", "payments:write")
@speaks(QrView, body=QrRequest, command=False)
def make_qr() -> Response:
    """Draw your QR code, with an amount or without."""
    return ok(qr_service.make_qr(QrRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/me/in-store", methods=["GET"], authorizer=judge)
@customer()
@speaks(Page[AwaitedView])
def list_awaited() -> Response:
    """List the payments at a till that wait for you."""
    return ok(confirm_service.list_awaited(this_call().who.id))


_MERCHANT = Query("merchant_id", "Where two shops use one reference.", {"type": "string"})


@blueprint.route("/v1/me/in-store/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(AwaitedView, query=(_MERCHANT,))
def read_awaited(id: str) -> Response:  # noqa: A002
    """See what a payment at a till will cost, and the agreement, before you confirm."""
    return ok(confirm_service.read_awaited(id, this_call().who.id, this_call().query.get("merchant_id")))


@blueprint.route("/v1/me/in-store/{id}/confirm", methods=["POST"], authorizer=judge)
@customer()
@speaks(AwaitedView, body=ConfirmRequest)
def confirm_payment(id: str) -> Response:  # noqa: A002
    """Confirm a payment at a till."""
    sale, replayed = confirm_service.confirm(id, ConfirmRequest.parse(this_call()), this_call())
    return ok(sale, replayed=replayed)
