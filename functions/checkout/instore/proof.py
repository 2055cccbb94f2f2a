"""The proof that confirming a sale at a till takes: over the cap, the signature of her passkey on this very sale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.checkout.hosted.confirmation import PasskeyRequiredError, methods_for, needs_step_up
from functions.core.ids import keyed_hash
from functions.customers.passkeys.ceremony import PasskeyRefusedError
from functions.customers.passkeys.service import note_use, options_for, place_of, verify_answer
from functions.customers.passkeys.store import PasskeyItem
from functions.payments.store import AuthorizationItem
from functions.platform.container import container

_CHALLENGE_BYTES: Final = 32


def challenge_of(item: AuthorizationItem, agreement: bytes) -> bytes:
    """What is signed: shop, customer, amount, plan and agreement of one sale; another sale is another challenge.

    Args:
        item: The sale; once it is confirmed, the signature is good for nothing more.
        agreement: SHA-256 of the document shown.
    """
    facts = (item.pk, item.merchant_id, item.customer_id, item.amount, item.currency, item.product)
    secret = container().secrets.key("confirmations")
    return keyed_hash(secret, "till", *facts, agreement, size=_CHALLENGE_BYTES)


def ask(item: AuthorizationItem, agreement: bytes) -> dict[str, Any]:
    """Whether her passkey has to sign, and by which options."""
    if not needs_step_up(item.amount, item.currency, asked_by_risk=False):
        return {"required": False, "options": None}
    options = options_for(item.customer_id, challenge_of(item, agreement))
    return {"required": options is not None, "options": options}


def require_proof(item: AuthorizationItem, agreement: bytes, answer: Mapping[str, Any] | None) -> None:
    """Refuse a confirmation over the cap that is not signed by her passkey.

    A customer without a passkey confirms as whoever is signed in, up to what a code would do for online.

    Raises:
        PasskeyRequiredError: There is no signature, or no passkey and the sale is too large to go without.
        PasskeyRefusedError: The signature is not good for this sale.
    """
    asked = ask(item, agreement)
    if not needs_step_up(item.amount, item.currency, asked_by_risk=False):
        return
    if not asked["required"]:
        if not methods_for(item.amount, item.currency, has_passkey=False):
            raise PasskeyRequiredError
        return
    if answer is None:
        raise PasskeyRequiredError
    passkey = container().tables.get(PasskeyItem, *place_of(item.customer_id, answer), consistent=True)
    counter = verify_answer(passkey, challenge_of(item, agreement), answer)
    if passkey is None:
        raise PasskeyRefusedError
    note_use(item.customer_id, passkey.passkey_id, counter, container().clock.wall())
