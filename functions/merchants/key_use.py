"""When a merchant's API key was last used, noted from the stream and at most once an hour: no request pays for it.

What is noted is that the key changed something. A key that only reads writes nothing, and so is never seen here.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms
from functions.core.ids import ID_BYTES, id_text
from functions.merchants.store import PREFIX, KeyEntryItem
from functions.platform.bus.stream import StreamRecord
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import told
from functions.platform.storage.table import RawItem
from functions.platform.storage.transactions import Update, WriteSet, commit

EVERY: Final = timedelta(hours=1)
_MOST: Final = 10_000


class NotedAlreadyError(Exception):
    """Within the hour, or the key is gone."""


def note(records: Iterable[StreamRecord]) -> None:
    """Note which keys a batch of the stream shows at work.

    Args:
        records: Any; those that no merchant's key made are passed over.
    """
    now = container().clock.wall()
    used = {record.new["kb"]["B"] for record in records if record.new is not None and _is_its_doing(record)}
    for actor in sorted(used):
        if now - _noted.get(actor, datetime.min.replace(tzinfo=now.tzinfo)) >= EVERY:
            _note(actor, now)


def _is_its_doing(record: StreamRecord) -> bool:
    """Whether the write was told in the name of a key; a later write by somebody else may leave the name behind."""
    return record.new is not None and "kb" in record.new and bool(told(b"", record.new, record.old))


def _note(actor: bytes, now: datetime) -> None:
    merchant_id, key_id = id_text(PREFIX, actor[:ID_BYTES]), id_text("key", actor[ID_BYTES:])
    fresh = Path("lu").does_not_exist() | (Path("lu") <= epoch_ms(now - EVERY))
    noted = Update(
        KeyEntryItem,
        merchant_id,
        keys.key_entry(key_id),
        (Path("lu").set(epoch_ms(now)),),
        Path("pk").exists() & fresh,
        _already,
    )
    with suppress(NotedAlreadyError):
        commit(container().tables, WriteSet.of(noted))
    if len(_noted) >= _MOST:
        _noted.clear()
    _noted[actor] = now


def _already(_: RawItem | None) -> Exception:
    return NotedAlreadyError()


_noted: dict[bytes, datetime] = {}


def forget() -> None:
    """Drop what this process remembers: after a SnapStart restore, and between tests."""
    _noted.clear()
