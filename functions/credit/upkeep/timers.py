"""What ends by itself: a temporary limit on its last day, a freeze at its instant."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.core.clock import epoch_ms, local_date
from functions.core.errors import NotFoundError
from functions.credit.lines.store import LineItem
from functions.credit.upkeep.line_desk import OnLine
from functions.credit.upkeep.moves import by_hand, set_timer
from functions.credit.upkeep.store import LimitFileItem, plan_file
from functions.credit.upkeep.values import LimitChange
from functions.customers.service import get_customer
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit

SWEEP: Final = "sweep"


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:
    """What the action-hour sweep does with limit files.

    Args:
        due: Keys of limit files.
        now: Instant of the sweep.
    """
    each_for_itself(lambda pk: _end_all(pk, now), [pk for pk, _ in due])


def _end_all(file_id: str, now: datetime) -> None:
    with suppress(ConditionFailedError):  # a review or a person was faster and has moved the hour
        while end_one(file_id, now):
            pass


def end_one(file_id: str, now: datetime) -> bool:
    """End the first thing of a file that is over.

    Returns:
        Whether there may be more.
    """
    tables = container().tables
    file: LimitFileItem | None = tables.get(LimitFileItem, file_id, consistent=True)
    if file is None or file.hour is None:
        return False
    line: LineItem | None = tables.get(LineItem, keys.line(file.alias), consistent=True)
    if line is None:
        return False
    seen, file.version, file.outbox = file.version, file.version + 1, None
    try:
        customer = get_customer(file.customer_id)
    except NotFoundError:
        _forget(file, seen)
        return False
    at = OnLine(customer, line, file, seen)
    change = _over(at, now)
    if change is not None:
        commit(tables, at.plan(change, SWEEP))
        return True
    if file.thaw_ms is not None and file.thaw_ms <= epoch_ms(now):
        file.thaw_ms = None  # somebody has lifted the freeze before its time
        set_timer(file, customer.zone)
        commit(tables, plan_file(file, seen))
        return True
    return False


def _over(at: OnLine, now: datetime) -> LimitChange | None:
    temporary = at.file.temporary
    if temporary is not None and local_date(now, at.customer.zone) > temporary.until_on:
        after = max(0, at.line.limit - temporary.extra_minor)
        return by_hand(at.line, "temporary_end", "temporary_end", "policy", after_minor=after)
    if at.file.thaw_ms is not None and at.file.thaw_ms <= epoch_ms(now) and at.line.status == "frozen":
        change = by_hand(at.line, "lift", "thawed", "policy", extra_minor=at.file.extra or 0)
        return replace(change, temporary=temporary)
    return None


def _forget(file: LimitFileItem, seen: int) -> None:
    """An erased customer is owed nothing any more."""
    file.shard, file.hour = None, None
    commit(container().tables, plan_file(file, seen))
