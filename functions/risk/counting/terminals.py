"""A terminal's history as the fraud model needs it, inside the authorization and without a third request.

The one read of the authorization brings the first shard, which nearly every terminal has alone. A merchant so hot that
it has more is whole only with the others; what the model looks at there is a week old or more, so a container reads
those at most every five minutes.
"""

from __future__ import annotations

import time
from typing import Final

from functions.platform.container import container
from functions.platform.storage import keys
from functions.risk.counting.store import TerminalItem
from functions.risk.fraud.features import TerminalHistory

CACHED_S: Final = 300.0
_CACHED: Final = 1_000

_further: dict[int, tuple[float, TerminalHistory]] = {}


def forget() -> None:
    """Drop what this process remembers."""
    _further.clear()


def whole_history(subject: int, first: TerminalItem | None) -> TerminalHistory:
    """Orders and known frauds of a terminal.

    Args:
        subject: The 64 bits that stand for it.
        first: Its first shard as read; None if nothing was ever counted there.
    """
    if first is None:
        return TerminalHistory()
    if first.shards == 1:
        return first.history()
    return first.history().merge(_others(subject, first.shards))


def _others(subject: int, shards: int) -> TerminalHistory:
    read_at, history = _further.get(subject, (float("-inf"), TerminalHistory()))
    if time.monotonic() - read_at > CACHED_S:
        wanted = [(TerminalItem, keys.terminal(subject, shard), keys.SELF) for shard in range(1, shards)]
        history = TerminalHistory()
        for item in container().tables.batch_get(wanted):
            if isinstance(item, TerminalItem):
                history = history.merge(item.history())
        if len(_further) >= _CACHED:
            _further.clear()
        _further[subject] = (time.monotonic(), history)
    return history
