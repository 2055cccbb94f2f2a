"""The customer's side of a sale at a till: see what waits, and say yes."""

from __future__ import annotations

from typing import Any, Final

from functions.checkout.instore.agreement import agreement_of, offer_of, plan_agreed
from functions.checkout.instore.awaited_store import awaited_ids
from functions.checkout.instore.present import present_payment
from functions.checkout.instore.proof import ask, require_proof
from functions.checkout.instore.schemas import ConfirmRequest
from functions.checkout.quote_service import present_offer
from functions.checkout.token_service import AgreementChangedError
from functions.core.errors import ConflictError, NotFoundError, UnavailableError
from functions.merchants.service import get_merchant
from functions.payments import till
from functions.payments.authorization import AuthorizationStateError, Status
from functions.payments.service import due_of, load_many
from functions.payments.store import AuthorizationItem, to_value
from functions.payments.till_service import plan_confirmed
from functions.platform.container import container
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.pagination import page

_TRIES: Final = 4


class ConfirmationOverError(ConflictError):
    code, title = "confirmation_over", "The payment waited too long, and has been declined"


class SeveralSalesError(ConflictError):
    code, title = "several_sales", "Two shops use this reference; name the merchant"


def list_awaited(customer_id: str) -> dict[str, Any]:
    """What waits for the customer now."""
    found = load_many(awaited_ids(customer_id), consistent=True)
    return page([item for item in found if _waits(item)], None, present_awaited)


def read_awaited(reference: str, customer_id: str, merchant_id: str | None) -> dict[str, Any]:
    """A sale of the last day that asked for the customer's phone.

    Raises:
        NotFoundError: None under this reference.
        SeveralSalesError: More than one waits.
    """
    return present_awaited(_find(reference, customer_id, merchant_id))


def confirm(reference: str, body: ConfirmRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Say yes to a sale, and accept its agreement.

    Returns:
        The sale, and whether this command was done before.

    Raises:
        NotFoundError, SeveralSalesError: See `read_awaited`.
        AuthorizationSuspendedError: A person looks at it.
        ConfirmationOverError: Its three minutes are over.
        AuthorizationStateError: It does not wait any more.
        AgreementChangedError: Another agreement was shown.
        PasskeyRequiredError, PasskeyRefusedError: Over the cap, without her passkey's signature on this very sale.
    """
    box, command = container(), call.command()
    for _ in range(_TRIES):
        item = _find(reference, call.who.id, body.merchant_id)
        if is_replay(item.commands, command):
            return present_awaited(item), True
        now = box.clock.now()
        _require_waiting(item)
        agreement = agreement_of(item)
        if body.agreement_hash is not None and body.agreement_hash != agreement.sha256.hex():
            raise AgreementChangedError
        require_proof(item, agreement.sha256, body.assertion)
        item.agreement, item.commands = agreement.sha256, remember(item.commands, command)
        try:
            commit(box.tables, plan_agreed(item, agreement), plan_confirmed(item, now, call.request_id))
        except ConditionFailedError:
            continue
        return present_awaited(item), False
    raise UnavailableError("the payment is busy", retry_after_s=1)


def _find(reference: str, customer_id: str, merchant_id: str | None) -> AuthorizationItem:
    found = [
        item
        for item in load_many(awaited_ids(customer_id, reference), consistent=True)
        if item.customer_id == customer_id and merchant_id in {None, item.merchant_id}
    ]
    waiting = [item for item in found if _waits(item)]
    if len(waiting) > 1:
        raise SeveralSalesError(merchant_ids=sorted(item.merchant_id for item in waiting))
    if not found:
        raise NotFoundError
    return waiting[0] if waiting else max(found, key=lambda item: item.created_at_ms)


def _waits(item: AuthorizationItem) -> bool:
    value, now = to_value(item), container().clock.now()
    return value.status is Status.AWAITING_CONFIRMATION and not till.is_over(value, due_of(item), now)


def _require_waiting(item: AuthorizationItem) -> None:
    value, now = to_value(item), container().clock.now()
    if till.is_over(value, due_of(item), now):
        raise ConfirmationOverError(current_status="declined")
    value.require_alive(now)
    if value.status is not Status.AWAITING_CONFIRMATION:
        raise AuthorizationStateError("nothing waits to be confirmed", current_status=str(value.status))


def present_awaited(item: AuthorizationItem) -> dict[str, Any]:
    """A sale as its customer sees it: the shop, the plan, and the agreement."""
    seen, agreement = present_payment(item), agreement_of(item)
    return {
        "object": "in_store_confirmation",
        "reference": item.reference,
        "status": seen["status"],
        "merchant_id": item.merchant_id,
        "merchant_name": get_merchant(item.merchant_id).name,
        "amount_minor": item.amount,
        "currency": item.currency,
        "created_at": seen["created_at"],
        "confirm_by": seen["due_at"] if seen["status"] == "awaiting_confirmation" else None,
        "proof": ask(item, agreement.sha256) if _waits(item) else {"required": False, "options": None},
        "offer": present_offer(offer_of(item)),
        "agreement": {
            "hash": agreement.sha256.hex(),
            "version": agreement.version,
            "language": agreement.language,
            "document": agreement.document,
        },
    }
