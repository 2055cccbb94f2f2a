"""What a message is: the templates there are, the facts each needs, and what may be decided about it at send time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

EMAIL, SMS, APP = "email", "sms", "app"
CHANNELS: Final = (EMAIL, SMS, APP)

QUEUED, CLAIMED, SENT, FAILED, SUPPRESSED = "queued", "claimed", "sent", "failed", "suppressed"
FINAL_STATES: Final = frozenset({SENT, FAILED, SUPPRESSED})


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that a template shows; integer minor units of an ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence of ours in the reader's language, shown as it is; a plain text is a name, and may be cut."""

    text: str


Fact = int | str | date | Money | Sentence


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message.

    Args:
        facts: The facts its texts need and their types; neither more nor fewer are accepted.
        secret: Its text carries a secret: no channel log may keep it.
    """

    facts: Mapping[str, type]
    secret: bool = False


_INSTALLMENT: Final[Mapping[str, type]] = {
    "number": int,
    "count": int,
    "amount": Money,
    "due_on": date,
    "merchant": str,
    "url": str,
}

_REVIEW: Final[Mapping[str, type]] = {"amount": Money, "merchant": str, "url": str}

TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "reminder_upcoming": Template({**_INSTALLMENT, "days": int}),
        "reminder_due": Template(_INSTALLMENT),
        "reminder_overdue": Template({**_INSTALLMENT, "days": int}),
        "review_approved": Template(_REVIEW),
        "review_declined": Template(_REVIEW),
        "payout_account_changing": Template({"merchant": str, "last4": str, "effective_on": date, "hours": int}),
        "line_moved": Template({"why": Sentence, "before": Money, "after": Money, "url": str}),
        "line_status": Template({"why": Sentence, "url": str}),
        "application_approved": Template({"limit": Money, "url": str}),
        "application_declined": Template({"url": str}),
        "receipt_received": Template({"amount": Money, "paid_on": date, "url": str}),
        "receipt_failed": Template({"amount": Money, "url": str}),
        "receipt_reversed": Template({"amount": Money, "url": str}),
        "confirmation_code": Template({"code": str, "amount": Money, "merchant": str, "minutes": int}, secret=True),
        "passkey_added": Template({"url": str}),
        "passkey_removed": Template({"url": str}),
        "sign_in_code": Template({"code": str, "minutes": int}, secret=True),
    }
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A matter that messages are about.

    Args:
        tells: Whether its messages tell "<topic>.requested", ".sent" and ".failed".
        kept: How long an item outlives its request, wall time; longer than whoever asks looks back.
    """

    tells: bool
    kept: timedelta


TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        "reminder": Topic(tells=True, kept=timedelta(days=800)),
        "review_notice": Topic(tells=True, kept=timedelta(days=30)),
        "merchant_notice": Topic(tells=False, kept=timedelta(days=800)),
        "credit_line": Topic(tells=False, kept=timedelta(days=60)),
        "credit_application": Topic(tells=False, kept=timedelta(days=60)),
        "receipt": Topic(tells=False, kept=timedelta(days=800)),
        "confirmation_code": Topic(tells=False, kept=timedelta(days=1)),
        "passkey_notice": Topic(tells=False, kept=timedelta(days=30)),
        "sign_in_code": Topic(tells=False, kept=timedelta(days=1)),
    }
)


@dataclass(frozen=True, slots=True)
class Route:
    """One way to reach a person; the address never shows in a repr, a log or an item.

    Args:
        channel: "email", "sms" or "app".
        address: E-mail address, phone number in E.164, or for the app the customer's id.
    """

    channel: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that may go out now, with its facts as they are now.

    Args:
        template: Name in `TEMPLATES`.
        language: BCP 47 tag of the reader.
        facts: What the template needs.
        routes: Ways to reach the person, the preferred first; the next is tried when a channel refuses.
    """

    template: str
    language: str
    facts: Mapping[str, Fact] = field(repr=False)
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Suppress:
    """The message has lost its reason; it will never go out.

    Args:
        reason: Stable word, for example "already_paid".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """The message may not go out now.

    Args:
        at: Business instant from which it may; the action-hour sweep brings it back in that hour.
    """

    at: datetime


Verdict = Letter | Suppress | Later


@dataclass(frozen=True, slots=True)
class Subject:
    """What a queued message is about, as whoever decides about it at send time needs it.

    Args:
        message_id: `msg_…`.
        topic: Name in `TOPICS`.
        customer_id: Whom it is for; "" when that person is no customer yet.
        about: Public id of the object it is about.
        number: Which part of that object (an installment's number), 0 for the whole.
        step: Which of several messages about that part, for example "T-3".
        asked_at: Business instant at which it was asked for.
    """

    message_id: str
    topic: str
    customer_id: str
    about: str
    number: int
    step: str
    asked_at: datetime


Resolver = Callable[[Subject], Verdict]
"""Decides at send time from the facts of that moment; belongs to the slice that asked for the message."""
