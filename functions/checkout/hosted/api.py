"""HTTP: the hosted checkout, for the customer's own eyes."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.checkout.hosted import begin_service, confirm_service, offers_service
from functions.checkout.hosted.schemas import (
    BeginRequest,
    BegunView,
    ConfirmedView,
    ConfirmRequest,
    OffersView,
    OwnCheckoutView,
)
from functions.platform.authorizer import judge
from functions.platform.web.http import customer, ok, this_call
from functions.platform.web.operation import Query, speaks

blueprint = Blueprint(__name__)

LANGUAGE = Query("language", "Of the sentences; the customer's own if absent.", {"type": "string", "maxLength": 35})


@blueprint.route("/v1/me/checkouts/{id}", methods=["GET"], authorizer=judge)
@customer()
@speaks(OwnCheckoutView)
def get_my_checkout(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Read an order that waits for the customer, or that she confirmed."""
    return ok(offers_service.show(id, this_call()))


@blueprint.route("/v1/me/checkouts/{id}/offers", methods=["GET"], authorizer=judge)
@customer()
@speaks(OffersView, query=(LANGUAGE,))
def list_my_offers(id: str) -> Response:  # noqa: A002
    """Read the plans she can pay it by, the one recommended, and why another is not offered."""
    return ok(offers_service.offers(id, this_call()))


@blueprint.route("/v1/checkouts/{id}/confirm/begin", methods=["POST"], authorizer=judge)
@customer()
@speaks(BegunView, body=BeginRequest, command=False)
def begin_confirmation(id: str) -> Response:  # noqa: A002
    """Show a plan with its agreement, and ask for the proof that confirming it takes."""
    return ok(begin_service.begin(id, BeginRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/checkouts/{id}/confirm", methods=["POST"], authorizer=judge)
@customer()
@speaks(ConfirmedView, body=ConfirmRequest)
def confirm_checkout(id: str) -> Response:  # noqa: A002
    """Confirm the order by the plan that was shown: approved, held or declined, in one call."""
    confirmed, replayed = confirm_service.confirm(id, ConfirmRequest.parse(this_call()), this_call())
    return ok(confirmed, replayed=replayed)
