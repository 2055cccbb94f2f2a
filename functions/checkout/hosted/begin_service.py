"""Use case: show a customer one plan with its agreement, and ask for the proof that confirming it takes.

What was shown is kept before it can be accepted, and the checkout remembers its hash: so the confirmation itself writes
three small items and accepts exactly what was shown. Nothing is held yet.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from functions.checkout.agreement_store import AcceptedAlreadyError, plan_shown
from functions.checkout.checkout_store import CheckoutItem, plan_show
from functions.checkout.hosted.confirmation import (
    CODES_SENT,
    NONCE_BYTES,
    SHOWN_FOR,
    Bound,
    PasskeyRequiredError,
    Shown,
    TooManyConfirmationCodesError,
    methods_for,
    needs_step_up,
)
from functions.checkout.hosted.offers_service import require_open, require_quote
from functions.checkout.hosted.schemas import BeginRequest
from functions.checkout.quote_service import present_offer
from functions.checkout.token_service import agreement_of, personal_offer, present_agreement
from functions.checkout.tokens import QuoteInvalidError, open_quote, quote_hash
from functions.core.clock import isoformat
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.customers.passkeys.service import options_for
from functions.customers.service import get_customer
from functions.merchants.service import get_merchant
from functions.platform.container import container
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.context import Call

CODE_MESSAGE: Final = "confirmation_code"
_TRIES: Final = 5
CODE_MINUTES: Final = int(SHOWN_FOR / timedelta(minutes=1))


def begin(checkout_id: str, body: BeginRequest, call: Call) -> dict[str, Any]:
    """Show a plan.

    Returns:
        The offer, the agreement to accept, and what proves the acceptance.

    Raises:
        NotFoundError: Not there, or another customer's.
        CheckoutStateError: It is confirmed, cancelled or expired.
        QuoteInvalidError, QuoteExpiredError: Not one of her own offers for this order, or too old.
        PasskeyRequiredError: No method that is open to her is enough.
        TooManyConfirmationCodesError: Three were sent.
        UnavailableError: The checkout changed under every try; nothing is asked of her.
    """
    box, customer_id = container(), call.who.id
    wall = box.clock.wall()
    quote = open_quote(box.secrets.key("quotes"), body.quote)
    item = _read(checkout_id, customer_id)
    for _ in range(_TRIES):
        require_open(item)
        require_quote(item, quote, wall)
        customer, merchant = get_customer(customer_id), get_merchant(item.merchant_id)
        if quote.alias is None or customer.aliases.get(quote.currency) != quote.alias:
            raise QuoteInvalidError
        offer = personal_offer(quote, customer)
        agreement = agreement_of(offer, quote, merchant, body.language or customer.language)
        shown = Shown(customer_id, quote_hash(body.quote), agreement.sha256, os.urandom(NONCE_BYTES), wall + SHOWN_FOR)
        proof = _proof(item, shown, body.method)
        shown = replace(shown, method=proof["method"] or "")
        codes = (item.codes_sent or 0) + (proof["method"] == "code")
        if codes > CODES_SENT:
            raise TooManyConfirmationCodesError
        with suppress(AcceptedAlreadyError):
            commit(box.tables, plan_shown(agreement, customer_id, merchant.id, quote=shown.quote, at=wall))
        changed = _show(item, shown, codes)
        if changed is None:
            break
        item = changed
    else:
        raise UnavailableError("the checkout is busy", retry_after_s=1)
    if proof["method"] == "code":
        message = {"kind": CODE_MESSAGE, "checkout_id": checkout_id, "shown": shown.nonce.hex()}
        box.queue(box.settings.messages_queue_url).send([message])
    return {
        "object": "confirmation_request",
        "checkout_id": checkout_id,
        "offer": present_offer(offer),
        "agreement": present_agreement(agreement),
        "proof": proof,
        "expires_at": isoformat(shown.until),
    }


def _show(item: CheckoutItem, shown: Shown, codes: int) -> CheckoutItem | None:
    """Let the checkout remember what she is shown; if it has changed since it was read, the checkout as it is now.

    A write whose answer was lost and that the client sent again finds itself there, which is no change.
    """
    try:
        commit(container().tables, plan_show(item, shown.pack(), shown.customer_id, codes))
    except ConditionFailedError:
        now = _read(item.pk, shown.customer_id)
        return None if now.shown == shown.pack() else now
    return None


def _read(checkout_id: str, customer_id: str) -> CheckoutItem:
    item: CheckoutItem | None = container().tables.get(CheckoutItem, require_id("chk", checkout_id), consistent=True)
    if item is None or item.customer_id not in {None, customer_id}:
        raise NotFoundError
    return item


def _proof(item: CheckoutItem, shown: Shown, wished: str | None) -> dict[str, Any]:
    """What she has to give: nothing, the signature of her passkey, or the code that is sent to her."""
    bound = Bound(item.pk, item.merchant_id, item.amount, item.currency)
    challenge = bound.challenge(container().secrets.key("confirmations"), shown)
    options = options_for(shown.customer_id, challenge)
    required = needs_step_up(item.amount, item.currency, asked_by_risk=bool(item.stepped_up))
    methods = methods_for(item.amount, item.currency, has_passkey=options is not None)
    if wished is None and not required:
        return {"required": False, "method": None, "options": None}
    method = wished or next(iter(methods), None)
    if method is None or method not in methods:
        raise PasskeyRequiredError
    return {"required": required, "method": method, "options": options if method == "passkey" else None}
