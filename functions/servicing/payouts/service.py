"""Use cases of payouts: ask for one, hear from the rail, pay out what has lain too long.

The balance is taken before the rail is asked and stands as "in transit" meanwhile: money is never promised twice. The
rail takes the payout's id once, so whoever dies in between asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, NotFoundError, UnavailableError
from functions.core.ids import derived_id, id_bytes, keyed_hash, require_id
from functions.core.money import require_currency
from functions.ledger.entries import EntryKind
from functions.lending.plans.balance_store import balance_of, plan_balance_change
from functions.lending.plans.service import Booking, Entries
from functions.platform.container import Container, container
from functions.platform.observability import count, log
from functions.platform.parallel import each_for_itself
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import same_body
from functions.platform.web.context import HASH_BYTES, Call, Command
from functions.servicing.autopay.instrument_service import mandate_of, open_number, own_instrument
from functions.servicing.autopay.store import InstrumentItem, instruments_of
from functions.servicing.credit_service import draw_now
from functions.servicing.payouts.payout import (
    KEPT_AT_MOST,
    TRANSITIONS,
    PayoutStatus,
    balance_change_minor,
    posting_of,
    transit_change_minor,
)
from functions.servicing.payouts.schemas import PayoutRequest
from functions.servicing.payouts.store import (
    BY_AGE,
    BY_CUSTOMER,
    PREFIX,
    PayoutItem,
    TimerItem,
    plan_payout,
    plan_timer,
    plan_timer_gone,
    plan_timer_later,
    timer,
    timer_id,
)
from functions.servicing.ports import Disbursement, RailStatus, RailTimeoutError, RailWord

_TRIES: Final = 5
_SOON: Final = timedelta(hours=1)
_DAILY: Final = timedelta(days=1)
_NOTHING: Final = WriteSet()


class PayoutMismatchError(ConflictError):
    code, title = "payout_mismatch", "The payout is of another amount"


class CreditBalanceShortError(ConflictError):
    code, title = "credit_balance_short", "There is less to your credit"


def request_payout(body: PayoutRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Pay out part or all of a customer's credit balance; what is due is paid from it first.

    Returns:
        The payout (paid, pending or failed), and whether it is the same one again.

    Raises:
        NotFoundError: The account is not the customer's.
        CreditBalanceShortError: Carries `balance_minor`; nothing was written.
    """
    box, command = container(), call.command()
    name = derived_id(PREFIX, box.secrets.key("ids"), command.scope)
    if (again := _same(box, name, command)) is not None:
        return again, True
    require_currency(body.currency)
    instrument = own_instrument(body.instrument_id, call.who.id)
    now = box.clock.now()
    draw_now(call.who.id, body.currency, now)
    balance = balance_of(call.who.id, body.currency)
    amount = balance if body.amount_minor is None else body.amount_minor
    if not 0 < amount <= balance:
        if (again := _same(box, name, command)) is not None:  # another copy of this command has used it
            return again, True
        raise CreditBalanceShortError(f"{balance} is to your credit", balance_minor=balance)
    item = _new(name, instrument, body.currency, amount, command, now)
    item.cause = BY_CUSTOMER
    try:
        _enter(box, item, PayoutStatus.PENDING, now, call.request_id)
    except ConditionFailedError as error:
        if (again := _same(box, name, command)) is not None:
            return again, True
        raise CreditBalanceShortError("it was used a moment ago") from error
    with suppress(RailTimeoutError):  # taken or not, the sweep asks again: the answer is that it is on its way
        item = _ask(box, item, call.request_id)
    return present_payout(item), False


def _same(box: Container, name: str, command: Command) -> dict[str, Any] | None:
    """The payout that this command has made, if it has."""
    found: PayoutItem | None = box.tables.get(PayoutItem, name, consistent=True)
    if found is None:
        return None
    same_body(found.body, command)
    return present_payout(found)


def _new(  # noqa: PLR0917  what a payout is
    name: str, instrument: InstrumentItem, currency: str, amount_minor: int, command: Command, now: datetime
) -> PayoutItem:
    return PayoutItem(
        pk=name,
        version=0,
        customer=id_bytes(instrument.pk),
        currency=currency,
        amount=amount_minor,
        instrument=id_bytes(instrument.id),
        account=instrument.number,
        cause=BY_AGE,
        created_at_ms=epoch_ms(now),
        key=command.key,
        body=command.body,
    )


def _enter(  # noqa: PLR0917  as the others, and what goes with it
    box: Container, item: PayoutItem, after: PayoutStatus, now: datetime, request_id: str, also: WriteSet = _NOTHING
) -> None:
    """Write a payout's next state with the money that it moves."""
    seen, entries = item.version, Entries()
    item.version, item.status, item.outbox = seen + 1, str(after), None
    booking = Booking(EntryKind.CREDIT_PAYOUT, item.customer_id, item.currency, now, now.date(), item.key.hex())
    entries.post(booking, (posting_of(after, item.customer_id, item.amount),), (item.pk,), item.version)
    item.explained = entries.memory_of(item.pk, item.explained)
    item.look_again(now + _SOON if after is PayoutStatus.PENDING else None)
    item.tell(now, request_id, Pending(f"credit_payout.{after}"))
    change, transit = balance_change_minor(after, item.amount), transit_change_minor(after, item.amount)
    commit(
        box.tables,
        plan_payout(item, seen),
        plan_balance_change(item.customer_id, item.currency, change, now, in_transit_minor=transit),
        entries.writes,
        also,
    )
    count(f"CreditPayout_{after}")


def _ask(box: Container, item: PayoutItem, request_id: str) -> PayoutItem:
    sealed = item.account or own_instrument(item.instrument_id, item.customer_id).number
    number = open_number(item.customer_id, item.instrument_id, sealed)
    asked = Disbursement(item.pk, item.customer_id, item.amount, item.currency, number)
    return take_word(box.port("payment_rail").pay_out(asked), request_id)


def take_word(said: RailWord, request_id: str) -> PayoutItem:
    """Write down what the rail says of a payout, once, however often it says it.

    Raises:
        NotFoundError: There is no such payout.
        PayoutMismatchError: It is about another amount; nothing is written.
        UnavailableError: The payout is busy; the rail says it again.
    """
    box = container()
    for _ in range(_TRIES):
        item: PayoutItem | None = box.tables.get(PayoutItem, require_id(PREFIX, said.reference), consistent=True)
        if item is None:
            raise NotFoundError
        if (said.currency, said.amount_minor) != (item.currency, item.amount):
            raise PayoutMismatchError
        now = box.clock.now()
        after = TRANSITIONS[PayoutStatus(item.status)].get(said.status)
        if after is None and (said.status is not RailStatus.PENDING or item.provider):
            return item
        item.provider, item.failure = said.provider_reference, said.failure_code
        try:
            if after is None:
                _note(box, item, now)
            else:
                _enter(box, item, after, now, request_id)
        except ConditionFailedError:
            continue
        if after in {PayoutStatus.FAILED, PayoutStatus.RETURNED}:
            begin_timer(item.customer_id, item.currency)
        return item
    raise UnavailableError("the payout is busy", retry_after_s=1)


def _note(box: Container, item: PayoutItem, now: datetime) -> None:
    """Remember that the rail has it; it is looked after once a day."""
    seen = item.version
    item.version, item.outbox = seen + 1, None
    item.look_again(now + _DAILY)
    commit(box.tables, plan_payout(item, seen))


def ask_again(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Look after payouts that the rail has not answered.

    Args:
        due: Keys of payouts in the action index.
        now: Business time of the sweep.

    Returns:
        How many were settled, each of which tells it.
    """
    box = container()
    return sum(each_for_itself(lambda pk: _ask_again(box, pk, now), [pk for pk, _ in due]))


def _ask_again(box: Container, pk: str, now: datetime) -> int:
    item: PayoutItem | None = box.tables.get(PayoutItem, pk, consistent=True)
    if item is None or item.status != PayoutStatus.PENDING:
        return 0
    try:
        after = _ask(box, item, "")
    except (RailTimeoutError, NotFoundError):
        count("CreditPayoutUnanswered")
        log().warning("payout unanswered", extra={"payout_id": pk})
        after = item
    if after.status == PayoutStatus.PENDING:
        _note(box, after, now)
        return 0
    return 1


def begin_timer(customer_id: str, currency: str) -> None:
    """Have a credit balance go back by itself in thirty days; a timer that is running goes on."""
    box = container()
    if balance_of(customer_id, currency) <= 0:
        return
    pk = timer_id(box.secrets.key("ids"), customer_id, currency)
    entry = timer(pk, id_bytes(customer_id), currency, box.clock.now() + KEPT_AT_MOST)
    with suppress(ConditionFailedError):
        commit(box.tables, plan_timer(entry))


def pay_out_old(due: Sequence[tuple[str, str]], now: datetime) -> int:
    """Pay out credit balances whose time is over.

    Args:
        due: Keys of timers in the action index.
        now: Business time of the sweep.

    Returns:
        How many payouts were made, each of which tells it.
    """
    box = container()

    def one(key: tuple[str, str]) -> int:
        item: TimerItem | None = box.tables.get(TimerItem, *key, consistent=True)
        with suppress(ConditionFailedError):  # the balance or the timer changed: the next sweep looks again
            return _pay_out_old(box, item, now) if item is not None else 0
        return 0

    return sum(each_for_itself(one, due, named=lambda key: key[0]))


def _pay_out_old(box: Container, item: TimerItem, now: datetime) -> int:
    draw_now(item.customer_id, item.currency, now)
    balance = balance_of(item.customer_id, item.currency)
    if balance <= 0:
        commit(box.tables, plan_timer_gone(item))
        return 0
    instrument = _usual_account(item.customer_id, item.currency)
    if instrument is None:
        count("CreditPayoutWithoutAccount")
        commit(
            box.tables, plan_timer_later(timer(item.pk, item.customer, item.currency, now + KEPT_AT_MOST), item.hour)
        )
        return 0
    secret = box.secrets.key("ids")
    name = derived_id(PREFIX, secret, item.pk, item.hour)
    key, body = (keyed_hash(secret, part, name, size=HASH_BYTES) for part in ("key", "body"))
    payout = _new(name, instrument, item.currency, balance, Command(key, body, name), now)
    _enter(box, payout, PayoutStatus.PENDING, now, "", plan_timer_gone(item))
    with suppress(RailTimeoutError):
        _ask(box, payout, "")
    return 1


def _usual_account(customer_id: str, currency: str) -> InstrumentItem | None:
    """The account of the mandate, or the one the customer told us last."""
    known = {item.id: item for item in instruments_of(customer_id)}
    mandate = mandate_of(customer_id, currency)
    named = known.get(mandate.instrument_id or "") if mandate else None
    return named or max(known.values(), key=lambda item: (item.created_at_ms, item.sk), default=None)


def read_payout(name: str, call: Call) -> dict[str, Any]:
    """A customer's own payout.

    Raises:
        NotFoundError: Not there, or another customer's.
    """
    item: PayoutItem | None = container().tables.get(PayoutItem, require_id(PREFIX, name), consistent=True)
    if item is None or item.customer_id != call.who.id:
        raise NotFoundError
    return present_payout(item)


def present_payout(item: PayoutItem) -> dict[str, Any]:
    """A payout as its customer sees it, in answers and events."""
    return {
        "id": item.pk,
        "object": "credit_payout",
        "status": item.status,
        "version": item.version,
        "amount_minor": item.amount,
        "currency": item.currency,
        "instrument_id": item.instrument_id,
        "cause": item.cause,
        "provider_reference": item.provider,
        "failure_code": item.failure,
        "created_at": isoformat(from_epoch_ms(item.created_at_ms)),
    }
