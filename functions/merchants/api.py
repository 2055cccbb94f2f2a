"""HTTP: merchants for staff, API keys for merchants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalice.app import Blueprint, Response

from functions.core.clock import from_epoch_ms, isoformat
from functions.merchants import api_keys, kyb, kyb_service, payout_service, service
from functions.merchants.api_keys import NewKey
from functions.merchants.merchant import Merchant
from functions.merchants.schemas import (
    ApiKeyList,
    ApiKeyRequest,
    ApiKeyView,
    KybRequest,
    MerchantChange,
    MerchantList,
    MerchantRequest,
    MerchantView,
    NewApiKeyView,
    NewMerchantView,
    PayoutAccountChange,
    Reason,
    RotateRequest,
    StatusChange,
)
from functions.merchants.store import KeyEntryItem
from functions.platform.authorizer import judge
from functions.platform.container import container
from functions.platform.credentials import MERCHANT_SCOPES
from functions.platform.web.http import created, merchant_scope, ok, staff, this_call
from functions.platform.web.operation import PAGING, speaks

blueprint = Blueprint(__name__)


def present(one: Merchant, last4: str | None) -> dict[str, Any]:
    """A merchant, as staff see it."""
    return {
        "id": one.id,
        "object": "merchant",
        "status": one.status,
        "version": one.version,
        "name": one.name,
        "country": one.country,
        "zone": one.zone,
        "currencies": list(one.currencies),
        "max_amount_minor": dict(one.max_amount_minor),
        "categories": list(one.categories),
        "settlement": {
            "cutoff": one.cutoff,
            "payout_mode": one.payout_mode,
            "payout_account_last4": last4,
            "payout_change": _change(one),
        },
        "kyb": kyb.to_json(one.kyb) if one.kyb else None,
        "created_at": isoformat(one.created_at),
    }


def _change(one: Merchant) -> dict[str, Any] | None:
    change = one.payout_change
    if change is None:
        return None
    return {
        "status": change.status,
        "last4": change.last4,
        "proposed_by": change.proposed_by,
        "approved_by": change.approved_by,
        "effective_at": isoformat(change.effective_at) if change.effective_at else None,
    }


def present_key(entry: KeyEntryItem) -> dict[str, Any]:
    """An API key without its secret."""
    kind = "live" if container().settings.is_live else "test"
    return {
        "id": entry.key_id,
        "object": "api_key",
        "name": entry.name,
        "scopes": entry.scopes.split(),
        "hint": f"sk_{kind}_…{entry.hint}",
        "status": entry.status(container().clock.wall()),
        "created_at": _instant(entry.created_at_ms),
        "expires_at": _instant(entry.expires_at_ms),
        "revoked_at": _instant(entry.revoked_at_ms),
        "rotated_to": entry.successor,
        "last_used_at": _instant(entry.used_at_ms),
    }


def present_new_key(key: NewKey) -> dict[str, Any]:
    """An API key with its secret, where that may be shown."""
    return {**present_key(key.entry), "secret": key.secret}


def _instant(ms: int | None) -> str | None:
    return None if ms is None else isoformat(from_epoch_ms(ms))


@blueprint.route("/v1/merchants", methods=["POST"], authorizer=judge)
@staff("finance", "operator")
@speaks(NewMerchantView, status=201, body=MerchantRequest)
def create_merchant() -> Response:
    """Take a merchant on."""
    call, body = this_call(), MerchantRequest.parse(this_call())
    new = service.create_merchant_with_key(body, call.command(), request_id=call.request_id)
    last4 = body.payout_account.number[-4:] if body.payout_account else None
    view = present(new.merchant, last4) | {"api_key": present_new_key(new.key)}
    return created(view, replayed=new.replayed)


@blueprint.route("/v1/merchants", methods=["GET"], authorizer=judge)
@staff("finance", "operator", "support", "reviewer", "risk_admin", reads=True)
@speaks(MerchantList, query=PAGING)
def list_merchants() -> Response:
    """Merchants, newest first."""
    found, cursor = service.list_merchants(this_call())
    return ok({"data": [present(one, last4) for one, last4 in found], "next_cursor": cursor})


@blueprint.route("/v1/merchants/{id}", methods=["GET"], authorizer=judge)
@staff("finance", "operator", "support", "reviewer", "risk_admin", reads=True)
@speaks(MerchantView)
def read_merchant(id: str) -> Response:  # noqa: A002  the path variable's one name
    """One merchant."""
    return ok(present(*service.read_merchant(id)))


@blueprint.route("/v1/merchants/{id}", methods=["PATCH"], authorizer=judge)
@staff("finance", "operator")
@speaks(MerchantView, body=MerchantChange, command=False)
def change_merchant(id: str) -> Response:  # noqa: A002
    """Change what a merchant is or may do."""
    service.change_merchant(id, MerchantChange.parse(this_call()), this_call())
    return ok(present(*service.read_merchant(id)))


@blueprint.route("/v1/merchants/{id}/status", methods=["POST"], authorizer=judge)
@staff("finance", "operator", "risk_admin")
@speaks(MerchantView, body=StatusChange)
def change_status(id: str) -> Response:  # noqa: A002
    """Let a merchant sell, stop it, or close it."""
    body = StatusChange.parse(this_call())
    _, replayed = service.change_status(id, body.status, body.reason, this_call())
    return ok(present(*service.read_merchant(id)), replayed=replayed)


@blueprint.route("/v1/merchants/{id}/kyb", methods=["POST"], authorizer=judge)
@staff("operator", "risk_admin")
@speaks(MerchantView, body=KybRequest)
def check_business(id: str) -> Response:  # noqa: A002
    """Ask the register whether the business exists, is active and bears this name."""
    replayed = kyb_service.check_business(id, KybRequest.parse(this_call()), this_call())
    return ok(present(*service.read_merchant(id)), replayed=replayed)


@blueprint.route("/v1/merchants/{id}/payout-account", methods=["POST"], authorizer=judge)
@staff("finance", "operator")
@speaks(MerchantView, body=PayoutAccountChange)
def propose_payout_account(id: str) -> Response:  # noqa: A002
    """Propose another payout account."""
    replayed = payout_service.propose_account(id, PayoutAccountChange.parse(this_call()), this_call())
    return ok(present(*service.read_merchant(id)), replayed=replayed)


@blueprint.route("/v1/merchants/{id}/payout-account/approve", methods=["POST"], authorizer=judge)
@staff("finance", "operator")
@speaks(MerchantView, body=Reason)
def approve_payout_account(id: str) -> Response:  # noqa: A002
    """Approve it as the second person: the old contact is told, and it is paid to after 48 hours."""
    replayed = payout_service.approve_account(id, Reason.parse(this_call()).reason, this_call())
    return ok(present(*service.read_merchant(id)), replayed=replayed)


@blueprint.route("/v1/merchants/{id}/payout-account/cancel", methods=["POST"], authorizer=judge)
@staff("finance", "operator", "support", "risk_admin")
@speaks(MerchantView, body=Reason)
def cancel_payout_account(id: str) -> Response:  # noqa: A002
    """Keep the account there is."""
    replayed = payout_service.cancel_account(id, Reason.parse(this_call()).reason, this_call())
    return ok(present(*service.read_merchant(id)), replayed=replayed)


@blueprint.route("/v1/merchants/{id}/api-keys", methods=["POST"], authorizer=judge)
@staff("operator")
@speaks(NewApiKeyView, status=201, body=ApiKeyRequest)
def create_key_for(id: str) -> Response:  # noqa: A002
    """A key for a merchant that has lost its own."""
    body = ApiKeyRequest.parse(this_call())
    merchant, _ = service.read_merchant(id)
    key = api_keys.create_key(merchant.id, body.name, body.scopes or MERCHANT_SCOPES, this_call())
    return created(present_new_key(key), replayed=key.replayed)


@blueprint.route("/v1/api-keys", methods=["POST"], authorizer=judge)
@merchant_scope("keys:write")
@speaks(NewApiKeyView, status=201, body=ApiKeyRequest)
def create_key() -> Response:
    """Another key."""
    call, body = this_call(), ApiKeyRequest.parse(this_call())
    key = api_keys.create_key(call.who.id, body.name, body.scopes or sorted(call.who.scopes), call)
    return created(present_new_key(key), replayed=key.replayed)


@blueprint.route("/v1/api-keys", methods=["GET"], authorizer=judge)
@merchant_scope("keys:write")
@speaks(ApiKeyList)
def list_keys() -> Response:
    """All keys, the revoked ones too."""
    return ok({"data": [present_key(entry) for entry in api_keys.list_keys(this_call().who.id)], "next_cursor": None})


@blueprint.route("/v1/api-keys/{id}", methods=["DELETE"], authorizer=judge)
@merchant_scope("keys:write")
@speaks(ApiKeyView)
def revoke_key(id: str) -> Response:  # noqa: A002
    """End a key now."""
    return ok(present_key(api_keys.revoke_key(this_call().who.id, id, this_call())))


@blueprint.route("/v1/api-keys/{id}/rotate", methods=["POST"], authorizer=judge)
@merchant_scope("keys:write")
@speaks(NewApiKeyView, status=201, body=RotateRequest)
def rotate_key(id: str) -> Response:  # noqa: A002
    """Replace a key; the old one stays good for the overlap."""
    body = RotateRequest.parse(this_call())
    key = api_keys.rotate_key(this_call().who.id, id, timedelta(seconds=body.overlap_s), this_call())
    return created(present_new_key(key), replayed=key.replayed)
