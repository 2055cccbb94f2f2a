"""What the action-hour sweep does with timers: look at each one's object, and set the timer anew or take it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from functions.core.errors import NotFoundError
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import ConditionFailedError, write_each

REQUEST: Final = "sweep"

Tick = Callable[[str, str], tuple[datetime | None, int]]
"""Object and request → when to look again, None for never, and the version that says so.

NotFoundError where there is no such object any more, ConditionFailedError where somebody was faster.
"""


def look_at_due(due: Sequence[tuple[str, str]], tick: Tick) -> None:
    """Look at the objects of timers that have run out; one that was early or late by an event does no harm.

    Args:
        due: Keys in the action index; only those of timers count.
        tick: Does what is due of an object, judged by the clock itself.
    """
    each_for_itself(lambda pk: _look_at(pk, tick), [pk for pk, sk in due if sk == keys.TIMER])


def _look_at(object_id: str, tick: Tick) -> None:
    box = container()
    try:
        again_at, version = tick(object_id, REQUEST)
    except NotFoundError:
        again_at, version = None, 0
    except ConditionFailedError:
        return  # somebody was faster; the event of that change sets the timer anew or removes it
    write_each(box.tables, plan_timer(object_id, again_at, box.settings.shards, version))
