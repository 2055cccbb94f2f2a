"""Ledger entries: what moved between which accounts, and why; never edited, only reversed.

A posting names both ends and one positive amount, so an entry balances by construction. `entry_bytes` is the
canonical form of an entry: the Merkle log hashes it, the table stores it, and an auditor recomputes it.

Source: double entry after Pacioli; reversal by swapped ends as in Formance Ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from functions.core.errors import InvalidError, NotFoundError
from functions.core.ids import ID_BYTES, encode, id_bytes, require_id
from functions.ledger.accounts import AccountRef

MAX_POSTINGS = 250
MAX_EXPLAINED = 100
MAX_AMOUNT_MINOR = 2**63 - 1
MAX_TEXT = 64


class EntryKind(StrEnum):
    """What happened; the stored name of a kind never changes."""

    CAPTURE = "capture"
    REFUND = "refund"
    DOWN_PAYMENT = "down_payment"
    REPAYMENT = "repayment"
    REPAYMENT_REVERSAL = "repayment_reversal"
    PAYOFF = "payoff"
    WITHDRAWAL = "withdrawal"
    DEFERRAL = "deferral"
    REPLAN = "replan"
    LATE_CHARGE = "late_charge"
    FEE_EARNED = "fee_earned"
    CREDIT_BALANCE = "credit_balance"
    CREDIT_PAYOUT = "credit_payout"
    UNMATCHED_RECEIPT = "unmatched_receipt"
    CHARGE_OFF = "charge_off"
    RECOVERY = "recovery"
    ALLOWANCE = "allowance"
    WAIVER = "waiver"
    DISPUTE = "dispute"
    HOLDBACK = "holdback"
    SUBSIDY = "subsidy"
    SETTLEMENT = "settlement"
    PAYOUT = "payout"
    ADVANCE = "advance"
    RAIL_FEE = "rail_fee"
    TAX = "tax"
    FUNDING = "funding"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class EntryRefusedError(InvalidError):
    code, title = "entry_refused", "The ledger does not take this entry"


class ReversalOfReversalError(EntryRefusedError):
    code, title = "reversal_of_reversal", "A reversal can't be reversed; post the original again"


@dataclass(frozen=True, slots=True)
class Posting:
    """One amount moving from the credited account to the debited one.

    Args:
        debit: Account whose debit side grows.
        credit: Account whose credit side grows.
        amount_minor: Minor units of the entry's currency, 1 … 2⁶³ − 1.
        about: The one object (usually a plan) this posting belongs to, so that balances can be told per plan.

    Raises:
        EntryRefusedError: Amount out of range, both ends the same, or a malformed `about`.
    """

    debit: AccountRef
    credit: AccountRef
    amount_minor: int
    about: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):
            raise EntryRefusedError("an amount is an integer number of minor units")
        if not 0 < self.amount_minor <= MAX_AMOUNT_MINOR:
            raise EntryRefusedError(f"an amount is 1 to {MAX_AMOUNT_MINOR} minor units, not {self.amount_minor}")
        if self.debit == self.credit:
            raise EntryRefusedError(f"both ends of a posting are {self.debit}")
        if self.about is not None:
            _require_text("about", self.about)

    def swapped(self) -> Posting:
        """The same amount back."""
        return replace(self, debit=self.credit, credit=self.debit)


@dataclass(frozen=True, slots=True)
class Entry:
    """One balanced transaction in one currency.

    Args:
        id: `txn_…`.
        currency: ISO 4217 code, three capital letters.
        postings: 1 … 250, in the order they were decided.
        occurred_at: Business time of the command, aware, whole milliseconds.
        effective_on: The day it counts for (value date), which may lie before `occurred_at`.
        kind: What happened.
        explains: Ids of the state items written with it (`plan_…`, `rep_…`), the main one first.
        command_id: Request id or hash of the idempotency key that caused it.
        reverses: For kind `reversal` alone: the entry whose ends it swaps.

    Raises:
        EntryRefusedError: Any of that broken; says which and by how much.
    """

    id: str
    currency: str
    postings: tuple[Posting, ...]
    occurred_at: datetime
    effective_on: date
    kind: EntryKind
    explains: tuple[str, ...]
    command_id: str
    reverses: str | None = None

    def __post_init__(self) -> None:
        _require_entry_id("id", self.id)
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isalpha()):  # noqa: PLR2004
            raise EntryRefusedError("a currency is three letters")
        if self.currency != self.currency.upper():
            raise EntryRefusedError("a currency is written in capitals")
        if not 1 <= len(self.postings) <= MAX_POSTINGS:
            raise EntryRefusedError(f"an entry has 1 to {MAX_POSTINGS} postings, not {len(self.postings)}")
        if not 1 <= len(self.explains) <= MAX_EXPLAINED:
            raise EntryRefusedError(f"an entry explains 1 to {MAX_EXPLAINED} objects, not {len(self.explains)}")
        if len(set(self.explains)) != len(self.explains):
            raise EntryRefusedError("an entry names each object it explains once")
        for name in self.explains:
            _require_text("explains", name)
        _require_text("command_id", self.command_id)
        self._require_times()
        self._require_reversal()

    def _require_times(self) -> None:
        if self.occurred_at.utcoffset() is None:
            raise EntryRefusedError("occurred_at needs an offset")
        if self.occurred_at.microsecond % 1000:
            raise EntryRefusedError("occurred_at is in whole milliseconds")
        if isinstance(self.effective_on, datetime):
            raise EntryRefusedError("effective_on is a day, not an instant")

    def _require_reversal(self) -> None:
        if (self.kind is EntryKind.REVERSAL) != (self.reverses is not None):
            raise EntryRefusedError("a reversal, and nothing else, names the entry it reverses")
        if self.reverses is None:
            return
        _require_entry_id("reverses", self.reverses)
        if self.reverses == self.id:
            raise EntryRefusedError("an entry can't reverse itself")

    @property
    def total_minor(self) -> int:
        """Sum of its debits, which is the sum of its credits."""
        return sum(posting.amount_minor for posting in self.postings)


def reversal_id(entry_id: str) -> str:
    """The id of the one reversal an entry can have: the table refuses a second one as already there."""
    return f"txn_{encode(sha256(b'reversal of ' + id_bytes(entry_id)).digest()[:ID_BYTES])}"


def reverse(entry: Entry, *, occurred_at: datetime, effective_on: date, command_id: str) -> Entry:
    """The entry that undoes another: the same postings with their ends swapped, in reverse order.

    Args:
        entry: What to undo; not itself a reversal.
        occurred_at: Business time of the undoing, not before the entry's own.
        effective_on: The day it counts for; in an open period.
        command_id: Request that asked for it.

    Raises:
        ReversalOfReversalError: `entry` is a reversal.
        EntryRefusedError: `occurred_at` is before the entry's.
    """
    if entry.kind is EntryKind.REVERSAL:
        raise ReversalOfReversalError(f"{entry.id} reverses {entry.reverses}")
    if occurred_at < entry.occurred_at:
        early = (entry.occurred_at - occurred_at) // timedelta(milliseconds=1)
        raise EntryRefusedError(f"the reversal is {early} ms earlier than what it reverses")
    return replace(
        entry,
        id=reversal_id(entry.id),
        postings=tuple(posting.swapped() for posting in reversed(entry.postings)),
        occurred_at=occurred_at,
        effective_on=effective_on,
        kind=EntryKind.REVERSAL,
        command_id=command_id,
        reverses=entry.id,
    )


def is_reversal_of(reversal: Entry, entry: Entry) -> bool:
    """Whether `reversal` undoes `entry` exactly, leg by leg."""
    return (
        reversal.reverses == entry.id
        and entry.kind is not EntryKind.REVERSAL
        and reversal.currency == entry.currency
        and reversal.explains == entry.explains
        and reversal.postings == tuple(posting.swapped() for posting in reversed(entry.postings))
    )


def _require_text(field: str, text: str) -> None:
    if not (isinstance(text, str) and 1 <= len(text) <= MAX_TEXT and text.isascii() and text.isprintable()):
        raise EntryRefusedError(f"{field} is 1 to {MAX_TEXT} printable ASCII characters")


def _require_entry_id(field: str, text: str) -> None:
    try:
        require_id("txn", text)
    except NotFoundError:
        raise EntryRefusedError(f"{field} is an id of the form txn_ and 26 characters") from None
