"""A message channel that does what a test tells it to, and letters to send through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from functions.messaging.channel import Outgoing
from functions.messaging.message import EMAIL, SMS, Fact, Letter, Money, Route, Subject, Verdict

CUSTOMER = "cus_01JDTESTTESTTESTTESTTESTTE"
PLAN = "plan_01JDTESTTESTTESTTESTTESTTE"
EMAIL_ROUTE = Route(EMAIL, "mei@example.com")
SMS_ROUTE = Route(SMS, "+8613800000000")


class Killed(BaseException):
    """The process is gone: nothing of ours may catch it."""


Fault = Callable[[], None] | None


def raising(error: BaseException) -> Callable[[], None]:
    def fault() -> None:
        raise error

    return fault


@dataclass
class FakeChannel:
    """Takes everything, and remembers each taking; faults are used up one per sending.

    Args:
        before: Run before a message is taken; what it raises means that nothing was taken.
        after: Run when it has been taken; what it raises is an answer lost.
        blind: Channels whose log can't tell.
        lag: How far behind the log may be.
    """

    before: Iterable[Fault] = ()
    after: Iterable[Fault] = ()
    blind: tuple[str, ...] = ()
    lag: timedelta = timedelta()
    taken: list[Outgoing] = field(default_factory=list)
    sandbox = True

    def __post_init__(self) -> None:
        self._before, self._after = iter(self.before), iter(self.after)

    def send(self, message: Outgoing) -> str:
        if fault := next(self._before, None):
            fault()
        self.taken.append(message)
        if fault := next(self._after, None):
            fault()
        return f"provider-{len(self.taken)}"

    def find(self, tag: str, channel: str) -> bool | None:
        if channel in self.blind:
            return None
        return any((each.tag, each.channel) == (tag, channel) for each in self.taken)

    def log_lag(self, channel: str) -> timedelta:
        return self.lag


def facts(**changed: Fact) -> dict[str, Fact]:
    return {
        "number": 3,
        "count": 6,
        "amount": Money(59980, "CNY"),
        "due_on": date(2027, 2, 1),
        "merchant": "Lotus Books",
        "url": "https://pay.example.com/me",
        **changed,
    }


def letter(**changed: Any) -> Letter:
    values = {"template": "reminder_due", "language": "en", "facts": facts(), "routes": (EMAIL_ROUTE,), **changed}
    return Letter(**values)


def always(verdict: Verdict) -> Callable[[Subject], Verdict]:
    return lambda subject: verdict
