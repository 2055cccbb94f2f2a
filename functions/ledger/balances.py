"""Balances and statements, told from postings alone.

A signed figure is debits − credits; a `balance_minor` stands on the account's normal side, so that a receivable and
a payable are both positive when they are what one expects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from functions.core.errors import WhitenoteError
from functions.ledger.accounts import Account, AccountRef, Side, account_by_code
from functions.ledger.entries import Entry, EntryKind


class OutOfBalanceError(WhitenoteError):
    code, title = "out_of_balance", "The books don't balance"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """All that was posted to one account in one currency, over all owners.

    Args:
        debit_minor: Sum of debits.
        credit_minor: Sum of credits.
    """

    account: Account
    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        """On the account's normal side."""
        return _normal(self.account, self.debit_minor - self.credit_minor)


@dataclass(slots=True)
class Totals:
    """Debits and credits per currency and account; small enough to travel in the log's head.

    Args:
        sums: (currency, account) → [debits, credits].
    """

    sums: dict[tuple[str, Account], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def post(self, entry: Entry) -> None:
        """Count an entry."""
        for posting in entry.postings:
            self.sums[entry.currency, posting.debit.account][0] += posting.amount_minor
            self.sums[entry.currency, posting.credit.account][1] += posting.amount_minor

    def rows(self) -> tuple[TrialRow, ...]:
        """The trial balance, by currency and account code."""
        ordered = sorted(self.sums.items(), key=lambda item: (item[0][0], item[0][1].code))
        return tuple(TrialRow(account, currency, *pair) for (currency, account), pair in ordered)

    def require_balance(self) -> None:
        """Refuse books whose debits and credits differ.

        Raises:
            OutOfBalanceError: Names the currency and the difference.
        """
        for currency, difference in trial_difference(self.rows()).items():
            if difference:
                raise OutOfBalanceError(f"debits − credits = {difference} minor units of {currency}")

    def to_dict(self) -> dict[str, dict[str, list[int]]]:
        """As JSON values: currency → account code → [debits, credits]."""
        out: dict[str, dict[str, list[int]]] = {}
        for row in self.rows():
            out.setdefault(row.currency, {})[str(row.account.code)] = [row.debit_minor, row.credit_minor]
        return out

    @classmethod
    def from_dict(cls, value: Mapping[str, Mapping[str, Iterable[int]]]) -> Totals:
        """Inverse of `to_dict`."""
        totals = cls()
        for currency, accounts in value.items():
            for code, pair in accounts.items():
                totals.sums[currency, account_by_code(int(code))] = list(pair)
        return totals

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Totals:
        """Of these entries."""
        totals = cls()
        for entry in entries:
            totals.post(entry)
        return totals

    def __add__(self, other: Totals) -> Totals:
        out = Totals()
        for source in (self, other):
            for key, (debit, credit) in source.sums.items():
                out.sums[key][0] += debit
                out.sums[key][1] += credit
        return out


def trial_balance(entries: Iterable[Entry]) -> tuple[TrialRow, ...]:
    """One row per currency and account that was ever posted to."""
    return Totals.of(entries).rows()


def trial_difference(rows: Iterable[TrialRow]) -> dict[str, int]:
    """Debits − credits per currency: zero at every instant, or the books are broken."""
    out: dict[str, int] = defaultdict(int)
    for row in rows:
        out[row.currency] += row.debit_minor - row.credit_minor
    return dict(out)


@dataclass(slots=True)
class Balances:
    """The running balance of every account of every owner.

    Args:
        signed: (currency, account of an owner) → debits − credits.
        signed_about: (currency, account, object) → debits − credits of the postings about that object.
    """

    signed: dict[tuple[str, AccountRef], int] = field(default_factory=lambda: defaultdict(int))
    signed_about: dict[tuple[str, Account, str], int] = field(default_factory=lambda: defaultdict(int))

    def post(self, entry: Entry) -> None:
        """Count an entry."""
        for posting in entry.postings:
            for ref, amount in ((posting.debit, posting.amount_minor), (posting.credit, -posting.amount_minor)):
                self.signed[entry.currency, ref] += amount
                if posting.about is not None:
                    self.signed_about[entry.currency, ref.account, posting.about] += amount

    def of(self, ref: AccountRef, currency: str) -> int:
        """Balance of one account of one owner, on its normal side."""
        return _normal(ref.account, self.signed.get((currency, ref), 0))

    def about(self, account: Account, object_id: str, currency: str) -> int:
        """Balance of what was posted about one object, on the account's normal side."""
        return _normal(account, self.signed_about.get((currency, account, object_id), 0))

    def owned(self, owner: str) -> Iterator[tuple[str, Account, int]]:
        """Currency, account and balance of each account of an owner."""
        for (currency, ref), signed in sorted(
            self.signed.items(), key=lambda item: (item[0][0], item[0][1].account.code)
        ):
            if ref.owner == owner:
                yield currency, ref.account, _normal(ref.account, signed)

    @classmethod
    def after(cls, entries: Iterable[Entry]) -> Balances:
        """After these entries."""
        balances = cls()
        for entry in entries:
            balances.post(entry)
        return balances


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting as its owner sees it.

    Args:
        change_minor: What it did to the balance, on the account's normal side.
        balance_minor: The account's balance after it.
    """

    entry_id: str
    leg: int
    kind: EntryKind
    occurred_at: datetime
    effective_on: date
    account: Account
    currency: str
    about: str | None
    change_minor: int
    balance_minor: int


def statement_of(owner: str, entries: Iterable[Entry]) -> tuple[StatementLine, ...]:
    """A customer's or merchant's account statement from postings alone, each line with its running balance.

    Args:
        owner: `cus_…` or `mer_…`.
        entries: In the order they were posted; those of other owners are passed over.
    """
    running: dict[tuple[str, Account], int] = defaultdict(int)
    lines = []
    for entry in entries:
        for leg, posting in enumerate(entry.postings):
            for ref, signed in ((posting.debit, posting.amount_minor), (posting.credit, -posting.amount_minor)):
                if ref.owner != owner:
                    continue
                change = _normal(ref.account, signed)
                running[entry.currency, ref.account] += change
                lines.append(
                    StatementLine(
                        entry.id,
                        leg,
                        entry.kind,
                        entry.occurred_at,
                        entry.effective_on,
                        ref.account,
                        entry.currency,
                        posting.about,
                        change,
                        running[entry.currency, ref.account],
                    )
                )
    return tuple(lines)


def _normal(account: Account, signed: int) -> int:
    return signed if account.side is Side.DEBIT else -signed
