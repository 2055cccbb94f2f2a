"""A step-up comes as a decline with a page: nothing is held, and the customer confirms the same order there."""

from __future__ import annotations

from datetime import datetime

from functions.checkout.checkout_store import CheckoutItem
from functions.checkout.checkout_store import plan_step_up as plan_checkout
from functions.checkout.tokens import LIFETIME, Quote
from functions.core.clock import epoch_ms
from functions.core.ids import derived_id, id_bytes
from functions.payments.scenario import USUAL_COURSE
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet
from functions.platform.web.context import Command


def plan_step_up(item: AuthorizationItem, quote: Quote, now: datetime, command: Command, request_id: str) -> WriteSet:
    """A checkout for the order that needs the customer's confirmation; its id goes into the declined attempt."""
    box = container()
    checkout = CheckoutItem(
        pk=derived_id("chk", box.secrets.key("ids"), item.pk),
        version=1,
        merchant=item.merchant,
        reference=item.reference,
        amount=quote.amount_minor,
        currency=quote.currency,
        category=quote.category,
        channel=quote.channel,
        created_at_ms=epoch_ms(now),
        expires_at_ms=epoch_ms(now + LIFETIME),
        key=command.key,
        body=command.body,
        customer=item.customer,
        parties=item.parties,
        programme=quote.course.programme if quote.course != USUAL_COURSE else None,
        stepped_up=1,
        attempt=item.attempt,
        authorization=id_bytes(item.pk),
    )
    checkout.tell(now, request_id, Pending("checkout.created"))
    item.checkout = id_bytes(checkout.pk)
    return plan_checkout(checkout, ConditionFailedError)
