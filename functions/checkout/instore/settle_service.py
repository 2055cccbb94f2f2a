"""What happens to a sale at a till by itself: captured after the reversal window, declined when nobody says a word.

The queue comes back when the wait is over; a timer in the action index finds, in the hour after, what the queue has
not done. Both ask the sale itself what is due, so neither harms when early, late or twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from functions.checkout.instore.sale_service import finish
from functions.checkout.instore.timer_store import plan_done
from functions.core.errors import ConflictError, NotFoundError
from functions.core.ids import id_bytes, id_text
from functions.payments.authorization import Status
from functions.payments.service import due_of, load
from functions.payments.store import to_value
from functions.payments.till_service import end_wait
from functions.platform.container import container
from functions.platform.observability import count, log
from functions.platform.parallel import each_for_itself
from functions.platform.storage.transactions import ConditionFailedError, commit

REQUEST: Final = "till"
_NOTHING: Final = timedelta()


def settle(authorization_id: str) -> timedelta:
    """Do what is due to a sale.

    Returns:
        How long to wait before asking again; nothing if there is nothing more to do.

    Raises:
        UnavailableError: Storage did not answer; ask again.
    """
    item = load(authorization_id, consistent=True)
    due, now = due_of(item), container().clock.now()
    if due is not None and now < due:
        return due - now
    with suppress(ConditionFailedError):  # the shop or the customer was faster, and what they did is told again
        if due is not None and to_value(item).status is Status.APPROVED:
            _capture(authorization_id)
        elif due is not None:
            end_wait(item, now, REQUEST)
    commit(container().tables, plan_done(authorization_id))
    return _NOTHING


def _capture(authorization_id: str) -> None:
    try:
        finish(load(authorization_id, consistent=True), request_id=REQUEST)
    except ConflictError as error:
        # suspended, voided or expired since it was read: whoever did that has the last word
        log().info("sale not captured", extra={"code": error.code})
    else:
        count("in_store_captured")


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """What the action-hour sweep does with sales that the queue has not finished.

    Args:
        due: Keys of timers.
        now: Instant of the sweep.
    """
    each_for_itself(_settle_late, [id_text("auth", id_bytes(pk)) for pk, _ in due])


def _settle_late(authorization_id: str) -> None:
    with suppress(NotFoundError):
        settle(authorization_id)
