"""The sandbox's business-time offset as an item. Only grows: time does not run backwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pynamodb.attributes import UnicodeAttribute

from functions.platform.storage.outbox import State
from functions.platform.storage.table import IntegerAttribute

if TYPE_CHECKING:
    from functions.platform.container import Container

IDLE = "idle"


class ClockItem(State):
    """Offset and, while an advance is under way, where it is going and what it waits for.

    A worker's message names the turn it was sent for, and an older one is dropped.
    """

    offset_s = IntegerAttribute(attr_name="of", default=0)
    target_s = IntegerAttribute(attr_name="tg", null=True)
    state = UnicodeAttribute(attr_name="st", default=IDLE)
    turn = IntegerAttribute(attr_name="tu", default=0)
    beacon = IntegerAttribute(attr_name="be", default=0)
    stops = IntegerAttribute(attr_name="sp", default=0)


def hear(box: Container, at: datetime) -> None:
    """Let a container read the offset again where it has just heard of something later than its own view of now.

    Args:
        box: Of this process.
        at: Business time at which something happened or was asked for.
    """
    if box.clock.now() < at:
        box._offset_read = (float("-inf"), timedelta())  # noqa: SLF001  the other half of the container's own cache
