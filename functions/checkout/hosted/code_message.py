"""The message that carries a confirmation's code: with amount and shop, so that its reader sees what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from functions.checkout.checkout_store import CheckoutItem
from functions.checkout.hosted.begin_service import CODE_MESSAGE, CODE_MINUTES
from functions.checkout.hosted.confirmation import Bound, Shown, code_of
from functions.core.errors import NotFoundError
from functions.customers.service import contact_of
from functions.merchants.service import get_merchant
from functions.messaging.message import SMS, Fact, Letter, Money, Route, Subject, Suppress, Verdict
from functions.messaging.service import AlreadyRequestedError, deliver, id_of, request_message
from functions.platform.container import container
from functions.platform.storage.transactions import commit


def on_message(body: Mapping[str, Any]) -> None:
    """Send the code of a confirmation, once however often the message comes.

    Args:
        body: {"kind": "confirmation_code", "checkout_id": "chk_…", "shown": hex of the nonce}.
    """
    box, about, step = container(), body["checkout_id"], body["shown"]
    with suppress(AlreadyRequestedError):
        commit(box.tables, request_message(CODE_MESSAGE, None, about, step=step, at=box.clock.now()))
    deliver(id_of(CODE_MESSAGE, about, step=step), resolve)


def resolve(subject: Subject) -> Verdict:
    """Whether the code is still the one that is asked for, and to whom it goes; decided when it is sent.

    Raises:
        UnavailableError: The key service does not answer.
    """
    box = container()
    item: CheckoutItem | None = box.tables.get(CheckoutItem, subject.about, consistent=True)
    if item is None or item.shown is None:
        return Suppress("not_asked_any_more")
    shown = Shown.unpack(item.shown)
    if shown.nonce.hex() != subject.step or shown.until <= box.clock.wall():
        return Suppress("not_asked_any_more")
    try:
        contact = contact_of(shown.customer_id)
    except NotFoundError:
        return Suppress("unknown_customer")
    bound = Bound(item.pk, item.merchant_id, item.amount, item.currency)
    facts: dict[str, Fact] = {
        "code": code_of(box.secrets.key("confirmations"), bound.challenge(box.secrets.key("confirmations"), shown)),
        "amount": Money(item.amount, item.currency),
        "merchant": get_merchant(item.merchant_id).name,
        "minutes": CODE_MINUTES,
    }
    return Letter(CODE_MESSAGE, contact.language, facts, (Route(SMS, contact.phone),))
