"""Bodies and answers of the ledger's views."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from functions.platform.web.operation import Bps, Day, Instant, Minor
from functions.platform.web.schema import Answer, Body, Currency, Text200

MAX_EXPOSURES = 1_000
_DAYS = Annotated[int, Field(ge=0, le=100_000)]
_MINOR = Annotated[int, Field(ge=0, le=10**18, description="Integer minor units; may be zero.")]


class Exposure(Body):
    """Outstanding principal that is equally late: of one plan, or of a whole bucket."""

    currency: Currency
    days_past_due: _DAYS
    outstanding_minor: _MINOR


class ClosePeriodRequest(Body):
    """Close a month."""

    reason: Text200
    exposures: list[Exposure] = Field(max_length=MAX_EXPOSURES)

    def by_currency(self) -> dict[str, list[tuple[int, int]]]:
        """(days past due, outstanding) per currency."""
        out: dict[str, list[tuple[int, int]]] = {}
        for each in self.exposures:
            out.setdefault(each.currency, []).append((each.days_past_due, each.outstanding_minor))
        return out


class AccountBalanceView(Answer):
    """One account's sums."""

    account: str
    code: int
    debit_minor: int
    credit_minor: int
    balance_minor: int


class CurrencyBalanceView(Answer):
    """All accounts in one currency; the difference is zero."""

    currency: str
    debit_minor: int
    credit_minor: int
    difference_minor: int
    accounts: list[AccountBalanceView]


class TrialBalanceView(Answer):
    """The trial balance as of a log size."""

    size: int
    root: str
    at: str | None
    currencies: list[CurrencyBalanceView]


class BalanceView(Answer):
    """A balance on the account's normal side."""

    currency: str
    balance_minor: Minor


class AccountView(Answer):
    """A row of the chart of accounts, with the balances of the house or of the owner asked for."""

    account: str
    code: int
    title: str
    account_class: Literal["asset", "liability", "equity", "income", "expense"] = Field(alias="class")
    side: Literal["debit", "credit"]
    scope: Literal["customer", "merchant", "house"]
    balances: list[BalanceView]


class EndView(Answer):
    """An account of one owner; the house's have none."""

    account: str
    owner: str | None


class PostingView(Answer):
    """One amount from the credited account to the debited one."""

    debit: EndView
    credit: EndView
    amount_minor: Minor
    about: str | None


class LogPlaceView(Answer):
    """Where an entry stands in the log."""

    index: int
    leaf_hash: str


class EntryView(Answer):
    """A ledger entry; of one that is missing or unreadable in the table, only id, place and fault."""

    id: str
    log: LogPlaceView | None = Field(description="Null in the seconds before it is logged.")
    kind: str | None = None
    currency: str | None = None
    occurred_at: Instant | None = None
    effective_on: Day | None = None
    explains: list[str] | None = None
    command_id: str | None = None
    reverses: str | None = None
    postings: list[PostingView] | None = None
    fault: Literal["missing", "unreadable"] | None = None


class AllowanceView(Answer):
    """What was set aside for one bucket."""

    bucket: Literal["current", "M1", "M2", "M3", "M4+"]
    exposure_minor: Minor
    rate_bps: Bps
    allowance_minor: Minor


class PeriodView(Answer):
    """A closed month."""

    period: str
    closed_at: Instant
    closed_by: str
    reason: str
    size: int
    allowance: dict[str, list[AllowanceView]]


class ProofView(Answer):
    """A proof of inclusion (`entry_id` and what follows it) or of consistency (`old_size` and what follows it).

    Hashes are hex; `entry_bytes` is base 64.
    """

    proof: list[str]
    entry_id: str | None = None
    index: int | None = None
    size: int | None = None
    entry_version: int | None = None
    entry_bytes: str | None = None
    leaf_hash: str | None = None
    root: str | None = None
    checkpoint: str | None = None
    old_size: int | None = None
    new_size: int | None = None
    old_root: str | None = None
    new_root: str | None = None


class CheckpointView(Answer):
    """A signed checkpoint; `note` is what is signed, the rest is read from it."""

    origin: str
    size: int
    root: str
    at: Instant
    note: str
    object_key: str


class PublicKeyView(Answer):
    """The key that verifies checkpoints offline."""

    origin: str
    algorithm: str
    key_id: str
    pem: str
