"""When a plan is owed something next: a reminder, its due day, the day after, late charge, a worse bucket, charge-off.

One pure function of the plan, the customer's segment and time zone. The plan carries the only memory, `done_through`:
the hour up to which all is done. It only moves forward, so an action is done once whatever happens to the plan, to the
sweep or to the clocks of the zone. Days are the customer's; a day begins where its zone says, even where midnight is
skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from functions.core.clock import local_date
from functions.core.errors import InvalidError
from functions.lending.plan import BUCKET_STARTS, Plan, PlanState, Row
from functions.messaging.quiet import SEND_FROM_HOUR, SEND_UNTIL_HOUR

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_DAY_START = 0


class UnknownSegmentError(InvalidError):
    code, title = "unknown_segment", "No such reminder segment"


class QuietHourError(InvalidError):
    code, title = "quiet_hour", "Reminders are not sent at this hour"


class ActionKind(IntEnum):
    """What is owed; of one hour they are done in this order."""

    RELEASE = 1
    DUE = 2
    LATE = 3
    BUCKET = 4
    REMINDER = 5
    CHARGE_OFF = 6
    BACKSTOP = 7
    OVERDUE = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """How a kind of customer is reminded.

    Args:
        steps: Days from the due day, ascending: −7 is a week before, 3 is three days after.
        send_hour: Local hour, within the sending hours.

    Raises:
        QuietHourError: Outside them; the last hour is kept free, for zones that are off by half an hour.
    """

    steps: tuple[int, ...]
    send_hour: int

    def __post_init__(self) -> None:
        if not SEND_FROM_HOUR <= self.send_hour < SEND_UNTIL_HOUR - 1:
            raise QuietHourError(f"{self.send_hour}:00 is not from {SEND_FROM_HOUR}:00 to {SEND_UNTIL_HOUR - 2}:00")


SEGMENTS: Final[Mapping[str, Segment]] = MappingProxyType(
    {
        "standard": Segment((-7, -3, -1, 0, 1, 3, 7), 10),
        "steady": Segment((-1, 0, 1, 3, 7), 10),
        "first_plan": Segment((-7, -3, -1, 0, 1, 3, 7), 18),
        "evening": Segment((-3, -1, 0, 1, 3, 7), 19),
    }
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing owed to a plan.

    Args:
        at: The hour from which it is due, UTC.
        kind: What.
        installment: Which; 0 for what concerns the whole plan.
        step: Days from the due day.
        lapsed: A reminder whose local day or sending hours are over: noted as done, not sent.
    """

    at: datetime
    kind: ActionKind
    installment: int
    step: int
    lapsed: bool = False


def next_action(plan: Plan, segment: str, zone: str) -> datetime | None:
    """The earliest hour at which anything not done yet is owed to a plan.

    Args:
        plan: With its `done_through`.
        segment: Row of `SEGMENTS`.
        zone: IANA name, where the customer is.

    Returns:
        A whole hour, UTC; None when nothing will ever be owed unless the plan changes.

    Raises:
        UnknownSegmentError: No such segment.
    """
    after, info = _after(plan), ZoneInfo(zone)
    since, found, found_on = local_date(after, zone) - _DAY, None, date.max
    for first_on, planned in _planned(plan, _segment(segment)):
        if first_on > found_on:
            break
        for day, hour, _kind, _installment, _step in planned:
            if since <= day <= found_on:
                at = _hour_at(day, hour, info)
                if at > after and (found is None or at < found):
                    found, found_on = at, day
    return found


def due_actions(plan: Plan, segment: str, zone: str, now: datetime) -> tuple[Action, ...]:
    """All that is owed to a plan by an instant and not done yet, in the order to do it.

    Args:
        plan: With its `done_through`.
        segment: Row of `SEGMENTS`.
        zone: IANA name.
        now: Aware instant; do them, then store the plan `done(plan, now)`.

    Raises:
        UnknownSegmentError: No such segment.
    """
    after, info = _after(plan), ZoneInfo(zone)
    since, until, found = local_date(after, zone) - _DAY, local_date(now, zone), []
    for first_on, planned in _planned(plan, _segment(segment)):
        if first_on > until:
            break
        for day, hour, kind, installment, step in planned:
            at = _hour_at(day, hour, info) if since <= day <= until else after
            if after < at <= now:
                lapsed = kind is ActionKind.REMINDER and not _may_send(at, now, info)
                found.append(Action(at, kind, installment, step, lapsed))
    return tuple(sorted(found, key=lambda each: (each.at, each.kind, each.installment, each.step)))


def done(plan: Plan, now: datetime) -> Plan:
    """The plan with everything up to an instant done; going back in time changes nothing."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if plan.done_through is not None and hour <= plan.done_through:
        return plan
    return replace(plan, done_through=hour)


def _segment(name: str) -> Segment:
    try:
        return SEGMENTS[name]
    except KeyError:
        raise UnknownSegmentError(f"a segment is one of {', '.join(SEGMENTS)}") from None


def _after(plan: Plan) -> datetime:
    return plan.done_through or plan.opened_at


Planned = tuple[date, int, ActionKind, int, int]
"""Local day and hour, kind, installment, step."""


def _planned(plan: Plan, segment: Segment) -> Iterator[tuple[date, Iterable[Planned]]]:
    """Everything there ever is to do, in groups; each with a day before which it asks for nothing, ascending."""
    yield date.min, [(each.on, _DAY_START, ActionKind.RELEASE, 0, 0) for each in plan.releases]
    if plan.backstop_on and plan.unfulfilled_minor and not plan.disputed_minor:
        # what a dispute stopped on its day is done on the day after its end
        day = max(plan.backstop_on, plan.resumed_on + _DAY) if plan.resumed_on else plan.backstop_on
        yield day, [(day, _DAY_START, ActionKind.BACKSTOP, 0, 0)]
    if plan.state is not PlanState.ACTIVE:
        return
    waiting = [row for row in plan.rows if row.unpaid_minor and not row.disputed]
    waiting.sort(key=lambda row: (row.counted_from_on, row.number))
    if waiting:
        yield date.min, _of_plan(plan, waiting[0])
    lead = timedelta(days=min(0, segment.steps[0]))
    for row in waiting:
        yield row.counted_from_on + lead, _of_row(plan, row, segment)


def _begins_on(plan: Plan, row: Row) -> date:
    """A dispute's pause moves what is owed to an installment; what had its day before the end is not owed again."""
    return plan.resumed_on + _DAY if plan.resumed_on and row.paused_days else date.min


def _of_plan(plan: Plan, oldest: Row) -> Iterator[Planned]:
    begins_on, oldest_on = _begins_on(plan, oldest), oldest.counted_from_on
    steps = [(start, ActionKind.BUCKET) for start, _bucket in BUCKET_STARTS]
    for start, kind in [*steps, (max(1, plan.rules.charge_off_days), ActionKind.CHARGE_OFF)]:
        day = oldest_on + timedelta(days=start)
        if day >= begins_on:
            yield day, _DAY_START, kind, 0, start


def _of_row(plan: Plan, row: Row, segment: Segment) -> Iterator[Planned]:
    begins_on, due_on = _begins_on(plan, row), row.counted_from_on
    steps = [(0, _DAY_START, ActionKind.DUE), (1, _DAY_START, ActionKind.OVERDUE)]
    if plan.rules.late_daily_bps:
        steps.append((plan.rules.grace_days + 1, _DAY_START, ActionKind.LATE))
    steps += [(step, segment.send_hour, ActionKind.REMINDER) for step in segment.steps]
    for step, hour, kind in steps:
        day = due_on + timedelta(days=step)
        if day >= begins_on:
            yield day, hour, kind, row.number, step


def _hour_at(day: date, hour: int, info: ZoneInfo) -> datetime:
    """The first whole UTC hour not before a local hour: so nothing happens on the day before.

    A local time that clocks skip is read with the offset before the jump, which is the instant of the jump.
    """
    at = datetime.combine(day, time(hour), info).astimezone(UTC)
    start = at.replace(minute=0, second=0, microsecond=0)
    return start if start == at else start + _HOUR


def _may_send(at: datetime, now: datetime, info: ZoneInfo) -> bool:
    wanted, here = at.astimezone(info), now.astimezone(info)
    return here.date() == wanted.date() and here.hour < SEND_UNTIL_HOUR
