"""What the action-hour sweep does with a checkout: end it when its life is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.checkout.checkout_service import tick
from functions.platform.timers import look_at_due


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """Expire, and move or remove the timer.

    Args:
        due: Keys of timers.
        now: Instant of the sweep.
    """
    look_at_due(due, tick)
