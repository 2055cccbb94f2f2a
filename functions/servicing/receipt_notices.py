"""What a customer is told about a repayment: received, failed, or taken back; once each, never in quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from functions.core.clock import parse_instant
from functions.core.errors import NotFoundError
from functions.customers.service import contact_of
from functions.messaging.message import Fact, Later, Letter, Money, Subject, Suppress, Verdict
from functions.messaging.quiet import quiet_until
from functions.messaging.service import AlreadyRequestedError, deliver, id_of, request_message
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from functions.servicing.reminder_service import preference_of, routes_to
from functions.servicing.reminders import in_order
from functions.servicing.repayment import Status
from functions.servicing.repayment_store import RepaymentItem

TOPIC: Final = "receipt"
_TEMPLATES: Final = {
    Status.RECEIVED: "receipt_received",
    Status.FAILED: "receipt_failed",
    Status.REVERSED: "receipt_reversed",
}


def on_repayment(event: Mapping[str, Any]) -> None:
    """Tell a customer what became of their money; the same event twice tells it once.

    Args:
        event: Our envelope of a `repayment.*` event.
    """
    repayment = event["data"]["repayment"]
    asked = request_message(
        TOPIC,
        event["customer_id"],
        repayment["id"],
        step=repayment["status"],
        at=parse_instant(event["occurred_at"]),
        request_id=event["request_id"],
    )
    with suppress(AlreadyRequestedError):
        commit(container().tables, asked)
    deliver(id_of(TOPIC, repayment["id"], step=repayment["status"]), resolve)


def resolve(subject: Subject) -> Verdict:
    """Whether a notice goes out now, and what it says.

    Args:
        subject: A message of the topic "receipt"; its step is the status that it tells of.

    Raises:
        UnavailableError: Storage or key service did not answer.
    """
    box = container()
    item: RepaymentItem | None = box.tables.get(RepaymentItem, subject.about, keys.SELF, consistent=True)
    if item is None or item.status != subject.step:
        return Suppress("overtaken")
    try:
        contact = contact_of(subject.customer_id)
    except NotFoundError:
        return Suppress("customer_gone")
    until = quiet_until(max(box.clock.now(), subject.asked_at), contact.zone)
    if until is not None:
        return Later(until)
    facts: dict[str, Fact] = {"amount": Money(item.amount, item.currency), "url": f"{box.settings.public_url}/me"}
    if item.status == Status.RECEIVED:
        facts["paid_on"] = item.wish().value_on
    preference = preference_of(subject.customer_id)
    routes = in_order(routes_to(subject.customer_id, contact, preference), preference.channel)
    return Letter(_TEMPLATES[Status(item.status)], contact.language, facts, routes)
