"""Quiet hours: from when till when nobody is written to about what can wait. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SEND_FROM_HOUR: Final = 9
SEND_UNTIL_HOUR: Final = 21
"""No reminder or notice leaves before the one or from the other on, where the customer is."""


def quiet_until(now: datetime, zone: str) -> datetime | None:
    """When the quiet hours end that an instant lies in; None outside them.

    Args:
        now: Aware.
        zone: IANA name.
    """
    here = now.astimezone(ZoneInfo(zone))
    if SEND_FROM_HOUR <= here.hour < SEND_UNTIL_HOUR:
        return None
    morning = here.date() if here.hour < SEND_FROM_HOUR else here.date() + timedelta(days=1)
    return datetime.combine(morning, time(SEND_FROM_HOUR), ZoneInfo(zone)).astimezone(UTC)
