"""When a customer may be contacted about a late debt. Pure.

The strictest of the rules we know is everybody's: calls as 12 CFR 1006.14(b)(2) presumes fair (seven in seven days,
none within seven days of a conversation), hours as 12 CFR 1006.6(b)(1) (08:00 to 21:00 where the customer is), and no
second message of any kind on a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PHONE: Final = "phone"
CHANNELS: Final = ("phone", "sms", "email", "letter")
REACHED, PROMISED, REFUSED = "reached", "promised", "refused"
OUTCOMES: Final = ("reached", "promised", "refused", "no_answer", "left_message", "sent")
_TALKED: Final = frozenset({REACHED, PROMISED, REFUSED})
FROM_HOUR, UNTIL_HOUR = 8, 21
_CALLS: Final = 7
_WINDOW: Final = timedelta(days=7)
_AT_ANY_HOUR: Final = frozenset({"letter"})


@dataclass(frozen=True, slots=True)
class Contact:
    """One attempt to reach a customer.

    Args:
        at: Business time.
        channel: One of `CHANNELS`.
        outcome: One of `OUTCOMES`.
        by: Staff subject.
    """

    at: datetime
    channel: str
    outcome: str
    by: str


def next_contact_at(contacts: Sequence[Contact], channel: str, now: datetime, zone: str) -> datetime:
    """The first instant at which a customer may be contacted again; `now` itself where that is at once.

    Args:
        contacts: Of this customer, oldest first, at least those of the last seven days.
        channel: One of `CHANNELS`.
        now: Aware.
        zone: IANA name, where the customer is.
    """
    info = ZoneInfo(zone)
    free = max([now, *_blocked_until(contacts, channel, info)])
    if channel in _AT_ANY_HOUR:
        return free
    here = free.astimezone(info)
    if FROM_HOUR <= here.hour < UNTIL_HOUR:
        return free
    day = here.date() if here.hour < FROM_HOUR else here.date() + timedelta(days=1)
    return datetime.combine(day, time(FROM_HOUR), info).astimezone(UTC)


def _blocked_until(contacts: Sequence[Contact], channel: str, info: ZoneInfo) -> Iterable[datetime]:
    if not contacts:
        return
    last_day = contacts[-1].at.astimezone(info).date()
    yield datetime.combine(last_day + timedelta(days=1), time(0), info).astimezone(UTC)
    if channel != PHONE:
        return
    calls = [each for each in contacts if each.channel == PHONE]
    if len(calls) >= _CALLS:
        yield calls[-_CALLS].at + _WINDOW
    talks = [each.at for each in calls if each.outcome in _TALKED]
    if talks:
        yield talks[-1] + _WINDOW
