"""What the rail says by itself: confirmed late, failed after all, taken back by the customer's bank, never asked for.

It may say everything twice and in any order; a repayment's state table decides what is news.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.core.clock import epoch_ms
from functions.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from functions.core.ids import keyed_hash, require_id
from functions.ledger.accounts import Account
from functions.ledger.entries import EntryKind, Posting
from functions.lending.plans.service import Booking, Entries
from functions.platform.container import Container, container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.context import HASH_BYTES, Call
from functions.servicing.payouts import service as payouts
from functions.servicing.payouts.store import PREFIX as PAYOUT_PREFIX
from functions.servicing.ports import RailStatus, RailWord
from functions.servicing.repayment import Status, next_status
from functions.servicing.repayment_service import read, take_word
from functions.servicing.repayment_store import (
    ASSIGNED,
    ReceiptItem,
    RepaymentItem,
    plan_receipt_row,
    plan_state,
    read_memo,
    receipt_id,
    status_of,
)

UNMATCHED, REVERSED = "unmatched", "reversed"
_RECEIPTS: Final[Mapping[str | None, Mapping[RailStatus, str]]] = {
    None: {RailStatus.CONFIRMED: UNMATCHED, RailStatus.REVERSED: REVERSED},
    UNMATCHED: {RailStatus.REVERSED: REVERSED},
    ASSIGNED: {},
    REVERSED: {},
}
"""State of a receipt → what the rail says → next state; what fails or waits has moved nothing."""
_TRIES: Final = 4


class ProviderReferenceMismatchError(ConflictError):
    code, title = "provider_reference_mismatch", "The rail knows this repayment under another reference"


class RepaymentMismatchError(ConflictError):
    code, title = "repayment_mismatch", "The repayment is of another amount"


class RailCurrencyError(InvalidError):
    code, title = "currency_mismatch", "The repayment is in another currency"


def take_callback(call: Call) -> dict[str, Any]:
    """Take what the rail says.

    Raises:
        UnauthorizedError: It is not the rail.
        ProviderReferenceMismatchError, RailCurrencyError, RepaymentMismatchError: It is about another movement of
            money; nothing is written.
        UnavailableError: Not taken; the rail says it again.
    """
    box = container()
    said: RailWord = box.port("payment_rail").read_callback(call, box.clock.wall())
    return take(said, call.request_id)


def take_queued(body: Mapping[str, Any]) -> None:
    """Take what the sandbox's rail put on the queue to be said later."""
    fields = {name: value for name, value in body.items() if name != "kind"}
    take(RailWord(**{**fields, "status": RailStatus(fields["status"])}), "")


def take(said: RailWord, request_id: str) -> dict[str, Any]:
    """Take what the rail says, whichever way it came.

    Raises:
        ProviderReferenceMismatchError, RailCurrencyError, RepaymentMismatchError: It is about another movement of
            money; nothing is written.
        UnavailableError: Not taken; the rail says it again.
    """
    box = container()
    if said.reference.startswith(f"{PAYOUT_PREFIX}_"):
        return _payout(said, request_id)
    if not _is_ours(said.reference):
        return _receipt(box, said)
    wish = read_memo(box.secrets.key("rail_memos"), said.reference, said.memo)
    found = read(said.reference, wish.plan_ids if wish else ())
    if found.own is not None:
        if found.own.provider != said.provider_reference:
            raise ProviderReferenceMismatchError
        _require_whole(found.own, said)
        if wish is None and next_status(status_of(found.own), said.status) is not None:
            found = read(said.reference, found.own.wish().plan_ids, consistent=True)
        wish = found.own.wish() if found.own else wish
    if wish is None:
        return _receipt(box, said)
    if wish.currency != said.currency:
        raise RailCurrencyError(f"the repayment is in {wish.currency}")
    item, _ = take_word(said.reference, wish, said, found, request_id)
    return _taken(item.pk, item.status)


def _require_whole(own: RepaymentItem, said: RailWord) -> None:
    """A bank takes a repayment back as a whole: the books would lose more than the rail has, or less."""
    taken_back = said.status is RailStatus.REVERSED and status_of(own) is Status.RECEIVED
    if taken_back and said.amount_minor != own.amount:
        raise RepaymentMismatchError(f"it was {own.amount}", amount_minor=own.amount)


def _payout(said: RailWord, request_id: str) -> dict[str, Any]:
    """Money of ours on its way to a customer."""
    payout = payouts.take_word(said, request_id)
    return _taken(payout.pk, payout.status)


def _is_ours(reference: str) -> bool:
    try:
        require_id("rep", reference)
    except NotFoundError:
        return False
    return True


def _taken(name: str, status: str) -> dict[str, Any]:
    return {"object": "rail_callback", "id": name, "status": status}


def _receipt(box: Container, said: RailWord) -> dict[str, Any]:
    """Money that nobody asked for: kept apart until a person says whose it is."""
    name = receipt_id(box.secrets.key("ids"), said.provider_reference)
    for _ in range(_TRIES):
        item: ReceiptItem | None = box.tables.get(ReceiptItem, name, consistent=True)
        before = item.status if item else None
        if item is not None and before == ASSIGNED and said.status is RailStatus.REVERSED:
            return _taken_back(item, said)
        after = _RECEIPTS[before].get(said.status)
        if after is None:
            return _taken(name, before or "unknown")
        try:
            commit(box.tables, plan_receipt(box, item or _new_receipt(box, name, said), after))
        except ConditionFailedError:
            continue
        count("UnmatchedReceipt")
        return _taken(name, after)
    raise UnavailableError("the receipt is busy", retry_after_s=1)


def _taken_back(receipt: ReceiptItem, said: RailWord) -> dict[str, Any]:
    """The bank takes back money that a person has assigned: the repayment it became is reversed."""
    name = str(receipt.repayment_id)
    found = read(name, ())
    if found.own is None:
        raise NotFoundError
    wish = found.own.wish()
    item, _ = take_word(name, wish, said, read(name, wish.plan_ids, consistent=True), "")
    return _taken(item.pk, item.status)


def _new_receipt(box: Container, name: str, said: RailWord) -> ReceiptItem:
    secret = box.secrets.key("commands")
    return ReceiptItem(
        pk=name,
        version=0,
        status="",
        amount=said.amount_minor,
        currency=said.currency,
        provider=said.provider_reference,
        reference=said.reference,
        created_at_ms=epoch_ms(box.clock.now()),
        key=keyed_hash(secret, "rail", said.provider_reference, size=HASH_BYTES),
    )


def plan_receipt(box: Container, item: ReceiptItem, after: str) -> WriteSet:
    """A receipt's next state, with the entry where money comes to it or leaves it.

    Args:
        box: Of this process.
        item: As read or new; is changed.
        after: Its next state.

    Raises (at commit):
        ConditionFailedError: Somebody was faster.
    """
    now, seen, before, entries = box.clock.now(), item.version, item.status, Entries()
    item.version, item.status = seen + 1, after
    if UNMATCHED in {before, after}:
        posting = Posting(Account.CASH_AT_RAIL.of(), Account.UNMATCHED_RECEIPTS.of(), item.amount)
        came = after == UNMATCHED
        kind = EntryKind.REPAYMENT_REVERSAL if after == REVERSED else EntryKind.UNMATCHED_RECEIPT
        booking = Booking(kind, keys.HOUSE, item.currency, now, now.date(), item.key.hex())
        entries.post(booking, (posting if came else posting.swapped(),), (item.pk,), item.version)
    item.explained = entries.memory_of(item.pk, item.explained)
    return plan_state(item, seen) + entries.writes + (WriteSet() if seen else plan_receipt_row(item))
