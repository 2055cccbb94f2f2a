"""What a customer is told when a person has decided about an order: that it goes ahead, or that it was stopped.

Never why: the reasons of a risk check are no one's but the staff's. The order is looked at again at the moment of
sending, so that a message that waited tells what is true then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from functions.core.errors import NotFoundError
from functions.customers.service import contact_of
from functions.merchants.service import get_merchant
from functions.messaging.aws import reachable
from functions.messaging.message import EMAIL, SMS, Fact, Letter, Money, Route, Subject, Suppress, Verdict
from functions.messaging.service import request_message
from functions.payments.authorization import Status
from functions.payments.scenario import SCENARIOS
from functions.payments.service import load
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.container import container
from functions.platform.storage.transactions import WriteSet

TOPIC: Final = "review_notice"
_TEMPLATES: Final = {
    Status.APPROVED: "review_approved",
    Status.PARTIALLY_CAPTURED: "review_approved",
    Status.CAPTURED: "review_approved",
    Status.DECLINED: "review_declined",
    Status.VOIDED: "review_declined",
}


def plan_notice(order: AuthorizationItem, case_id: str, *, at: datetime, request_id: str) -> WriteSet:
    """The one message about what a case has decided about an order."""
    return request_message(TOPIC, order.customer_id, order.pk, step=case_id, at=at, request_id=request_id)


def resolve(subject: Subject) -> Verdict:
    """What the message says now, if there still is anything to say."""
    order = load(subject.about, consistent=True)
    value = to_value(order)
    template = _TEMPLATES.get(value.status)
    if template is None or value.suspension is not None:
        return Suppress("not_decided")
    try:
        contact = contact_of(order.customer_id)
    except NotFoundError:
        return Suppress("customer_gone")
    written = (Route(EMAIL, contact.email),) if contact.email else ()
    routes = reachable(container(), (*written, Route(SMS, contact.phone)))
    facts: dict[str, Fact] = {
        "amount": Money(order.amount, order.currency),
        "merchant": _shown_name(order),
        "url": f"{container().settings.public_url}/me",
    }
    return Letter(template, contact.language, facts, routes)


def _shown_name(order: AuthorizationItem) -> str:
    """Where the scenario is private, no message says from whom it was."""
    if SCENARIOS[order.category].sensitive:
        return ""
    try:
        return get_merchant(order.merchant_id).name
    except NotFoundError:
        return ""
