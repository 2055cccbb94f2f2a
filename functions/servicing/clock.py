"""The sandbox's clock: business time jumps from action hour to action hour, through the real handlers.

A worker message is one turn. A turn does stop after stop for a few seconds, as long as nothing is told that others must
hear first; then it looks, turn by turn, whether everything set going has come to rest. The states of a stop:

    sweeping   a page of what is due is done here; more than a page is put on the sweep queue
    working    until the sweep queue is empty
    draining   a beacon was written, which travels as any event does: until it has come out behind all that was told
               before it, and the queues are empty
    assessing  the credit models still weigh what was told: until they are done, then another beacon follows what they
               have told

and then the clock jumps to the next hour in which anything is due, or to the target.

A message of an older turn is dropped, so one that SQS delivers twice, or a second request to advance, never makes two
clocks run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import InvalidError, NotFoundError, UnavailableError
from functions.platform.bus.stream import dumps
from functions.platform.container import Container, container
from functions.platform.observability import log
from functions.platform.sandbox_clock import IDLE, SEEN, ClockItem, SeenItem
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, Put, WriteSet, commit
from functions.servicing.sweep import PAGE_IDS, Key, do_page, next_hour, page, peek, send_pages, sweep

CLOCK_KIND: Final = "clock"
BEACON_EVENT: Final = "clock.ticked"
SWEEPING, WORKING, DRAINING, ASSESSING = "sweeping", "working", "draining", "assessing"
MAX_AHEAD: Final = timedelta(days=3660)
_TURN_S: Final = 5.0
POLLS: Final = 25
_PAUSE_S: Final = 0.02
_QUICK_LOOKS: Final = 20
_TRIES: Final = 5
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


Told = tuple[Pending, ...]


class ClockBackwardsError(InvalidError):
    code, title = "clock_backwards", "Time does not run backwards"


class ClockTooFarError(InvalidError):
    code, title = "clock_too_far", "The clock can't be advanced that far"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the clock stands.

    Args:
        now: Business time.
        wall: Wall time.
        target: Where an advance under way is going, or None.
        stops: How many stops it has made since the platform began.
    """

    now: datetime
    wall: datetime
    target: datetime | None
    stops: int


def progress() -> Progress:
    """Where the clock stands.

    Raises:
        NotFoundError: A live stage, where there is no such clock.
    """
    return _progress(_sandbox(), _load(_sandbox()))


def advance(to: datetime) -> Progress:
    """Begin to advance business time, or send an advance under way further.

    Args:
        to: Aware; not before the present business time nor before the target of an advance under way.

    Raises:
        NotFoundError: A live stage.
        ClockBackwardsError: `to` lies before either; says where the clock stands.
        ClockTooFarError: More than ten years ahead of wall time.
        UnavailableError: Not begun, or begun without its worker; asking again is safe and starts it.
    """
    box = _sandbox()
    item = _load(box)
    now = _now(box, item)
    earliest = max(now, _epoch(item.target_s)) if item.target_s is not None else now
    if to < earliest:
        raise ClockBackwardsError(f"the clock stands at or is on its way to {isoformat(earliest)}", now=isoformat(now))
    if to > box.clock.wall() + MAX_AHEAD:
        raise ClockTooFarError(f"at most {MAX_AHEAD.days} days ahead of {isoformat(box.clock.wall())}")
    item.target_s = _seconds_up(to)
    item.state = SWEEPING if item.state == IDLE else item.state
    # two on: a worker in the middle of a turn names the next one, which must be old by then
    item.turn += 2
    _save(box, item)
    _send_turn(box, item.turn)
    return _progress(box, item)


def turn(body: Mapping[str, Any]) -> None:
    """Do one turn of the clock and ask for the next.

    Args:
        body: {"kind": "clock", "turn": n, "looks": m}; `looks` counts the turns before that found no rest.
    """
    box = container()
    for _ in range(_TRIES):
        item = _load(box)
        if box.settings.is_live or item.target_s is None or body["turn"] < item.turn:
            return
        seen = item.version
        try:
            _go_on(box, item)
        except ConditionFailedError:
            continue  # the turn before wrote itself down only now, or another request took the clock over: see which
        if item.state != IDLE:
            looks = body.get("looks", 0) + 1 if item.version == seen else 0
            _hand_over(box, item, max(item.turn, body["turn"]) + 1, looks)
        return
    raise UnavailableError("the clock is turned by too many", retry_after_s=1)


def _hand_over(box: Container, item: ClockItem, following: int, looks: int) -> None:
    """Call the next turn, then end this one: a message too many is dropped, one too few would stop the clock."""
    _send_turn(box, following, looks)
    item.turn = following
    with suppress(ConditionFailedError):  # the next turn was quicker; it goes on from here
        _save(box, item)


def _go_on(box: Container, item: ClockItem) -> None:
    """Step after step, each saved before the next, until there is something to wait for or the turn is long enough."""
    ends_at = time.monotonic() + _TURN_S
    polls = 0
    while item.state != IDLE and time.monotonic() < ends_at:
        before = item.state, item.stops, item.beacon
        told = _STEPS[item.state](box, item)
        if before != (item.state, item.stops, item.beacon):
            _save(box, item, *told)
            if told:
                return  # what was told is heard sooner when this function is not in its way
            continue
        polls += 1
        if polls == POLLS:
            return
        time.sleep(_PAUSE_S)


def _sweep(box: Container, item: ClockItem) -> Told:
    now = _now(box, item)
    due = peek(now, PAGE_IDS)
    if due is None:
        sweep(now)
        item.state = WORKING
        return ()
    if due and _done_here(due, now):
        return _light(item)
    return _jump(box, item)


def _done_here(due: Sequence[Key], now: datetime) -> bool:
    """Do a page at once; whether anything was told, or may have been."""
    try:
        return do_page(page(due, now)) != 0
    except Exception:  # noqa: BLE001  as any page that failed, it is tried again from the queue
        log().exception("page failed", extra={"consumer": CLOCK_KIND})
        send_pages(due, now)
        return True


def _light(item: ClockItem) -> Told:
    item.state, item.beacon = DRAINING, item.beacon + 1
    return (Pending(BEACON_EVENT, {"beacon": item.beacon}),)


def _work(box: Container, item: ClockItem) -> Told:
    return _light(item) if _at_rest(box, box.settings.sweep_queue_url, own=1) else ()


def _drain(box: Container, item: ClockItem) -> Told:
    seen = box.tables.get(SeenItem, keys.CLOCK, SEEN, consistent=True)
    arrived = seen is not None and seen.beacon >= item.beacon
    if (
        arrived
        and _at_rest(box, box.settings.messages_queue_url, own=0)
        and _at_rest(box, box.settings.sweep_queue_url, own=1)
    ):
        if _at_rest(box, box.settings.assessments_queue_url, own=0):
            return _jump(box, item)
        item.state = ASSESSING
    return ()


def _assess(box: Container, item: ClockItem) -> Told:
    return _light(item) if _at_rest(box, box.settings.assessments_queue_url, own=0) else ()


def _jump(box: Container, item: ClockItem) -> Told:
    now, target = _now(box, item), _epoch(item.target_s or 0)
    if now >= target:
        item.state, item.target_s = IDLE, None
        return ()
    due = next_hour(now)
    stop = min(due, target) if due else target
    item.offset_s = max(item.offset_s, _seconds_up(stop) - int(box.clock.wall().timestamp()))
    item.stops += 1
    item.state = SWEEPING
    return ()


_STEPS: Final[Mapping[str, Callable[[Container, ClockItem], Told]]] = {
    SWEEPING: _sweep,
    WORKING: _work,
    DRAINING: _drain,
    ASSESSING: _assess,
}


def note_beacon(number: int) -> None:
    """Write down that a beacon has come out of the messages queue."""
    entry = SeenItem(pk=keys.CLOCK, sk=SEEN, beacon=number)
    later = Path("pk").does_not_exist() | (Path("be") < number)
    with suppress(ConditionFailedError):
        commit(container().tables, WriteSet.of(Put(entry, later)))


def _sandbox() -> Container:
    box = container()
    if box.settings.is_live:
        raise NotFoundError
    return box


def _load(box: Container) -> ClockItem:
    return box.tables.get(ClockItem, keys.CLOCK, consistent=True) or ClockItem(pk=keys.CLOCK, version=0)


def _save(box: Container, item: ClockItem, *events: Pending) -> None:
    seen = item.version
    item.version, item.outbox = seen + 1, None
    if events:
        item.tell(_now(box, item), "", *events)
    condition = Path("v") == seen if seen else Path("pk").does_not_exist()
    commit(box.tables, WriteSet.of(Put(item, condition)))


def _now(box: Container, item: ClockItem) -> datetime:
    """Business time by the item just read; the container's own view of the offset may be a second old."""
    return box.clock.wall() + timedelta(seconds=item.offset_s)


def _progress(box: Container, item: ClockItem) -> Progress:
    target = _epoch(item.target_s) if item.target_s is not None else None
    return Progress(_now(box, item), box.clock.wall(), target, item.stops)


def _epoch(seconds: int) -> datetime:
    return from_epoch_ms(seconds * 1000)


def _seconds_up(at: datetime) -> int:
    """Whole seconds since 1970, rounded up: the clock never stops short of an instant."""
    return -(-epoch_ms(at) // 1000)


def _send_turn(box: Container, number: int, looks: int = 0) -> None:
    """Ask for a turn: at once, and after many looks without rest a second later."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        box.client("sqs").send_message(
            QueueUrl=box.settings.sweep_queue_url,
            MessageBody=dumps({"kind": CLOCK_KIND, "turn": number, "looks": looks}),
            DelaySeconds=int(looks > _QUICK_LOOKS),
        )
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("the clock's worker was not called; ask again", retry_after_s=1) from error


def _at_rest(box: Container, url: str, own: int) -> bool:
    """Whether a queue holds nothing but, at most, the message being handled here.

    SQS counts approximately; the beacon, not the count, says that what was told before has arrived.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = box.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(retry_after_s=1) from error
    waiting, delayed, in_flight = (int(found[name]) for name in _COUNTS)
    return waiting == delayed == 0 and in_flight <= own
