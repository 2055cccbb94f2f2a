"""Devices and payment codes over HTTP: what the customer's phone asks for."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from functions.checkout.codes import code_service, device_service
from functions.checkout.codes.schemas import CodeAliasView, CodeRequest, DeviceRequest, DeviceView, PaymentCodeView
from functions.platform.authorizer import judge
from functions.platform.web.http import created, customer, ok, this_call
from functions.platform.web.operation import Page, speaks

blueprint = Blueprint(__name__)


@blueprint.route("/v1/me/devices", methods=["POST"], authorizer=judge)
@customer()
@speaks(DeviceView, status=201, body=DeviceRequest)
def enrol_device() -> Response:
    """Let this phone make payment codes; its secret is told now and never again."""
    device, replayed = device_service.enrol_device(DeviceRequest.parse(this_call()), this_call())
    return created(device, replayed=replayed)


@blueprint.route("/v1/me/devices", methods=["GET"], authorizer=judge)
@customer()
@speaks(Page[DeviceView])
def list_devices() -> Response:
    """List the phones that may pay, with the aliases they show."""
    return ok(device_service.list_devices(this_call().who.id))


@blueprint.route("/v1/me/devices/{id}", methods=["DELETE"], authorizer=judge)
@customer()
@speaks(DeviceView)
def remove_device(id: str) -> Response:  # noqa: A002  the path's one variable name
    """Take a phone's right to pay away."""
    return ok(device_service.remove_device(id, this_call()))


@blueprint.route("/v1/me/payment-codes", methods=["POST"], authorizer=judge)
@customer()
@speaks(PaymentCodeView, status=201, body=CodeRequest)
def create_code() -> Response:
    """Make a code to show at a till, for a phone without the app."""
    return created(code_service.create_code(CodeRequest.parse(this_call()), this_call()))


@blueprint.route("/v1/me/payment-codes/renew-alias", methods=["POST"], authorizer=judge)
@customer()
@speaks(CodeAliasView, body=CodeRequest)
def renew_alias() -> Response:
    """Show shops another number from now on."""
    alias, replayed = code_service.renew_alias(CodeRequest.parse(this_call()), this_call())
    return ok(alias, replayed=replayed)
