"""The sandbox's clock: business time jumps from action hour to action hour, through the real handlers.

A worker message is one turn. A turn does stop after stop for a few seconds, as long as nothing is told that others must
hear first. Then it writes a beacon, which travels as any event does, behind all that was told before it; when it comes
out of the messages queue, it calls the next turn. The states of a stop:

    gathering  before anything is swept: until the beacon of whoever asked is out, and so all that was told before it
               has been heard, and the queues are empty
    sweeping   a page of what is due is done here; more than a page is put on the sweep queue
    working    until the sweep queue is empty
    draining   until the beacon behind what was told is out, and the queues are empty
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
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import InvalidError, NotFoundError, UnavailableError
from functions.platform.container import CLOCK_CACHE_S, Container, container
from functions.platform.observability import log
from functions.platform.sandbox_clock import IDLE, ClockItem
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, Put, WriteSet, commit
from functions.servicing.sweep import PAGE_IDS, Key, do_page, look_ahead, page, peek, send_pages, sweep

CLOCK_KIND: Final = "clock"
BEACON_EVENT: Final = "clock.ticked"
GATHERING, SWEEPING, WORKING = "gathering", "sweeping", "working"
DRAINING, ASSESSING = "draining", "assessing"
MAX_AHEAD: Final = timedelta(days=3660)
_TURN_S: Final = 5.0
POLLS: Final = 40
_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.04
_SLOWER: Final = 1.4
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
        UnavailableError: Perhaps not begun; asking again is safe.
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
    # two on: a worker in the middle of a turn names the next one, which must be old by then
    item.turn += 2
    _save(box, item, *_light(item, DRAINING if item.state == DRAINING else GATHERING))
    return _progress(box, item)


def turn(body: Mapping[str, Any]) -> None:
    """Do one turn of the clock and see to the next.

    Args:
        body: {"kind": "clock", "turn": n, "beacon": b, "looks": m}; `beacon` is the last that has come out, `looks`
            counts the turns before that found no rest.
    """
    box = container()
    for _ in range(_TRIES):
        item = _load(box)
        if box.settings.is_live or item.target_s is None or body["turn"] < item.turn:
            return
        seen, current = item.version, _Turn(box, item, body.get("beacon", 0))
        try:
            handed_on = current.go_on()
        except ConditionFailedError:
            continue  # the turn before wrote itself down only now, or another request took the clock over: see which
        if not handed_on and item.state != IDLE:
            looks = body.get("looks", 0) + 1 if item.version == seen else 0
            _hand_over(box, item, max(item.turn, body["turn"]) + 1, current.seen, looks)
        return
    raise UnavailableError("the clock is turned by too many", retry_after_s=1)


def _hand_over(box: Container, item: ClockItem, following: int, beacon: int, looks: int) -> None:
    """Call the next turn, then end this one: a message too many is dropped, one too few would stop the clock."""
    _send_turn(box, following, beacon, looks)
    item.turn = following
    with suppress(ConditionFailedError):  # the next turn was quicker; it goes on from here
        _save(box, item)


@dataclass(slots=True)
class _Turn:
    """One turn.

    Args:
        item: The clock as read, changed step by step.
        seen: The last beacon that has come out.
        due: What is due at this stop, where the jump to it has found that out.
    """

    box: Container
    item: ClockItem
    seen: int
    due: list[Key] | None = field(default=None, init=False)

    def go_on(self) -> bool:
        """Step after step, each saved before the next, until there is something to wait for or the turn is long enough.

        Returns:
            Whether a beacon is on its way, which calls the next turn.
        """
        ends_at = time.monotonic() + _TURN_S
        polls, item = 0, self.item
        while item.state != IDLE and time.monotonic() < ends_at:
            before = item.state, item.stops, item.beacon
            told = _STEPS[item.state](self)
            if before != (item.state, item.stops, item.beacon):
                _save(self.box, item, *told)
                if told:
                    return True
                continue
            polls += 1
            if polls == POLLS:
                return False
            time.sleep(min(_LONGEST_PAUSE_S, _PAUSE_S * _SLOWER ** (polls - 1)))
        return False

    def gather(self) -> Told:
        if self.seen < self.item.beacon:
            return _light(self.item, GATHERING)
        if self._heard() and self._assessed():
            self.item.state = SWEEPING
        return ()

    def sweep(self) -> Told:
        now = _now(self.box, self.item)
        due, self.due = self.due, None
        if due is None:
            due = peek(now, PAGE_IDS)
        if due is None:
            sweep(now)
            self.item.state = WORKING
            return ()
        if due and _done_here(due, now):
            return _light(self.item, DRAINING)
        return self._jump()

    def work(self) -> Told:
        return _light(self.item, DRAINING) if self._at_rest(self.box.settings.sweep_queue_url, own=1) else ()

    def drain(self) -> Told:
        if self.seen < self.item.beacon:
            return _light(self.item, DRAINING)
        if self._heard():
            if self._assessed():
                return self._jump()
            self.item.state = ASSESSING
        return ()

    def assess(self) -> Told:
        return _light(self.item, DRAINING) if self._assessed() else ()

    def _jump(self) -> Told:
        box, item = self.box, self.item
        now, target = _now(box, item), _epoch(item.target_s or 0)
        if now >= target:
            time.sleep(CLOCK_CACHE_S)  # who then reads "idle" finds every process at this time
            item.state, item.target_s = IDLE, None
            return ()
        hour, due = look_ahead(now, PAGE_IDS)
        stop = min(hour, target) if hour else target
        self.due = due if stop == hour else None
        item.offset_s = max(item.offset_s, _seconds_up(stop) - int(box.clock.wall().timestamp()))
        item.stops += 1
        item.state = SWEEPING
        return ()

    def _heard(self) -> bool:
        settings = self.box.settings
        return (
            self._at_rest(settings.messages_queue_url)
            and self._at_rest(settings.projections_queue_url)
            and self._at_rest(settings.sweep_queue_url, own=1)
        )

    def _assessed(self) -> bool:
        return self._at_rest(self.box.settings.assessments_queue_url)

    def _at_rest(self, url: str, own: int = 0) -> bool:
        """Whether a queue holds nothing but, at most, the message being handled here.

        SQS counts approximately; the beacon, not the count, says that what was told before has arrived.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        sqs = self.box.client("sqs")
        try:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(retry_after_s=1) from error
        waiting, delayed, in_flight = (int(found[name]) for name in _COUNTS)
        return waiting == delayed == 0 and in_flight <= own


_STEPS: Final[Mapping[str, Callable[[_Turn], Told]]] = {
    GATHERING: _Turn.gather,
    SWEEPING: _Turn.sweep,
    WORKING: _Turn.work,
    DRAINING: _Turn.drain,
    ASSESSING: _Turn.assess,
}


def _done_here(due: Sequence[Key], now: datetime) -> bool:
    """Do a page at once; whether anything was told, or may have been."""
    try:
        return do_page(page(due, now)) != 0
    except Exception:  # noqa: BLE001  as any page that failed, it is tried again from the queue
        log().exception("page failed", extra={"consumer": CLOCK_KIND})
        send_pages(due, now)
        return True


def _light(item: ClockItem, state: str) -> Told:
    """Wait in a state for a new beacon, which calls the next turn; all turns before that are old."""
    item.state, item.beacon, item.turn = state, item.beacon + 1, item.turn + 1
    return (Pending(BEACON_EVENT, {"beacon": item.beacon, "turn": item.turn}),)


def note_beacon(number: int, following: int) -> None:
    """A beacon has come out of the messages queue: call the turn that waits for it.

    Args:
        number: Of the beacon.
        following: Number of that turn.

    Raises:
        UnavailableError: The queue did not take it; the beacon comes again.
    """
    _send_turn(container(), following, number)


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


def _send_turn(box: Container, number: int, beacon: int, looks: int = 0) -> None:
    """Ask for a turn: at once, and after many looks without rest a second later."""
    body = {"kind": CLOCK_KIND, "turn": number, "beacon": beacon, "looks": looks}
    box.queue(box.settings.sweep_queue_url).send([body], delay_s=int(looks > _QUICK_LOOKS))
