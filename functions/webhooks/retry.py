"""When a webhook is tried again: the table, and what an answer means. Pure; wall time.

Waits of up to fifteen minutes are delays of the queue; longer ones stand in the action index's wall-time lane.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES: Final = len(DELAYS) + 1
LONGEST_QUEUE_DELAY: Final = timedelta(minutes=15)
"""Source: Amazon SQS, DelaySeconds is at most 900."""


class Outcome(StrEnum):
    """What one try came to."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"


def outcome_of(status: int | None) -> Outcome:
    """What an answer means.

    Args:
        status: HTTP status, None where there was no answer. A redirect is no delivery: it is never followed.

    Source: Standard Webhooks 1.0.0, "Delivery success": 2xx; 410 asks to be left alone.
    """
    if status is not None and 200 <= status < 300:  # noqa: PLR2004  the class of success
        return Outcome.DELIVERED
    return Outcome.GONE if status == 410 else Outcome.AGAIN  # noqa: PLR2004  410 Gone


def next_try(tried: int, at: datetime, *, most: int = TRIES) -> datetime | None:
    """When to try again after so many failed tries; None when that was the last.

    Args:
        tried: Tries so far, 1 or more.
        at: Wall time of the failure.
        most: How many tries there are; a test event has one.
    """
    return at + DELAYS[tried - 1] if tried < most else None


def queue_delay_s(left: timedelta) -> int | None:
    """Whole seconds for the queue, rounded up so that nothing comes early; None where the queue can't wait so long."""
    if left > LONGEST_QUEUE_DELAY:
        return None
    return max(0, -(-left // timedelta(seconds=1)))
