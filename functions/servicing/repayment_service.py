"""Repayments: ask the rail, and when it confirms, plans, line, credit balance and ledger follow in one transaction.

Nothing is written before the rail is asked. It takes our reference once, answers a retry the same, and gives our memo
back with its callback, so that a crash in between loses nothing (docs/adr/0011).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from functions.core.clock import from_epoch_ms, isoformat, local_date
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.credit.lines.service import plan_line_change
from functions.ledger.entries import EntryKind
from functions.lending.allocation import Allocation, take_back
from functions.lending.plan import PlanState
from functions.lending.plans.balance_store import balance_of, plan_balance_change
from functions.lending.plans.drawing import oldest_first
from functions.lending.plans.service import (
    Booking,
    Entries,
    PlanChanges,
    draw_into,
    open_plan_ids,
    plan_ids_since,
    read_plans,
)
from functions.lending.plans.store import PlanItem
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.table import BATCH_GET_LIMIT
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import Call
from functions.servicing.autopay.instrument_service import account_of, own_instrument
from functions.servicing.autopay.store import INSTRUMENT_PREFIX
from functions.servicing.credit_service import draw_now
from functions.servicing.ports import Collection, RailWord
from functions.servicing.repayment import (
    EVENTS,
    KEEP_TERM,
    PAYOFF,
    PREPAY,
    Status,
    Wish,
    next_status,
    require_possible,
    spread,
)
from functions.servicing.repayment_store import (
    RepaymentItem,
    new_item,
    pack_memo,
    plan_state,
    repayment_id,
    status_of,
)
from functions.servicing.schemas import RepaymentRequest

_TRIES: Final = 6
_NO_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True)
class Found:
    """What one read found: the repayment itself, and the plans it may go to."""

    own: RepaymentItem | None
    plans: list[PlanItem]


def repay(body: RepaymentRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Collect an amount from a customer.

    Returns:
        The repayment (received, pending or failed), and whether it is the same one again.

    Raises:
        As `functions.servicing.repayment.require_possible`; nothing is written, nobody is charged.
        RailTimeoutError: The rail did not answer; asking again with the same key is safe.
    """
    box, command = container(), call.command()
    name = repayment_id(box.secrets.key("ids"), command)
    if body.plan_id is not None:
        plan_ids = [require_id("plan", body.plan_id)]
    else:
        plan_ids = open_plan_ids(call.who.id, body.currency)
    found = read(name, plan_ids)
    if found.own is not None:
        same_body(found.own.body, command)
        return present_repayment(found.own), True
    now = box.clock.now()
    wish = Wish(
        customer_id=call.who.id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        intent=body.intent,
        plan_id=body.plan_id,
        mode=(body.mode or KEEP_TERM) if body.intent == PREPAY else "",
        value_on=local_date(now, found.plans[0].zone if found.plans else _NO_ZONE),
        asked_at=now,
        plan_ids=tuple([plan.id for plan in oldest_first([item.plan() for item in found.plans])]),
        key=command.key,
        body=command.body,
    )
    return collect(name, wish, found, body.instrument, call.request_id)


def collect(
    name: str, wish: Wish, found: Found, instrument: str | None, request_id: str
) -> tuple[dict[str, Any], bool]:
    """Ask the rail for what a customer wants to pay, and write down what it says.

    Args:
        name: Id of the repayment.
        wish: What is wanted.
        found: As read.
        instrument: Of the customer's.
        request_id: Of the call.

    Returns:
        The repayment, and whether another try of the same command, which waited for the rail too, has begun it.
    """
    require_possible(wish, [item.plan() for item in found.plans])
    chosen = _account(wish.customer_id, instrument)
    item, begun_before = ask_and_write(name, wish, found, instrument, chosen, request_id)
    return present_repayment(item), begun_before


def _account(customer_id: str, instrument: str | None) -> str | None:
    """The number of an account that the customer has told us; the rail knows others by a name of its own.

    Raises:
        NotFoundError: An account that is not the customer's; on a live stage, any name that is none of ours.
    """
    if instrument is None:
        return None
    if not instrument.startswith(f"{INSTRUMENT_PREFIX}_") and not container().settings.is_live:
        return None
    return account_of(own_instrument(instrument, customer_id))


def ask_and_write(  # noqa: PLR0917  what is asked, in the order of `collect`
    name: str, wish: Wish, found: Found, instrument: str | None, account: str | None, request_id: str
) -> tuple[RepaymentItem, bool]:
    """Ask the rail, whether or not it was asked the same before, and write down what it says.

    Args:
        name: Id of the repayment.
        wish: What is wanted.
        found: As read.
        instrument: Of the customer's.
        account: Its number in clear, where we know it.
        request_id: Of the call.

    Returns:
        As `take_word`.

    Raises:
        RailTimeoutError: No answer; asking again is safe.
    """
    box = container()
    asked = Collection(
        reference=name,
        customer_id=wish.customer_id,
        amount_minor=wish.amount_minor,
        currency=wish.currency,
        instrument=instrument,
        memo=pack_memo(box.secrets.key("rail_memos"), name, wish),
        account=account,
    )
    said = box.port("payment_rail").collect(asked)
    return take_word(name, wish, said, found, request_id)


def read(name: str, plan_ids: list[str] | tuple[str, ...], *, consistent: bool = False) -> Found:
    """A repayment and plans, in one request."""
    wanted: list[tuple[Any, str, str]] = [(RepaymentItem, name, keys.SELF)]
    wanted += [(PlanItem, each, keys.SELF) for each in plan_ids]
    own, *plans = container().tables.batch_get(wanted, consistent=consistent)
    return Found(own, [item for item in plans if isinstance(item, PlanItem)])


def take_word(name: str, wish: Wish, said: RailWord, found: Found, request_id: str) -> tuple[RepaymentItem, bool]:
    """Write down what the rail says of a repayment, once, in whatever order it says it.

    Args:
        name: Id of the repayment.
        wish: What was asked.
        said: By the rail.
        found: As read; begun again on a fresh read where somebody was faster.
        request_id: Of the call.

    Returns:
        The repayment as it stands now, and whether somebody else has begun it.

    Raises:
        UnavailableError: The customer's plans changed too often; the rail says it again.
    """
    box = container()
    for _ in range(_TRIES):
        after = next_status(status_of(found.own), said.status)
        if after is None:
            assert found.own is not None, "a repayment not written yet can be begun with anything"
            return found.own, True
        item = found.own or new_item(name, wish, said)
        try:
            commit(box.tables, *plan_word(item, after, said, found.plans, request_id))
        except ConditionFailedError:
            found = read(name, wish.plan_ids, consistent=True)
            continue
        count(f"Repayment_{after}")
        if item.credited:
            with suppress(UnavailableError):  # the next due day draws it otherwise
                draw_now(item.customer_id, item.currency, box.clock.now())
        return item, found.own is not None
    raise UnavailableError("the plans are busy", retry_after_s=1)


def plan_word(
    item: RepaymentItem, after: Status, said: RailWord, plans: list[PlanItem], request_id: str
) -> list[WriteSet]:
    """A repayment's next state, and where money moved all that follows from it.

    Args:
        item: As read or new; is changed.
        after: Its next state.
        said: By the rail.
        plans: Those it may go to, as read.
        request_id: Of the call.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    now, seen, before = container().clock.now(), item.version, item.status
    item.version, item.status, item.failure = seen + 1, str(after), said.failure_code
    takes_back = after is Status.REVERSED and before == Status.RECEIVED
    changes, entries = PlanChanges.of(_with_later(item, plans) if takes_back and item.credited else plans), Entries()
    moved = 0
    if after is Status.RECEIVED:
        item.amount = said.amount_minor
        moved = _receive(item, changes, entries, now)
    elif takes_back:
        moved = _take_back(item, changes, entries, now)
    item.explained = entries.memory_of(item.pk, item.explained)
    item.outbox = None
    if after in EVENTS:
        item.tell(now, request_id, Pending(EVENTS[after]))
    return [
        plan_state(item, seen),
        changes.writes(entries, now, request_id),
        *(plan_line_change(alias, change) for alias, change in changes.lines.items()),
        plan_balance_change(item.customer_id, item.currency, moved, now),
        entries.writes,
    ]


def _receive(item: RepaymentItem, changes: PlanChanges, entries: Entries, now: datetime) -> int:
    """Spread the money; returns what becomes credit balance."""
    wish, before = item.wish(), dict(changes.plans)
    allocation = spread(wish, list(changes.plans.values()), item.amount, item.pk, _today(changes, now))
    item.allocate(allocation)
    recovered = allocation.effects and all(before[name].state is PlanState.CHARGED_OFF for name in allocation.effects)
    kind = EntryKind.PAYOFF if item.intent == PAYOFF else EntryKind.REPAYMENT
    booking = Booking(
        EntryKind.RECOVERY if recovered else kind,
        item.customer_id,
        item.currency,
        now,
        wish.value_on,
        item.key.hex(),
    )
    return _booked(item, booking, allocation, changes, entries)


def _take_back(item: RepaymentItem, changes: PlanChanges, entries: Entries, now: datetime) -> int:
    """Undo the repayment on every plan; returns what the credit balance gives, negative."""
    plans = list(changes.plans.values())
    on = max([_today(changes, now), *[plan.settled_on for plan in plans]])
    available = balance_of(item.customer_id, item.currency)
    allocation = take_back(
        plans,
        item.allocated(),
        item.unowned or 0,
        on=on,
        customer_id=item.customer_id,
        reference=item.pk,
        credit_available_minor=available,
        since_on=item.wish().value_on,
    )
    booking = Booking(EntryKind.REPAYMENT_REVERSAL, item.customer_id, item.currency, now, on, item.key.hex())
    moved = _booked(item, booking, allocation, changes, entries)
    left = available + moved
    if left > 0:  # what is left pays what is owed again, as any credit balance
        moved -= draw_into(changes, entries, replace(booking, kind=EntryKind.CREDIT_BALANCE), left)
    return moved


def _today(changes: PlanChanges, now: datetime) -> date:
    zone = next((each.zone for each in changes.items.values()), _NO_ZONE)
    return local_date(now, zone)


def _with_later(item: RepaymentItem, plans: list[PlanItem]) -> list[PlanItem]:
    """The plans of a repayment, and those that its credit balance may have paid since."""
    known = {each.pk for each in plans}
    later = plan_ids_since(item.customer_id, item.currency, from_epoch_ms(item.created_at_ms))
    return [*plans, *read_plans([each for each in later if each not in known][:BATCH_GET_LIMIT], consistent=True)]


def _booked(
    item: RepaymentItem, booking: Booking, allocation: Allocation, changes: PlanChanges, entries: Entries
) -> int:
    changes.take(allocation.plans, allocation.effects)
    entries.post(booking, allocation.effect.postings, (item.pk, *allocation.effects), item.version)
    return allocation.effect.credit_balance_minor


def read_repayment(name: str, customer_id: str) -> dict[str, Any]:
    """A customer's own repayment.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item: RepaymentItem | None = container().tables.get(RepaymentItem, require_id("rep", name), consistent=True)
    if item is None or item.customer_id != customer_id:
        raise NotFoundError
    return present_repayment(item)


def present_repayment(item: RepaymentItem) -> dict[str, Any]:
    """A repayment as its customer sees it, in answers and events."""
    names = ("amount_minor", "principal_minor", "fee_minor", "late_minor")
    wish = item.wish()
    return {
        "id": item.pk,
        "object": "repayment",
        "status": item.status,
        "version": item.version,
        "amount_minor": item.amount,
        "currency": item.currency,
        "intent": item.intent,
        "plan_id": item.plan_id,
        "mode": item.mode,
        "value_on": wish.value_on.isoformat(),
        "provider_reference": item.provider,
        "failure_code": item.failure,
        "allocations": [
            {"plan_id": f"plan_{tail}", **dict(zip(names, figures, strict=True))} for tail, *figures in item.parts or ()
        ],
        "credit_balance_minor": item.credited or 0,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
    }
