"""Use cases of complaints: take one down, list them, answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, local_date
from functions.core.errors import ConflictError, NotFoundError
from functions.core.ids import id_bytes, require_id
from functions.customers.service import get_customer, sealer_of
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import commit
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.servicing.complaints.schemas import ComplaintAnswer, ComplaintRequest
from functions.servicing.complaints.store import (
    ANSWERED,
    OPEN,
    PREFIX,
    ComplaintItem,
    ComplaintRow,
    complaint_id,
    plan_complaint,
    rows_key,
)

ANSWER_WITHIN: Final = timedelta(days=15)
"""Calendar days where the customer is. Source: CBIRC Order 2020 No. 3, art. 18 (15 days)."""
_UTC: Final = "UTC"


class ComplaintAnsweredError(ConflictError):
    code, title = "complaint_answered", "The complaint has its answer"


def take_complaint(body: ComplaintRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Take down what a customer complains about.

    Returns:
        The complaint, and whether it is the same one again.

    Raises:
        NotFoundError: No such customer.
        UnavailableError: The key service does not answer.
    """
    box, command = container(), call.command()
    name = complaint_id(box.secrets.key("ids"), command)
    found: ComplaintItem | None = box.tables.get(ComplaintItem, name, consistent=True)
    if found is not None:
        same_body(found.body, command)
        return present_complaint(found, words=True), True
    customer, now = get_customer(body.customer_id), box.clock.now()
    item = ComplaintItem(
        pk=name,
        version=1,
        customer=id_bytes(customer.id),
        topic=body.topic,
        channel=body.channel,
        about=body.about,
        text=sealer_of(customer.id).seal(f"complaint:{name}", body.text),
        answer_by=(local_date(now, customer.zone) + ANSWER_WITHIN).toordinal(),
        received_at_ms=epoch_ms(now),
        taken_by=call.who.id,
        key=command.key,
        body=command.body,
    )
    item.tell(now, call.request_id, Pending("complaint.opened"))
    commit(box.tables, plan_complaint(item, 0))
    count("ComplaintOpened")
    return present_complaint(item, words=True), False


def answer_complaint(name: str, body: ComplaintAnswer, call: Call) -> tuple[dict[str, Any], bool]:
    """Answer a complaint; it is answered once.

    Raises:
        ComplaintAnsweredError: It has its answer.
        NotFoundError: No such complaint, or the customer was erased.
    """
    box, command = container(), call.command()
    item = _loaded(name)
    if is_replay(item.commands, command):
        return present_complaint(item, words=True), True
    if item.status != OPEN:
        raise ComplaintAnsweredError(current_status=item.status)
    seen, now = item.version, box.clock.now()
    item.version, item.status, item.outcome = seen + 1, ANSWERED, body.outcome
    item.answer = sealer_of(item.customer_id).seal(f"answer:{name}", body.text)
    item.answered_by, item.answered_at_ms = call.who.id, epoch_ms(now)
    item.commands = remember(item.commands, command)
    item.tell(now, call.request_id, Pending("complaint.answered"))
    commit(box.tables, plan_complaint(item, seen))
    return present_complaint(item, words=True), False


def list_complaints(call: Call) -> dict[str, Any]:
    """All complaints, newest first, without their words."""
    found, cursor = listed(call, rows_key(), ComplaintRow, ComplaintItem)
    return page(found, cursor, present_complaint)


def list_own_complaints(call: Call) -> dict[str, Any]:
    """A customer's own complaints, newest first, with their words and without who took and answered them.

    Raises:
        UnavailableError: The key service does not answer.
    """
    found, cursor = listed(call, rows_key(call.who.id), ComplaintRow, ComplaintItem)
    return page(found, cursor, _present_own)


def _present_own(item: ComplaintItem) -> dict[str, Any]:
    shown = present_complaint(item, words=True)
    return {name: value for name, value in shown.items() if name not in {"taken_by", "answered_by"}}


def read_complaint(name: str) -> dict[str, Any]:
    """One complaint with its words.

    Raises:
        NotFoundError: There is none.
        UnavailableError: The key service does not answer.
    """
    return present_complaint(_loaded(name), words=True)


def _loaded(name: str) -> ComplaintItem:
    item: ComplaintItem | None = container().tables.get(ComplaintItem, require_id(PREFIX, name), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def present_complaint(item: ComplaintItem, *, words: bool = False) -> dict[str, Any]:
    """A complaint as staff see it.

    Args:
        item: As stored.
        words: Whether with what was said; those of somebody erased are gone.
    """
    text, answer = _opened(item) if words else (None, None)
    today = local_date(container().clock.now(), _UTC)
    return {
        "id": item.pk,
        "object": "complaint",
        "status": item.status,
        "version": item.version,
        "customer_id": item.customer_id,
        "topic": item.topic,
        "channel": item.channel,
        "about": item.about,
        "received_at": isoformat(from_epoch_ms(item.received_at_ms)),
        "taken_by": item.taken_by,
        "answer_by_on": item.answer_by_on.isoformat(),
        "overdue": item.status == OPEN and today > item.answer_by_on,
        "outcome": item.outcome,
        "answered_at": isoformat(from_epoch_ms(item.answered_at_ms)) if item.answered_at_ms else None,
        "answered_by": item.answered_by,
        "text": text,
        "answer": answer,
    }


def _opened(item: ComplaintItem) -> tuple[str | None, str | None]:
    try:
        sealer = sealer_of(item.customer_id)
    except NotFoundError:
        return None, None
    text: str = sealer.open(f"complaint:{item.pk}", item.text)
    return text, sealer.open(f"answer:{item.pk}", item.answer) if item.answer else None
