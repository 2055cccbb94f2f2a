"""Ledger entries, logs, checkpoints and exports with good defaults, for tests of any slice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions.core.ids import id_text
from functions.ledger.accounts import Account
from functions.ledger.audit.export import (
    Head,
    Leaf,
    Page,
    StateSummary,
    checkpoint_line,
    entry_line,
    head_line,
    header_line,
    leaf_line,
    listed_line,
    page_line,
    state_line,
)
from functions.ledger.balances import Totals
from functions.ledger.encoding import entry_bytes
from functions.ledger.entries import Entry, EntryKind, Posting
from functions.ledger.explained import Explained
from functions.ledger.log.checkpoint import Checkpoint, Signer, public_key_pem, sign_checkpoint
from functions.ledger.merkle import Frontier, leaf_hash

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ORIGIN = "whitenote-ledger/test"


def an_id(prefix: str, number: int) -> str:
    """The id of a numbered thing."""
    return id_text(prefix, number.to_bytes(16, "big"))


CUSTOMER, MERCHANT, PLAN = an_id("cus", 1), an_id("mer", 1), an_id("plan", 1)


def capture_postings(
    amount_minor: int = 120_000,
    *,
    customer: str = CUSTOMER,
    merchant: str = MERCHANT,
    plan: str = PLAN,
) -> tuple[Posting, ...]:
    """A capture with every leg it can have: principal, discount, fee, subsidy, holdback, tax."""
    payable, discount = Account.MERCHANT_PAYABLE.of(merchant), Account.MERCHANT_DISCOUNT_INCOME.of()
    deferred = Account.DEFERRED_FEE_INCOME.of()
    return (
        Posting(Account.CUSTOMER_PRINCIPAL.of(customer), payable, amount_minor, plan),
        Posting(payable, discount, amount_minor // 50 + 1, plan),
        Posting(Account.CUSTOMER_FEE.of(customer), deferred, amount_minor // 40 + 1, plan),
        Posting(Account.SUBSIDY_RECEIVABLE.of(merchant), deferred, amount_minor // 100 + 1, plan),
        Posting(payable, Account.HOLDBACK_PAYABLE.of(merchant), amount_minor // 10 + 1, plan),
        Posting(discount, Account.TAX_PAYABLE.of(), amount_minor // 1000 + 1, plan),
    )


def an_entry(number: int = 1, **changes: Any) -> Entry:
    """A capture entry; `changes` replace its fields."""
    entry = Entry(
        id=an_id("txn", number),
        currency="CNY",
        postings=capture_postings(),
        occurred_at=AT + timedelta(seconds=number),
        effective_on=date(2026, 11, 22),
        kind=EntryKind.CAPTURE,
        explains=(PLAN,),
        command_id=f"{number:016x}",
    )
    return replace(entry, **changes)


def a_repayment(number: int, amount_minor: int = 10_000, **changes: Any) -> Entry:
    """A repayment of principal."""
    posting = Posting(Account.CASH_AT_RAIL.of(), Account.CUSTOMER_PRINCIPAL.of(CUSTOMER), amount_minor, PLAN)
    return an_entry(number, **{"kind": EntryKind.REPAYMENT, "postings": (posting,)} | changes)


@dataclass(frozen=True)
class LocalSigner:
    """A key in memory that signs as KMS does."""

    private: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, ECDSA(SHA256()))

    def public_key_der(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @cached_property
    def pem(self) -> bytes:
        return public_key_pem(self.public_key_der()).encode()


SIGNER = LocalSigner()


def leaves_of(entries: Sequence[Entry]) -> list[Leaf]:
    """What the log says of these entries."""
    return [Leaf(index, entry.id, leaf_hash(entry_bytes(entry))) for index, entry in enumerate(entries)]


def notes_of(leaves: Sequence[Leaf], sizes: Sequence[int], signer: Signer = SIGNER) -> list[bytes]:
    """A signed note at each size."""
    notes, frontier = [], Frontier()
    for minute, size in enumerate(sizes):
        for leaf in leaves[frontier.size : size]:
            frontier, _ = frontier.append(leaf.hash)
        at = AT + timedelta(minutes=minute)
        notes.append(sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root(), at), signer))
    return notes


def states_of(entries: Sequence[Entry]) -> list[StateSummary]:
    """The state items that these entries explain, as honest slices would leave them."""
    names = dict.fromkeys(name for entry in entries for name in entry.explains)
    out = []
    for name in names:
        own = [entry for entry in entries if name in entry.explains]
        commands = frozenset(entry.command_id for entry in own)
        out.append(StateSummary(name, len(own), commands, explained=Explained.of(e.id for e in own)))
    return out


def export_of(
    entries: Sequence[Entry], sizes: Sequence[int] | None = None, *, kept_leaves: bool = True
) -> list[dict[str, Any]]:
    """An honest export, line by line.

    Args:
        entries: In the order of the log.
        sizes: Sizes of its checkpoints; one of everything by default.
        kept_leaves: Whether checkpoints are kept with the leaves since the one before.
    """
    leaves = leaves_of(entries)
    sizes = [len(entries)] if sizes is None else sizes
    starts, notes = [0, *sizes], notes_of(leaves, sizes)
    pages, frontier = pages_of(leaves)
    return [
        header_line(ORIGIN, AT + timedelta(hours=1)),
        head_line(Head(len(entries), frontier.to_bytes(), Totals.of(entries))),
        *(entry_line(index, entry_bytes(entry)) for index, entry in enumerate(entries)),
        *(leaf_line(leaf) for leaf in leaves),
        *(page_line(page) for page in pages),
        *(
            checkpoint_line(note, leaves[start:end] if kept_leaves else ())
            for note, start, end in zip(notes, starts, sizes, strict=False)
        ),
        *(listed_line(size, note) for size, note in zip(sizes, notes, strict=True)),
        *(state_line(state) for state in states_of(entries)),
    ]


def pages_of(leaves: Sequence[Leaf], width: int = 5) -> tuple[list[Page], Frontier]:
    """The pages of appends of so many leaves each, and the right edge after them."""
    pages, frontier = [], Frontier()
    for first in range(0, len(leaves), width):
        completed: list[bytes] = []
        batch = leaves[first : first + width]
        for leaf in batch:
            frontier, hashes = frontier.append(leaf.hash)
            completed += hashes
        pages.append(Page(first, tuple(leaf.entry_id for leaf in batch), b"".join(completed)))
    return pages, frontier


def some_entries(count: int, seed: int = 0) -> list[Entry]:
    """Captures and repayments of a few customers, plans and merchants."""
    chance = random.Random(seed)
    out = []
    for number in range(1, count + 1):
        customer, plan = an_id("cus", chance.randrange(1, 4)), an_id("plan", chance.randrange(1, 5))
        make: Callable[..., Entry] = chance.choice([an_entry, a_repayment])
        changes: dict[str, Any] = {"explains": (plan,)}
        if make is an_entry:
            amount = chance.randrange(1_000, 900_000)
            changes["postings"] = capture_postings(amount, customer=customer, plan=plan)
        out.append(make(number, **changes))
    return out
