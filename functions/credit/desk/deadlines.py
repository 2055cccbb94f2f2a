"""Nobody is forgotten: a referral or an appeal without an answer is brought before the staff when its day is over."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from functions.core.clock import local_date
from functions.core.errors import NotFoundError
from functions.credit.desk.reconsideration import escalate
from functions.credit.desk.store import load_decision, plan_decision, put_work, to_work
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.parallel import each_for_itself
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit

ESCALATED = "decision.escalated"
SWEEP = "sweep"


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """What the action-hour sweep does with decisions that wait for a person.

    Args:
        due: Keys of decisions.
        now: Instant of the sweep.

    Returns:
        How many were escalated.
    """
    return sum(each_for_itself(lambda pk: _look_at(pk, now), [pk for pk, _ in due]))


def _look_at(decision_id: str, now: datetime) -> int:
    with suppress(ConditionFailedError, NotFoundError):  # a person was faster and has moved the hour; or erased
        return _escalate_one(decision_id, now)
    return 0


def _escalate_one(decision_id: str, now: datetime) -> int:
    item = load_decision(decision_id)
    work = to_work(item)
    if work is None:
        return 0
    after = escalate(work, local_date(now, item.zone))
    if after == work:
        return 0
    seen, item.version, item.outbox = item.version, item.version + 1, None
    put_work(item, after)
    item.tell(now, SWEEP, Pending(ESCALATED))
    commit(container().tables, plan_decision(item, seen))
    count("DecisionEscalated")
    return 1
