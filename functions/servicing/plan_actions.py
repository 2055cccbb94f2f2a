"""What the action-hour sweep does with a plan: all that is due, in one transaction over the version that was read.

Due days, late charge and delinquency are functions of dates: they are told, and need no write of their own but the next
hour. A reminder is a message that must be new; charge-off and the end of a hold move money, with their ledger entry;
whoever is in bucket M2 buys nothing more. Before all that, what the customer has to their credit pays what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Final

from pynamodb.expressions.operand import Path

from functions.core.clock import local_date
from functions.core.errors import UnavailableError
from functions.core.ids import keyed_hash
from functions.credit.lines.service import get_line, plan_freeze, plan_line_change
from functions.ledger.entries import Entry, EntryKind
from functions.ledger.service import accounting_day, entry_id, plan_entry
from functions.lending import life
from functions.lending.cash import NOTHING, Effect
from functions.lending.line import NO_CHANGE
from functions.lending.plan import BUCKET_STARTS, Plan
from functions.lending.plans.next_action import Action, ActionKind, done, due_actions, next_action
from functions.lending.plans.packing import UnreadablePlanError
from functions.lending.plans.store import PlanItem, plan_change, put_plan
from functions.messaging.service import AlreadyRequestedError, existing, id_of, request_message
from functions.platform.bus.registry import EVENT_TYPES
from functions.platform.container import Container, container
from functions.platform.observability import count, log
from functions.platform.parallel import AT_ONCE, each_for_itself
from functions.platform.storage.action_index import hour_key
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, Update, WriteSet, commit
from functions.platform.web.commands import remember
from functions.platform.web.context import HASH_BYTES, Command
from functions.servicing.autopay.run_service import begin_runs
from functions.servicing.credit_service import draw_due
from functions.servicing.reminders import TOPIC, Step

MAX_MESSAGES: Final = 40
"""In one transaction; a plan that was forgotten for years catches up in several, oldest hours first."""
_TRIES: Final = 5
_LAPSED: Final = "too_late"

Transform = Callable[[Plan, date], tuple[Plan, Effect]]

_TRANSFORMS: Final[Mapping[ActionKind, Transform]] = {
    ActionKind.RELEASE: lambda plan, on: life.release(plan, on=on),
    ActionKind.CHARGE_OFF: lambda plan, on: life.charge_off(plan, on=on),
    ActionKind.BACKSTOP: lambda plan, on: life.fulfil(plan, plan.unfulfilled_minor, on=on),
}
_ENTRY_KINDS: Final[Mapping[ActionKind, EntryKind]] = {
    ActionKind.CHARGE_OFF: EntryKind.CHARGE_OFF,
    ActionKind.BACKSTOP: EntryKind.HOLDBACK,
}
_TOLD: Final[Mapping[ActionKind, str]] = {
    ActionKind.DUE: "installment.due",
    ActionKind.OVERDUE: "installment.overdue",
}
FREEZES_FROM_DAY: Final = 31
"""Days past due from which a line is frozen: the beginning of bucket M2."""
_FREEZES_AS: Final = "delinquency_frozen"
_FREEZES_BY: Final = "rule:delinquency"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with one plan by an hour.

    Args:
        plan: As it will be.
        reminders: To be sent, or to be noted as lapsed.
        effect: Money moved.
        kind: Why money moved, or None.
        told: What a plan tells because a day has come.
        freezes: Whether the customer may buy nothing more on this line.
        now: Business time.
        more: Whether more is due after this.
    """

    plan: Plan
    reminders: tuple[Action, ...]
    effect: Effect
    kind: EntryKind | None
    told: tuple[Pending, ...]
    freezes: bool
    now: datetime
    more: bool


def work_of(plan: Plan, segment: str, zone: str, now: datetime) -> Work:
    """Decide what is due.

    Args:
        plan: As stored.
        segment: Row of `functions.lending.next_action.SEGMENTS`.
        zone: In which it counts its days.
        now: Business time.
    """
    taken: list[Action] = []
    through, more = now, False
    for at, hourly in groupby(due_actions(plan, segment, zone, now), key=lambda action: action.at):
        actions = list(hourly)
        if taken and len(taken) + len(actions) > MAX_MESSAGES:
            through, more = taken[-1].at, True
            break
        taken += actions
        through = max(through, at)
    effect, kind = NOTHING, None
    for action in taken:
        transform = _TRANSFORMS.get(action.kind)
        if transform:
            plan, moved = transform(plan, max(local_date(now, zone), plan.settled_on))
            effect, kind = effect + moved, _ENTRY_KINDS.get(action.kind, kind)
    reminders = tuple(action for action in taken if action.kind is ActionKind.REMINDER)
    freezes = any(action.kind is ActionKind.BUCKET and action.step >= FREEZES_FROM_DAY for action in taken)
    return Work(done(plan, through), reminders, effect, kind, told_of(taken), freezes, now, more)


def told_of(actions: Sequence[Action]) -> tuple[Pending, ...]:
    """What falling due, being overdue and coming into a worse bucket tell: each once, for all installments of the hour.

    Args:
        actions: Done in one write.
    """
    out = []
    for kind, event in _TOLD.items():
        numbers = [action.installment for action in actions if action.kind is kind]
        if numbers:
            out.append(Pending(event, {"installments": numbers}))
    days = max((action.step for action in actions if action.kind is ActionKind.BUCKET), default=0)
    if days:
        bucket = next(bucket for start, bucket in BUCKET_STARTS if days >= start)
        out.append(Pending("plan.delinquent", {"delinquency": str(bucket), "days_past_due": days}))
    return tuple(out)


def act(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Do all that is due of some plans.

    Args:
        due: Keys of plans.
        now: Business time of the sweep.

    Returns:
        How many events were told.

    Raises:
        Exception: The first that went wrong, after all others have been done.
    """
    box = container()
    found = box.tables.batch_get([(PlanItem, pk, sk) for pk, sk in due], consistent=True)
    items = [item for item in found if isinstance(item, PlanItem)]
    sound = [item for item in items if _is_readable(item)]  # the others raise in their turn
    told, undrawn = begin_runs(sound, now), None  # before any plan moves on: one whose run is not begun is due again
    try:
        told += draw_due(sound, now)
    except Exception as error:  # noqa: BLE001  a balance that can't pay must not keep the plans waiting
        log().exception("credit not drawn")
        undrawn = error
    told += sum(each_for_itself(lambda item: _do(box, item, now), items, named=lambda item: item.pk, at_once=AT_ONCE))
    if undrawn is not None:
        raise undrawn
    return told


def _is_readable(item: PlanItem) -> bool:
    try:
        item.plan()
    except UnreadablePlanError:
        return False
    return True


def _do(box: Container, item: PlanItem, now: datetime) -> int:
    """Everything due of one plan; reads it again where somebody was faster, or where there is more."""
    known: frozenset[str] = frozenset()
    conflicts, told = 0, 0
    while conflicts < _TRIES:
        work = work_of(item.plan(), item.segment, item.zone, now)
        following = next_action(work.plan, item.segment, item.zone)
        if _is_done(item, work, following):
            return told
        try:
            told += _commit(box, item, work, following, known)
        except AlreadyRequestedError:
            # a message without its mark in the plan: it is not asked for again, and the plan goes on
            known = existing(_message_id(item, action) for action in work.reminders)
            conflicts += 1
        except ConditionFailedError:
            conflicts += 1
        else:
            if not work.more:
                return told
        fresh = box.tables.get(PlanItem, item.pk, consistent=True)
        if fresh is None:
            return told
        item = fresh
    raise UnavailableError("the plan changed too often", retry_after_s=1)


def _is_done(item: PlanItem, work: Work, following: datetime | None) -> bool:
    stands_right = item.hour == (hour_key(following) if following else None)
    is_idle = not work.reminders and not work.told and work.effect == NOTHING
    return stands_right and is_idle and not work.more


def _commit(box: Container, item: PlanItem, work: Work, following: datetime | None, known: frozenset[str]) -> int:
    seen = item.version
    item.version, item.outbox = seen + 1, None
    put_plan(item, work.plan, following, box.settings.shards)
    money = _money(box, item, work) if work.effect != NOTHING else WriteSet()
    # where money moves on the line it is one write with it, and a charge-off closes the line anyway
    money += _freeze(item, work) if work.effect.line == NO_CHANGE else WriteSet()
    told = [Pending(notice.type) for notice in work.effect.notices if notice.type in EVENT_TYPES]
    told += work.told
    if told:
        item.tell(work.now, "", *told)
    asked = [action for action in work.reminders if _message_id(item, action) not in known]
    commit(box.tables, plan_change(item, seen), money, *(_message(item, action, work.now) for action in asked))
    to_send = sum(not action.lapsed for action in asked)
    count("ReminderRequested", to_send)
    count("ReminderLapsed", len(asked) - to_send)
    return to_send + len(told)


def _freeze(item: PlanItem, work: Work) -> WriteSet:
    """A line that a plan's delinquency freezes; one that is not active stays as it is."""
    line = get_line(item.alias, consistent=True) if work.freezes else None
    if line is None:
        return WriteSet()
    return plan_freeze(line, reason=_FREEZES_AS, by=_FREEZES_BY, request_id="")


def _message(item: PlanItem, action: Action, now: datetime) -> WriteSet:
    return request_message(
        TOPIC,
        item.customer_id,
        item.pk,
        number=action.installment,
        step=_step(item, action),
        at=now,
        suppressed=_LAPSED if action.lapsed else None,
    )


def _message_id(item: PlanItem, action: Action) -> str:
    return id_of(TOPIC, item.pk, action.installment, _step(item, action))


def _step(item: PlanItem, action: Action) -> str:
    return str(Step(action.step, item.plan().rows[action.installment - 1].due_on))


def _money(box: Container, item: PlanItem, work: Work) -> WriteSet:
    """Line and ledger of what the sweep did by itself; the plan remembers it like a command."""
    effect, on = work.effect, local_date(work.now, item.zone)
    line = plan_line_change(item.alias, effect.line)
    if effect.closes_line:
        line = _closing(line)
    if not effect.postings or work.kind is None:
        return line
    command = _command(box, item, work.kind)
    item.commands = remember(item.commands, command)
    entry = Entry(
        id=entry_id(item.pk, item.version),
        currency=item.currency,
        postings=effect.postings,
        occurred_at=work.now,
        effective_on=accounting_day(on),
        kind=work.kind,
        explains=(item.pk,),
        command_id=command.key.hex(),
    )
    item.explain(entry.id)
    return line + plan_entry(entry, owner=item.customer_id)


def _command(box: Container, item: PlanItem, kind: EntryKind) -> Command:
    scope = f"sweep\n{kind}\n{item.pk}\n{item.version}"
    key = box.secrets.key("commands")
    return Command(
        key=keyed_hash(key, "key", scope, size=HASH_BYTES),
        body=keyed_hash(key, "body", scope, size=HASH_BYTES),
        scope=scope,
    )


def _closing(line: WriteSet) -> WriteSet:
    """The same change of a line, which closes it: a charge-off ends the credit."""
    closed = Path("s").set("closed")
    return WriteSet(
        tuple(
            replace(operation, actions=(*operation.actions, closed)) if isinstance(operation, Update) else operation
            for operation in line.operations
        )
    )
