"""What other slices may do with stored plans: find a customer's, and write what happened to some of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from functions.core.clock import epoch_ms
from functions.core.errors import NotFoundError
from functions.core.ids import require_id
from functions.ledger.entries import Entry, EntryKind, Posting
from functions.ledger.explained import Explained
from functions.ledger.service import accounting_day, entry_id, plan_entry
from functions.lending.cash import NOTHING, Effect, Notice
from functions.lending.line import NO_CHANGE, LineChange
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.drawing import draw_credit
from functions.lending.plans.next_action import next_action
from functions.lending.plans.store import PlanItem, PlanRow, plan_change, put_plan, rows_key
from functions.platform.bus.registry import EVENT_TYPES
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import BATCH_GET_LIMIT, RawItem
from functions.platform.storage.transactions import WriteSet

OPEN_STATES: Final = frozenset({PlanState.ACTIVE, PlanState.CHARGED_OFF})
"""In these a plan can be paid."""
_TOLD: Final = ("plan.", "installment.", "capture.fulfilled")
"""What a plan tells of itself; what else a transform notes is told by the refund or repayment that did it."""
_ROWS: Final = 500


def read_plan(plan_id: str, customer_id: str, *, consistent: bool = False) -> PlanItem:
    """A customer's own plan; another's is not there.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item: PlanItem | None = container().tables.get(PlanItem, require_id("plan", plan_id), consistent=consistent)
    if item is None or item.customer_id != customer_id:
        raise NotFoundError
    return item


def read_plans(plan_ids: Sequence[str], *, consistent: bool = False) -> list[PlanItem]:
    """Plans by id, at most 100 in one request; those that are not there are left out."""
    found = container().tables.batch_get([(PlanItem, each, keys.SELF) for each in plan_ids], consistent=consistent)
    return [item for item in found if isinstance(item, PlanItem)]


def open_plan_ids(customer_id: str, currency: str) -> list[str]:
    """Plans of a customer that can be paid, oldest first, at most 100, from the list that the projector keeps.

    A plan captured a moment ago may be missing: nothing of it is due yet.
    """
    ids: list[str] = []
    for row in _rows(customer_id):
        if row.currency == currency and row.status in OPEN_STATES:
            ids.append(row.plan_id)
        if len(ids) == BATCH_GET_LIMIT:
            break
    return ids


def plan_ids_since(customer_id: str, currency: str, since: datetime | None) -> list[str]:
    """Plans of a customer that can be paid, and those captured since an instant whatever became of them, oldest first.

    Args:
        customer_id: Whose.
        currency: In which.
        since: None for all there ever were.
    """
    first = f"{epoch_ms(since):013d}" if since else ""
    return [
        row.plan_id
        for row in _rows(customer_id)
        if row.currency == currency and (row.status in OPEN_STATES or row.sk >= first)
    ]


def plan_states(customer_id: str) -> dict[str, str]:
    """State of every plan of a customer by plan id, as the projector last heard of it."""
    return {row.plan_id: row.status for row in _rows(customer_id)}


def _rows(customer_id: str) -> Iterator[PlanRow]:
    start: RawItem | None = None
    while True:
        rows, start = container().tables.query(PlanRow, rows_key(customer_id), limit=_ROWS, start=start)
        yield from rows
        if start is None:
            return


def pending_of(notices: Iterable[Notice]) -> list[Pending]:
    """The events a plan tells itself."""
    return [
        Pending(notice.type, {"installments": list(notice.installments)} if notice.installments else None)
        for notice in notices
        if notice.type.startswith(_TOLD) and notice.type in EVENT_TYPES
    ]


@dataclass(frozen=True, slots=True)
class Booking:
    """Why something is posted.

    Args:
        kind: What happened.
        owner: In whose partition the entry lies; the customer's, as a rule.
        currency: Of its postings.
        at: Business time.
        value_on: The day it counts for, where its month is still open.
        command_id: Of the command that caused it.
    """

    kind: EntryKind
    owner: str
    currency: str
    at: datetime
    value_on: date
    command_id: str


@dataclass
class Entries:
    """The ledger entries of one write, each remembered by every state item that it explains.

    Args:
        writes: The entries, each of which must be new.
    """

    writes: WriteSet = field(default_factory=WriteSet)
    _all: list[Entry] = field(default_factory=list)

    def post(self, booking: Booking, postings: tuple[Posting, ...], explains: Sequence[str], version: int) -> None:
        """Post, where any money moved.

        Args:
            booking: Why.
            postings: In the order they were decided.
            explains: State items of the same write, the main one first.
            version: That the main one gets.
        """
        if not postings:
            return
        entry = Entry(
            id=entry_id(explains[0], version),
            currency=booking.currency,
            postings=postings,
            occurred_at=booking.at,
            effective_on=accounting_day(booking.value_on),
            kind=booking.kind,
            explains=tuple(explains),
            command_id=booking.command_id,
        )
        self._all.append(entry)
        self.writes += plan_entry(entry, owner=booking.owner)

    def of(self, name: str) -> list[str]:
        """Ids of those that explain an item."""
        return [entry.id for entry in self._all if name in entry.explains]

    def memory_of(self, name: str, before: bytes | None = None) -> bytes:
        """What an item remembers of its entries, with those of this write."""
        memory = Explained.from_bytes(before)
        for each in self.of(name):
            memory = memory.plus(each)
        return memory.to_bytes()


@dataclass
class PlanChanges:
    """Plans of one customer in one currency as a use case changes them; each is written once, whatever happened to it.

    Args:
        items: As read.
    """

    items: Mapping[str, PlanItem]
    plans: dict[str, Plan] = field(init=False)
    _effects: dict[str, Effect] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plans = {name: item.plan() for name, item in self.items.items()}

    @classmethod
    def of(cls, items: Iterable[PlanItem]) -> PlanChanges:
        """Of plans as read."""
        return cls({item.pk: item for item in items})

    def take(self, plans: Iterable[Plan], effects: Mapping[str, Effect]) -> None:
        """Note what an operation made of some plans.

        Args:
            plans: As they are now.
            effects: What it did to each, by id.
        """
        for plan in plans:
            self.plans[plan.id] = plan
            self._effects[plan.id] = self._effects.get(plan.id, NOTHING) + effects[plan.id]

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of plans that anything was noted of."""
        return tuple(self._effects)

    @property
    def lines(self) -> dict[int, LineChange]:
        """What happens to the customer's line, by alias."""
        out: dict[int, LineChange] = {}
        for name, effect in self._effects.items():
            alias = self.items[name].alias
            out[alias] = out.get(alias, NO_CHANGE) + effect.line
        return out

    def writes(self, entries: Entries, at: datetime, request_id: str) -> WriteSet:
        """The changed plans over the versions that were read, with their events and next action hours.

        Args:
            entries: Of the same write.
            at: Business time.
            request_id: Of the request that caused it.
        """
        shards, out = container().settings.shards, WriteSet()
        for name, effect in self._effects.items():
            item, plan = self.items[name], self.plans[name]
            seen = item.version
            item.version, item.outbox = seen + 1, None
            put_plan(item, plan, next_action(plan, item.segment, item.zone), shards)
            item.explained = entries.memory_of(name, item.explained)
            events = pending_of(effect.notices)
            if events:
                item.tell(at, request_id, *events)
            out += plan_change(item, seen)
        return out


def draw_into(
    changes: PlanChanges,
    entries: Entries,
    booking: Booking,
    available_minor: int,
    cause: tuple[str, int] | None = None,
) -> int:
    """Let a credit balance pay what is due.

    Args:
        changes: With the customer's open plans.
        entries: Takes the entry.
        booking: Why; its value date is today where the customer is.
        available_minor: The credit balance, at least 1.
        cause: Id and new version of the item that this is written with; the first plan paid, if none.

    Returns:
        What it took of the balance.
    """
    drawn = draw_credit(
        list(changes.plans.values()),
        available_minor,
        on=booking.value_on,
        customer_id=booking.owner,
        reference=f"{booking.command_id}:credit",
    )
    changes.take(drawn.plans, drawn.effects)
    paid = tuple(drawn.effects)
    if paid:
        name, version = cause or (paid[0], changes.items[paid[0]].version + 1)
        explains = tuple(dict.fromkeys((name, *paid)))
        entries.post(booking, drawn.effect.postings, explains, version)
    return -drawn.effect.credit_balance_minor
