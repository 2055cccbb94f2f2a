"""What the action-hour sweep does with an authorization: say that its end is near, and end it when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.core.errors import NotFoundError
from functions.payments.service import tick
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import ConditionFailedError, write_each

REQUEST = "sweep"


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """Warn and expire, and move the timer; one that was early or late by an event does no harm.

    Args:
        due: Keys of timers.
        now: Instant of the sweep.
    """
    each_for_itself(_look_at, [pk for pk, sk in due if sk == keys.TIMER])


def _look_at(authorization_id: str) -> None:
    box = container()
    try:
        again_at, version = tick(authorization_id, REQUEST)
    except NotFoundError:
        again_at, version = None, 0
    except ConditionFailedError:
        return  # somebody was faster; the event of that change sets the timer anew or removes it
    write_each(box.tables, plan_timer(authorization_id, again_at, box.settings.shards, version))
