"""HTTP: passkeys of customers."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.customers.api import present_sign_in
from functions.customers.passkeys import service
from functions.customers.passkeys.schemas import (
    CeremonyView,
    PasskeysView,
    PasskeyView,
    RegistrationAnswer,
    RegistrationRequest,
    RemovedView,
    SignInAnswer,
)
from functions.customers.schemas import NoBody, SignedIn
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, public, this_call
from functions.platform.web.operation import speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/passkeys/register/begin", methods=["POST"], authorizer=judge)
@customer()
@speaks(CeremonyView, body=RegistrationRequest, command=False)
def begin_registration() -> Response:
    """Begin to register a passkey; `proof_required` where the last code or passkey was given long ago."""
    return ok(service.begin_registration(RegistrationRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/passkeys/register/finish", methods=["POST"], authorizer=judge)
@customer()
@speaks(PasskeyView, status=201, body=RegistrationAnswer, command=False)
def finish_registration() -> Response:
    """Register the passkey that was made."""
    passkey = service.finish_registration(RegistrationAnswer.parse(this_call()), this_call())
    return created(service.present(passkey))


@blueprint.route("/v1/passkeys/authenticate/begin", methods=["POST"])
@public()
@speaks(CeremonyView, body=NoBody, command=False)
def begin_sign_in() -> Response:
    """Begin to sign in with a passkey."""
    NoBody.parse(this_call())
    return ok(service.begin_sign_in())


@blueprint.route("/v1/passkeys/authenticate/finish", methods=["POST"])
@public()
@speaks(SignedIn, body=SignInAnswer, command=False)
def finish_sign_in() -> Response:
    """Sign in with a passkey."""
    return ok(present_sign_in(service.finish_sign_in(SignInAnswer.parse(this_call()))))


@blueprint.route("/v1/me/passkeys", methods=["GET"], authorizer=judge)
@customer()
@speaks(PasskeysView)
def list_passkeys() -> Response:
    """List one's own passkeys."""
    return ok({"data": [service.present(each) for each in service.list_passkeys(this_call().who.id)]})


@blueprint.route("/v1/me/passkeys/{id}", methods=["DELETE"], authorizer=judge)
@customer()
@speaks(RemovedView)
def remove_passkey(id: str) -> Response:  # noqa: A002  the path variable's one name
    """Remove one of them."""
    removed = service.remove_passkey(id, this_call())
    return ok({"id": removed.passkey_id, "status": removed.status})
