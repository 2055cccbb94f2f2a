"""What servicing tells, and what it is called for: the messages queue, the sweep's schedule and queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from functions.credit.upkeep import notices as credit_notices
from functions.customers import events as customers
from functions.customers.passkeys import events as passkeys
from functions.merchants import payout_service
from functions.messaging.aws import note_mail_event
from functions.messaging.message import Subject, Verdict
from functions.messaging.service import deliver, read_image
from functions.platform.bus.queues import each_message, event_of
from functions.platform.bus.registry import MESSAGES
from functions.platform.bus.stream import BatchAnswer
from functions.platform.bus.workers import load
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.parallel import AT_ONCE
from functions.platform.storage import keys
from functions.platform.storage.outbox import Rendered, Told
from functions.platform.storage.table import RawItem
from functions.risk.casework import notices
from functions.servicing import clock, rail_service, receipt_notices, reminder_service, reminders, sweep
from functions.servicing.collections.service import look_at_plan
from functions.servicing.repayment_service import present_repayment
from functions.servicing.repayment_store import RepaymentItem
from functions.servicing.sandbox import WORD_KIND
from functions.servicing.statements.service import begin_cycle

MESSAGE_KIND: Final = "message"
ASK_FOR_WORK: Final = frozenset({"reminder.requested", "review_notice.requested", clock.BEACON_EVENT})
"""Events that are requests: what they name is claimed by whoever does it, and says what is left to do (ADR 0141)."""
_MAIL_SOURCE: Final = "aws.ses"


def on_reopened(event: Mapping[str, Any]) -> None:
    """A repayment was taken back and its plan is open again: bill its customer, and look how late they are.

    Args:
        event: Our envelope of `plan.reopened`.
    """
    begin_cycle(event["object_id"])
    look_at_plan(event["object_id"])


def render_repayment(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a repayment's event, for its customer."""
    item = RepaymentItem.from_raw_data(dict(image))
    return Rendered(item.pk, {"repayment": present_repayment(item), **told.note}, customer_id=item.customer_id)


def render(told: Told, image: RawItem) -> Rendered | None:
    """The payload of a reminder's or the clock's event; never an address or a text."""
    if told.type == clock.BEACON_EVENT:
        return Rendered(object_id="clock", data=dict(told.note))
    message = read_image(image)
    subject, step = message.subject, reminders.Step.parse(message.subject.step)
    data: dict[str, Any] = {
        "message_id": subject.message_id,
        "plan_id": subject.about,
        "installment": subject.number,
        "step": step.name,
        "due_on": step.due_on.isoformat(),
    }
    if message.channel:
        data["channel"] = message.channel
    if message.reason:
        data["reason"] = message.reason
    return Rendered(object_id=subject.message_id, data=data, customer_id=subject.customer_id)


def messages(event: Mapping[str, Any]) -> BatchAnswer:
    """Handle a batch of the messages queue."""
    records = event["Records"]
    return each_message(
        records, on_message, consumer="messenger", at_once=AT_ONCE, repeatable=ASK_FOR_WORK.__contains__
    )


def on_message(body: Mapping[str, Any]) -> None:
    """Send what a message of the messages queue asks for; may be called again with the same message.

    Args:
        body: {"kind": "message", "id": "msg_…", "at": …}, {"kind": "sign_in_code", …}, or an event of the bus. An event
            that `_ON_EVENT` does not name is one of which customers are told nothing.
    """
    if customers.handles(body):
        customers.on_message(body)
    elif body.get("kind") in MESSAGES:
        load(MESSAGES[body["kind"]])(body)
    elif body.get("kind") == MESSAGE_KIND:
        deliver(body["id"], _resolve)
    elif body.get("source") == _MAIL_SOURCE:
        note_mail_event(container(), event_of(body))
    else:
        _ON_EVENT.get(str(body.get("detail-type")), _not_told)(event_of(body))


def _on_requested(event: Mapping[str, Any]) -> None:
    deliver(event["object_id"], _resolve)


def _on_beacon(event: Mapping[str, Any]) -> None:
    clock.note_beacon(event["data"]["beacon"], event["data"]["turn"])


def _not_told(event: Mapping[str, Any]) -> None:  # noqa: ARG001  as the others
    count("EventWithoutMessage")


_ON_EVENT: Final[Mapping[str, Callable[[Mapping[str, Any]], None]]] = {
    payout_service.CHANGING: payout_service.notify,
    "reminder.requested": _on_requested,
    "review_notice.requested": _on_requested,
    "credit_line.changed": credit_notices.on_line_event,
    "credit_line.frozen": credit_notices.on_line_event,
    "credit_line.lifted": credit_notices.on_line_event,
    "credit_application.reconsidered": credit_notices.on_answer,
    clock.BEACON_EVENT: _on_beacon,
    "repayment.received": receipt_notices.on_repayment,
    "repayment.failed": receipt_notices.on_repayment,
    "repayment.reversed": receipt_notices.on_repayment,
    "passkey.added": passkeys.on_event,
    "passkey.removed": passkeys.on_event,
}

_RESOLVERS: Final[Mapping[str, Callable[[Subject], Verdict]]] = {
    payout_service.TOPIC: payout_service.resolve,
    "reminder": reminder_service.resolve,
    notices.TOPIC: notices.resolve,
    **credit_notices.RESOLVERS,
    receipt_notices.TOPIC: receipt_notices.resolve,
}


def _resolve(subject: Subject) -> Verdict:
    return _RESOLVERS[subject.topic](subject)


def sweep_schedule(event: Mapping[str, Any]) -> dict[str, int]:  # noqa: ARG001  when it was due does not matter
    """Hand out what is due now, in business time and in wall time; called by the schedule."""
    clock_now = container().clock
    return {"due": sweep.sweep(clock_now.now()) + sweep.sweep(clock_now.wall(), keys.wall_hour)}


def sweep_pages(event: Mapping[str, Any]) -> BatchAnswer:
    """Handle a batch of the sweep queue: pages of due items, and turns of the sandbox's clock."""
    return each_message(event["Records"], on_sweep_message, consumer="sweep_worker")


def on_sweep_message(body: Mapping[str, Any]) -> None:
    """Do a page or a turn; may be called again with the same message."""
    _SWEEP_MESSAGES[body["kind"]](body)


_SWEEP_MESSAGES: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {
    sweep.PAGE_KIND: sweep.do_page,
    clock.CLOCK_KIND: clock.turn,
    WORD_KIND: rail_service.take_queued,
}
