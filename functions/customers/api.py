"""HTTP: sign-up, sign-in, the customer's own data and consents, and a person's verdict on an identity."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from functions.core.clock import isoformat
from functions.customers import service, sign_in
from functions.customers.present import present, present_consents, present_profile
from functions.customers.schemas import (
    ChallengeView,
    CodeAnswer,
    CodeRequest,
    ConsentAnswers,
    ConsentsView,
    CustomerView,
    IdentityVerdict,
    NoBody,
    ProfileView,
    RefreshRequest,
    SignedIn,
    SignedOut,
    SignUp,
)
from functions.platform.authorizer import judge
from functions.platform.web.http import accepted, created, customer, ok, public, staff, this_call
from functions.platform.web.operation import speaks

blueprint = Blueprint(__name__)


def present_sign_in(signed_in: sign_in.SignIn) -> dict[str, Any]:
    """A session, as its holder receives it."""
    return {
        "customer_id": signed_in.customer_id,
        "access_token": signed_in.access_token,
        "token_type": "Bearer",
        "expires_at": isoformat(signed_in.expires_at),
        "refresh_token": signed_in.refresh_token,
        "refresh_expires_at": isoformat(signed_in.refresh_expires_at),
    }


@blueprint.route("/v1/customers", methods=["POST"])
@public()
@speaks(CustomerView, status=201, body=SignUp)
def create_customer() -> Response:
    """Sign up."""
    one, replayed = service.register(SignUp.parse(this_call()), this_call())
    return created(present(one), replayed=replayed)


@blueprint.route("/v1/customers/{id}/identity", methods=["POST"], authorizer=judge)
@staff("reviewer", "risk_admin")
@speaks(CustomerView, body=IdentityVerdict)
def decide_identity(id: str) -> Response:  # noqa: A002  the path variable's one name
    """Verify or refuse somebody whom the provider did not answer about."""
    body = IdentityVerdict.parse(this_call())
    one, replayed = service.decide_identity(id, body.reason, this_call(), accepted=body.decision == "verified")
    return ok(present(one), replayed=replayed)


@blueprint.route("/v1/sign-in/code", methods=["POST"])
@public()
@speaks(ChallengeView, status=202, body=CodeRequest, command=False)
def request_code() -> Response:
    """Ask for a one-time code."""
    challenge = sign_in.request_code(CodeRequest.parse(this_call()).phone)
    return accepted({"challenge_id": challenge.id, "expires_at": isoformat(challenge.expires_at)})


@blueprint.route("/v1/sign-in/verify", methods=["POST"])
@public()
@speaks(SignedIn, body=CodeAnswer, command=False)
def verify_code() -> Response:
    """Sign in with a one-time code."""
    body = CodeAnswer.parse(this_call())
    return ok(present_sign_in(sign_in.verify_code(body.challenge_id, body.code)))


@blueprint.route("/v1/sign-in/refresh", methods=["POST"])
@public()
@speaks(SignedIn, body=RefreshRequest, command=False)
def refresh() -> Response:
    """Exchange a refresh token, once."""
    return ok(present_sign_in(sign_in.refresh(RefreshRequest.parse(this_call()).refresh_token)))


@blueprint.route("/v1/sign-out", methods=["POST"], authorizer=judge)
@customer()
@speaks(SignedOut, body=NoBody, command=False)
def sign_out() -> Response:
    """End the session of the token."""
    NoBody.parse(this_call())
    sign_in.sign_out(this_call().who.session)
    return ok({"status": "signed_out"})


@blueprint.route("/v1/me", methods=["GET"], authorizer=judge)
@customer()
@speaks(ProfileView)
def read_me() -> Response:
    """The customer's own data."""
    return ok(present_profile(service.get_profile(this_call().who.id)))


@blueprint.route("/v1/me/identity-check", methods=["POST"], authorizer=judge)
@customer()
@speaks(CustomerView, body=NoBody)
def check_identity_again() -> Response:
    """Ask the identity provider again after it did not answer."""
    NoBody.parse(this_call())
    one, replayed = service.check_identity_again(this_call().who.id, this_call())
    return ok(present(one), replayed=replayed)


@blueprint.route("/v1/me/consents", methods=["GET"], authorizer=judge)
@customer()
@speaks(ConsentsView)
def read_consents() -> Response:
    """What the customer has agreed to."""
    return ok(present_consents(service.get_customer(this_call().who.id)))


@blueprint.route("/v1/me/consents", methods=["PUT"], authorizer=judge)
@customer()
@speaks(ConsentsView, body=ConsentAnswers, command=False)
def answer_consents() -> Response:
    """Give consents or take them back."""
    body = ConsentAnswers.parse(this_call())
    answers = {str(code): granted for code, granted in body.consents.items()}
    return ok(present_consents(service.answer_consents(this_call().who.id, answers, this_call())))
