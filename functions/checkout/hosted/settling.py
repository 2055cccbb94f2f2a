"""What follows a confirmation, from the stream: none of it is worth making the customer wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from functions.checkout.agreement_store import AcceptedAlreadyError, plan_shown_accepted
from functions.checkout.checkout_store import CheckoutItem, NothingToKeepError, plan_adopt
from functions.core.clock import from_epoch_ms
from functions.core.ids import id_text
from functions.customers.passkeys.service import note_use
from functions.payments.service import load as load_authorization
from functions.platform.container import container
from functions.platform.storage.transactions import commit


def on_confirmed(event: Mapping[str, Any]) -> None:
    """The order stays, the agreement counts as accepted, the passkey's counter moves; each once, whatever comes twice.

    Args:
        event: Our envelope of `checkout.confirmed`.
    """
    box = container()
    checkout_id = event["object_id"]
    financed = load_authorization(event["data"]["checkout"]["authorization_id"], consistent=True)
    with suppress(NothingToKeepError):
        commit(box.tables, plan_adopt(checkout_id))
    if financed.agreement:
        proof = plan_shown_accepted(
            financed.agreement, financed.customer_id, command=financed.key, at_ms=financed.created_at_ms
        )
        with suppress(AcceptedAlreadyError):
            commit(box.tables, proof)
    item: CheckoutItem | None = box.tables.get(CheckoutItem, checkout_id, consistent=True)
    if item is not None and item.passkey and item.confirmed_at_ms:
        signer = id_text("pky", item.passkey)
        note_use(financed.customer_id, signer, item.passkey_count or 0, from_epoch_ms(item.confirmed_at_ms))
