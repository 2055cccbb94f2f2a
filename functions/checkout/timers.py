"""What the action-hour sweep does with a checkout: end it when its life is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.checkout.checkout_service import tick
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.timer import plan_timer
from functions.platform.storage.transactions import ConditionFailedError, write_each

REQUEST = "sweep"


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """Expire, and move or remove the timer.

    Args:
        due: Keys of timers.
        now: Instant of the sweep.
    """
    each_for_itself(_look_at, [pk for pk, sk in due if sk == keys.TIMER])


def _look_at(checkout_id: str) -> None:
    box = container()
    try:
        again_at, version = tick(checkout_id, REQUEST)
    except ConditionFailedError:
        return  # confirmed or cancelled this very moment; the next look takes the timer away
    write_each(box.tables, plan_timer(checkout_id, again_at, box.settings.shards, version))
