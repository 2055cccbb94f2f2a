"""The action index: the earliest UTC hour at which anything is owed to an item, spread over shards.

`gs` is the hour as text, so that one range query per shard finds all that is due. Plans and timers stand in it;
what needs nothing has no entry at all. Webhooks that wait stand in a lane of their own (`keys.wall_hour`), whose hours
are of wall time: the sandbox's clock neither hurries them nor stops for them.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

_HOUR = timedelta(hours=1)
_FORMAT = "%Y-%m-%dT%H"


def hour_key(at: datetime) -> str:
    """The hour at or after an instant: nothing is done before it is due."""
    moment = at.astimezone(UTC)
    start = moment.replace(minute=0, second=0, microsecond=0)
    return (start if moment == start else start + _HOUR).strftime(_FORMAT)


def hour_now(at: datetime) -> str:
    """The hour an instant lies in: all keys up to it are due."""
    return at.astimezone(UTC).strftime(_FORMAT)


def hour_of(key: str) -> datetime:
    """Inverse of `hour_key`."""
    return datetime.strptime(key, _FORMAT).replace(tzinfo=UTC)


def shard_of(item_id: str, shards: int) -> int:
    """Which shard an item stands in; the same for ever while the number of shards is the same."""
    return int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:4], "big") % shards
