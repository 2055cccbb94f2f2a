"""The only source of time. Business time may be moved in the sandbox; wall time never.

Business time: due dates, authorization expiry, statements, settlement, reminders.
Wall time: tokens, quotes, payment codes, challenges, webhook timestamps, rate limits, TTL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells both times, in UTC."""

    def now(self) -> datetime:
        """Business time, aware, UTC, whole milliseconds."""

    def wall(self) -> datetime:
        """Wall time, aware, UTC, whole milliseconds."""


def _system_time() -> datetime:
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Both times are the machine's."""

    def now(self) -> datetime:
        return _system_time()

    def wall(self) -> datetime:
        return _system_time()


@dataclass(slots=True)
class FixedClock:
    """Stands still until told to move. Both times move together unless `advance_business` is used."""

    at: datetime
    offset: timedelta = timedelta()

    def now(self) -> datetime:
        return self.at + self.offset

    def wall(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by

    def advance_business(self, by: timedelta) -> None:
        self.offset += by


@dataclass(frozen=True, slots=True)
class OffsetClock:
    """The sandbox's clock: business time is wall time plus a stored offset that only grows.

    Args:
        offset: Reads the stored offset; called at every `now`, so the caller caches it.
        base: Where wall time comes from.
    """

    offset: Callable[[], timedelta]
    base: Clock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.base.wall() + self.offset()

    def wall(self) -> datetime:
        return self.base.wall()


def local_date(at: datetime, zone: str) -> date:
    """The calendar day of an instant where the customer or shop is.

    Args:
        at: Aware instant.
        zone: IANA name, for example "Asia/Shanghai".
    """
    return at.astimezone(ZoneInfo(zone)).date()


def isoformat(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and a Z: the only form in which an instant leaves the platform."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse_instant(text: str) -> datetime:
    """Inverse of `isoformat`; accepts any RFC 3339 offset.

    Raises:
        ValueError: Not RFC 3339, without an offset, or in no year that can be told in UTC.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant lies in the years 1 to 9999") from None


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, exact."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_epoch_ms(value: int) -> datetime:
    """Inverse of `epoch_ms`."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
