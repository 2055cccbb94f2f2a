"""Quotes, checkouts, customer tokens and the creation of authorizations over HTTP."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.checkout import authorize_service, checkout_service, quote_service, token_service
from functions.checkout.schemas import (
    AuthorizationRequest,
    CheckoutRequest,
    CheckoutView,
    MerchantTokenRequest,
    MerchantTokenView,
    QuoteRequest,
    QuoteView,
)
from functions.payments.schemas import AuthorizationView, EmptyRequest
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, merchant_scope, ok, this_call
from functions.platform.web.operation import PAGING, Page, speaks
from functions.risk.fraud.score import prove

prove()  # a container with a fraud model that was tampered with does not start
blueprint = Blueprint(__name__)


@blueprint.route("/v1/quotes", methods=["POST"], authorizer=judge)
@merchant_scope("quotes:write", "payments:write")
@speaks(QuoteView, body=QuoteRequest, command=False)
def create_quote() -> Response:
    """Price the plans for an amount; personal with a customer token."""
    return ok(quote_service.quote(QuoteRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/checkouts", methods=["POST"], authorizer=judge)
@merchant_scope("checkouts:write", "payments:write")
@speaks(CheckoutView, status=201, body=CheckoutRequest)
def create_checkout() -> Response:
    """Put an order before the shopper."""
    checkout, replayed = checkout_service.create_checkout(CheckoutRequest.parse(this_call()), this_call())
    return created(checkout, replayed=replayed)


@blueprint.route("/v1/checkouts", methods=["GET"], authorizer=judge)
@merchant_scope("checkouts:read", "checkouts:write", "payments:read", "payments:write")
@speaks(Page[CheckoutView], query=PAGING)
def list_checkouts() -> Response:
    """List checkouts, newest first."""
    return ok(checkout_service.list_checkouts(this_call()))


@blueprint.route("/v1/checkouts/{id}", methods=["GET"], authorizer=judge)
@merchant_scope("checkouts:read", "checkouts:write", "payments:read", "payments:write")
@speaks(CheckoutView)
def get_checkout(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read a checkout."""
    return ok(checkout_service.present(*checkout_service.read_checkout(id, this_call().who.id)))


@blueprint.route("/v1/checkouts/{id}/cancel", methods=["POST"], authorizer=judge)
@merchant_scope("checkouts:write", "payments:write")
@speaks(CheckoutView, body=EmptyRequest)
def cancel_checkout(id: str) -> Response:  # noqa: A002
    """Take an open order back."""
    EmptyRequest.parse(this_call())
    checkout, replayed = checkout_service.cancel_checkout(id, this_call())
    return ok(checkout, replayed=replayed)


@blueprint.route("/v1/authorizations", methods=["POST"], authorizer=judge)
@merchant_scope("payments:write")
@speaks(AuthorizationView, status=201, body=AuthorizationRequest)
def create_authorization() -> Response:
    """Ask for an order to be financed: approved, held or declined, in one call."""
    authorization, replayed = authorize_service.authorize(AuthorizationRequest.parse(this_call()), this_call())
    return created(authorization, replayed=replayed)


@blueprint.route("/v1/me/merchant-tokens", methods=["POST"], authorizer=judge)
@customer()
@speaks(MerchantTokenView, status=201, body=MerchantTokenRequest)
def create_merchant_token() -> Response:
    """Let one merchant quote personally, or pay by one quote."""
    token, replayed = token_service.create_merchant_token(MerchantTokenRequest.parse(this_call()), this_call())
    return created(token, replayed=replayed)
