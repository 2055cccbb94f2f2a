"""When a due day's collection is tried, and when it is tried again. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from functions.servicing.repayment import Status

ATTEMPT_DAYS: Final = (0, 1, 3, 7)
"""Days from the due day: the first three end within the usual grace, so that a salary a day late costs nothing."""
ATTEMPT_HOUR: Final = 8
"""Local; before the hour at which anybody is reminded of an installment that is about to be collected."""
RETRIED: Final = frozenset({"insufficient_funds"})
"""Reasons that may pass by themselves. After any other the rail would only be asked in vain."""
_DAY: Final = timedelta(days=1)


class Step(StrEnum):
    """What follows from what became of an attempt."""

    DONE = "done"
    WAIT = "wait"
    AGAIN = "again"
    GIVE_UP = "give_up"


def attempt_at(due_on: date, attempt: int, zone: str, after: datetime | None = None) -> datetime:
    """When an attempt is made.

    Args:
        due_on: Where the customer is.
        attempt: 0 … 3.
        zone: IANA name.
        after: The attempt before it, where that came late: a day lies between any two.
    """
    day = due_on + timedelta(days=ATTEMPT_DAYS[attempt])
    planned = datetime.combine(day, time(ATTEMPT_HOUR), ZoneInfo(zone)).astimezone(UTC)
    return planned if after is None else max(planned, after + _DAY)


def following(attempt: int, status: Status, failure_code: str | None) -> Step:
    """What to do after an attempt.

    Args:
        attempt: Which, 0 … 3.
        status: Of its repayment.
        failure_code: As the rail said it.
    """
    if status is Status.PENDING:
        return Step.WAIT
    if status is not Status.FAILED:
        return Step.DONE
    may_pass = failure_code in RETRIED and attempt + 1 < len(ATTEMPT_DAYS)
    return Step.AGAIN if may_pass else Step.GIVE_UP
