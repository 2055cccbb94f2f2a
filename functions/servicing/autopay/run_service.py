"""Collections on due days: begun when an installment falls due, tried by schedule until the money comes or hope ends.

An attempt writes down what it asks for before it asks, under a reference that is for ever the same: whoever dies in
between, or does not hear the rail's answer, asks again for the same and is answered the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

from functions.core.clock import local_date
from functions.core.errors import NotFoundError
from functions.core.ids import derived_id, keyed_hash
from functions.lending.changes.waterfall import payable, row_due_minor
from functions.lending.late import settle
from functions.lending.plans.drawing import oldest_first
from functions.lending.plans.next_action import ActionKind, due_actions
from functions.lending.plans.service import open_plan_ids
from functions.lending.plans.store import PlanItem
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.parallel import AT_ONCE, each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.context import HASH_BYTES
from functions.servicing.autopay.attempt import Step, attempt_at, following
from functions.servicing.autopay.instrument_service import account_of, mandate_of, own_instrument
from functions.servicing.autopay.store import (
    ASKING,
    ENDED,
    TOLD,
    WAITING,
    InstrumentItem,
    MandateItem,
    RunItem,
    plan_state,
    run_id,
)
from functions.servicing.ports import RailTimeoutError
from functions.servicing.repayment import DUE, Status, Wish
from functions.servicing.repayment_service import Found, ask_and_write, read
from functions.servicing.repayment_store import RepaymentItem, status_of

_SWEEP: Final = "sweep"
_LATER: Final = timedelta(hours=1)
"""After this a rail that did not answer is asked again, and money on its way is looked after."""
_TOLD_FOR: Final = timedelta(days=1)


def begin_runs(items: Sequence[PlanItem], now: datetime) -> int:
    """Begin the collection of what falls due of some plans, where their customers gave a mandate; twice begins none.

    Args:
        items: Plans as read.
        now: Business time.

    Returns:
        How many runs were begun.
    """
    box = container()
    wanted = {(item.customer_id, item.currency, due_on): item for item in items for due_on in _falling_due(item, now)}
    owners = list(dict.fromkeys((customer, currency) for customer, currency, _ in wanted))
    found = box.tables.batch_get(
        [(MandateItem, customer, keys.autopay(currency)) for customer, currency in owners], consistent=True
    )
    given = {owner for owner, mandate in zip(owners, found, strict=True) if mandate is not None and mandate.enabled}
    begun = 0
    for (customer, currency, due_on), item in wanted.items():
        if (customer, currency) in given:
            with suppress(ConditionFailedError):
                commit(box.tables, plan_state(_new_run(box, item, due_on), 0))
                begun += 1
    return begun


def _falling_due(item: PlanItem, now: datetime) -> set[date]:
    plan = item.plan()
    return {
        plan.rows[action.installment - 1].due_on
        for action in due_actions(plan, item.segment, item.zone, now)
        if action.kind is ActionKind.DUE
    }


def _new_run(box: Container, item: PlanItem, due_on: date) -> RunItem:
    run = RunItem(
        pk=run_id(box.secrets.key("ids"), item.customer_id, item.currency, due_on),
        version=1,
        customer=item.customer,
        currency=item.currency,
        zone=item.zone,
        due=due_on.toordinal(),
    )
    run.look_again(attempt_at(due_on, 0, item.zone))
    return run


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Go on with some runs.

    Args:
        due: Keys of runs in the action index.
        now: Business time of the sweep.

    Returns:
        How many repayments were made or runs ended, each of which tells it.

    Raises:
        Exception: The first that went wrong, after all others have been done.
    """
    box = container()

    def one(pk: str) -> int:
        run: RunItem | None = box.tables.get(RunItem, pk, consistent=True)
        return _go_on(box, run, now) if run is not None and run.state != ENDED and run.hour is not None else 0

    return sum(each_for_itself(one, [pk for pk, _ in due], at_once=AT_ONCE))


def _go_on(box: Container, run: RunItem, now: datetime) -> int:
    found = _plans_of(box, run)
    if found.own is not None:
        return _follow(box, run, found.own, now)
    source = _source(run)
    if source is None:
        return _end(box, run, now, "no_mandate")
    mandate, instrument = source
    if run.state == WAITING:
        due = _due_minor(found.plans, now)
        if not due:
            return _end(box, run, now, "nothing_due")
        amount = due - _under_way_minor(box, run, mandate)
        if amount <= 0:  # another run has it on its way; if it does not come, it is asked for here
            run.look_again(now + _LATER)
            _save(box, run)
            return 0
        _ask_for(box, run, mandate, amount if mandate.limit is None else min(amount, mandate.limit), now)
    try:
        item, _ = ask_and_write(
            _reference(box, run),
            _wish(box, run, found.plans, now),
            found,
            instrument.id,
            account_of(instrument),
            _SWEEP,
        )
    except RailTimeoutError:
        count("AutopayTimeout")
        run.look_again(now + _LATER)
        _save(box, run)
        return 0
    return 1 + _follow(box, run, item, now)


def _plans_of(box: Container, run: RunItem) -> Found:
    return read(_reference(box, run), open_plan_ids(run.customer_id, run.currency), consistent=True)


def _source(run: RunItem) -> tuple[MandateItem, InstrumentItem] | None:
    mandate = mandate_of(run.customer_id, run.currency)
    if mandate is None or not mandate.enabled or mandate.instrument_id is None:
        return None
    try:
        return mandate, own_instrument(mandate.instrument_id, run.customer_id)
    except NotFoundError:
        return None


def _under_way_minor(box: Container, run: RunItem, mandate: MandateItem) -> int:
    """What the run that asked last has asked for and not heard of yet."""
    if mandate.asked in {None, run.pk}:
        return 0
    other: RunItem | None = box.tables.get(RunItem, str(mandate.asked), consistent=True)
    if other is None or other.state not in {ASKING, TOLD}:
        return 0
    status = status_of(box.tables.get(RepaymentItem, _reference(box, other), consistent=True))
    return (other.amount or 0) if status in {None, Status.PENDING} else 0


def _ask_for(box: Container, run: RunItem, mandate: MandateItem, amount_minor: int, now: datetime) -> None:
    """Write down what is going to be asked for, on the run and on the mandate: of two runs at once one begins anew.

    Raises:
        ConditionFailedError: Another run asks, or the customer has changed the mandate.
    """
    seen, given = run.version, mandate.version
    run.state, run.amount, run.version, run.outbox = ASKING, amount_minor, seen + 1, None
    run.look_again(now)
    mandate.asked, mandate.version, mandate.outbox = run.pk, given + 1, None
    commit(box.tables, plan_state(run, seen), plan_state(mandate, given))


def _due_minor(items: Iterable[PlanItem], now: datetime) -> int:
    """All that is due by now."""
    due = 0
    for item in items:
        plan = item.plan()
        on = max(local_date(now, item.zone), plan.settled_on)
        settled = settle(plan, on)
        due += sum(row_due_minor(settled, row, on) for row in payable(settled, on))
    return due


def _reference(box: Container, run: RunItem) -> str:
    """Names the repayment of the run's present attempt."""
    return derived_id("rep", box.secrets.key("ids"), run.pk, run.attempt)


def _wish(box: Container, run: RunItem, items: Sequence[PlanItem], now: datetime) -> Wish:
    secret, name = box.secrets.key("commands"), _reference(box, run)
    return Wish(
        customer_id=run.customer_id,
        amount_minor=run.amount or 0,
        currency=run.currency,
        intent=DUE,
        plan_id=None,
        mode="",
        value_on=local_date(now, run.zone),
        asked_at=now,
        plan_ids=tuple([plan.id for plan in oldest_first([item.plan() for item in items])]),
        key=keyed_hash(secret, "autopay", name, size=HASH_BYTES),
        body=keyed_hash(secret, "autopay body", name, size=HASH_BYTES),
    )


def _follow(box: Container, run: RunItem, item: RepaymentItem, now: datetime) -> int:
    """Do what follows from the repayment of the present attempt; how many events that told."""
    status = status_of(item) or Status.PENDING
    step = following(run.attempt, status, item.failure)
    if step is Step.DONE:
        return _end(box, run, now, str(status))
    if step is Step.GIVE_UP:
        return _end(box, run, now, item.failure or str(status))
    if step is Step.WAIT:
        run.state = TOLD
        run.look_again(now + _TOLD_FOR)
    else:
        run.state, run.amount, run.attempt = WAITING, None, run.attempt + 1
        run.look_again(attempt_at(run.due_on, run.attempt, run.zone, after=now))
    _save(box, run)
    return 0


def _end(box: Container, run: RunItem, now: datetime, reason: str) -> int:
    run.state, run.reason = ENDED, reason
    run.look_again(None)
    failed = reason not in {Status.RECEIVED, Status.REVERSED, "nothing_due", "no_mandate"}
    _save(box, run, *((Pending("autopay.failed", {"reason": reason}),) if failed else ()), at=now)
    count(f"AutopayEnded_{'failed' if failed else 'done'}")
    return int(failed)


def _save(box: Container, run: RunItem, *events: Pending, at: datetime | None = None) -> None:
    seen = run.version
    run.version, run.outbox = seen + 1, None
    if events and at is not None:
        run.tell(at, "", *events)
    commit(box.tables, plan_state(run, seen))
