"""What a customer is told: that a line changed and why, and that a person has answered; never in quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from functions.core.clock import parse_instant
from functions.core.errors import NotFoundError
from functions.credit.application_store import load_application
from functions.credit.upkeep.store import LimitFileItem, LineChangeItem, file_id
from functions.credit.upkeep.texts import TEXTS
from functions.customers.service import contact_of
from functions.messaging.aws import reachable
from functions.messaging.message import (
    EMAIL,
    SMS,
    Fact,
    Later,
    Letter,
    Money,
    Route,
    Sentence,
    Subject,
    Suppress,
    Verdict,
)
from functions.messaging.quiet import quiet_until
from functions.messaging.service import AlreadyRequestedError, deliver, id_of, request_message
from functions.messaging.templates import catalog_of
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit

LINE, ANSWER = "credit_line", "credit_application"
"""Topics."""


def on_line_event(event: Mapping[str, Any]) -> None:
    """Tell a customer that the line changed, once per change.

    Args:
        event: Our envelope of `credit_line.changed`, `.frozen` or `.lifted`.
    """
    about = file_id(event["customer_id"], event["data"]["credit_line"]["currency"])
    _tell(LINE, event, about)


def on_answer(event: Mapping[str, Any]) -> None:
    """Tell an applicant that a person has decided.

    Args:
        event: Our envelope of `credit_application.reconsidered`.
    """
    _tell(ANSWER, event, event["object_id"])


def _tell(topic: str, event: Mapping[str, Any], about: str) -> None:
    number, at = event["sequence"], parse_instant(event["occurred_at"])
    asked = request_message(topic, event["customer_id"], about, number=number, at=at, request_id=event["request_id"])
    with suppress(AlreadyRequestedError):
        commit(container().tables, asked)
    deliver(id_of(topic, about, number), RESOLVERS[topic])


def resolve_line(subject: Subject) -> Verdict:
    """The letter about one change of a line."""
    tables = container().tables
    change, file = tables.batch_get(
        [
            (LineChangeItem, subject.about, keys.line_change(subject.number)),
            (LimitFileItem, subject.about, keys.SELF),
        ],
        consistent=True,
    )
    if change is None or file is None:
        return Suppress("change_gone")
    words: dict[str, Fact] = {}
    if change.after != change.before:
        words = {"before": Money(change.before, file.currency), "after": Money(change.after, file.currency)}
    text_en, text_zh = TEXTS[change.code]
    template = "line_moved" if words else "line_status"
    return _letter(subject, template, words, {"en": text_en, "zh-Hans": text_zh})


def resolve_answer(subject: Subject) -> Verdict:
    """The letter about a person's answer, as the application stands now."""
    try:
        application = load_application(subject.about, subject.customer_id)
    except NotFoundError:
        return Suppress("application_gone")
    if application.outcome == "approved":
        return _letter(subject, "application_approved", {"limit": Money(application.limit, application.currency)})
    return _letter(subject, "application_declined", {})


def _letter(
    subject: Subject, template: str, facts: Mapping[str, Fact], texts: Mapping[str, str] | None = None
) -> Verdict:
    try:
        contact = contact_of(subject.customer_id)
    except NotFoundError:
        return Suppress("customer_gone")
    box = container()
    until = quiet_until(max(box.clock.now(), subject.asked_at), contact.zone)
    if until is not None:
        return Later(until)
    routes = reachable(box, (*((Route(EMAIL, contact.email),) if contact.email else ()), Route(SMS, contact.phone)))
    said = {"why": Sentence(texts[catalog_of(contact.language)])} if texts else {}
    url = f"{box.settings.public_url}/me"
    return Letter(template, contact.language, {**facts, **said, "url": url}, routes)


RESOLVERS: Final = {LINE: resolve_line, ANSWER: resolve_answer}
