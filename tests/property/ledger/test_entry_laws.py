"""Entries: one form each, balanced always, undone exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from functions.core.errors import WhitenoteError
from functions.ledger.accounts import Account, Scope
from functions.ledger.audit.alignment import longest_increasing
from functions.ledger.balances import Balances, Totals, statement_of, trial_balance, trial_difference
from functions.ledger.encoding import entry_bytes, entry_from_bytes, entry_from_dict, entry_to_dict
from functions.ledger.entries import MAX_AMOUNT_MINOR, Entry, EntryKind, Posting, is_reversal_of, reverse
from tests.builders.effort import effort
from tests.builders.ledger import an_id

_NUMBERS = st.integers(0, 3)
_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)
_NAMES = st.one_of(_NUMBERS.map(lambda n: an_id("plan", n)), _TEXTS)


@st.composite
def refs(draw):
    account = draw(st.sampled_from(Account))
    prefix = {Scope.CUSTOMER: "cus", Scope.MERCHANT: "mer"}.get(account.scope)
    if prefix is None:
        return account.of()
    return account.of(draw(st.one_of(_NUMBERS.map(lambda n: an_id(prefix, n)), st.just(f"{prefix}_x"))))


@st.composite
def postings(draw):
    debit, credit = draw(refs()), draw(refs())
    assume(debit != credit)
    return Posting(debit, credit, draw(st.integers(1, MAX_AMOUNT_MINOR)), draw(st.one_of(st.none(), _NAMES)))


entries = st.builds(
    Entry,
    id=st.integers(0, 2**128 - 1).map(lambda n: an_id("txn", n)),
    currency=st.sampled_from(["CNY", "EUR", "JPY"]),
    postings=st.lists(postings(), min_size=1, max_size=6).map(tuple),
    occurred_at=st.integers(0, 2**42).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)),
    effective_on=st.dates(date(1970, 1, 1), date(2200, 1, 1)),
    kind=st.sampled_from([kind for kind in EntryKind if kind is not EntryKind.REVERSAL]),
    explains=st.lists(_NAMES, min_size=1, max_size=3, unique=True).map(tuple),
    command_id=_TEXTS,
)


@given(entries)
@settings(max_examples=effort(40))
def test_bytes_and_json_give_the_entry_back(entry):
    assert entry_from_bytes(entry_bytes(entry)) == entry
    assert entry_from_dict(entry_to_dict(entry)) == entry


@given(entries, entries)
@settings(max_examples=effort(40))
def test_different_entries_have_different_bytes(one, other):
    assert (entry_bytes(one) == entry_bytes(other)) is (one == other)


@given(entries, st.data())
@settings(max_examples=effort(40))
def test_a_changed_byte_is_another_entry_or_none(entry, data):
    """So a leaf hash vouches for every figure and every name of its entry."""
    raw = bytearray(entry_bytes(entry))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert entry_from_bytes(bytes(raw)) != entry
    except WhitenoteError as error:
        assert error.status == 422


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw):
    try:
        assert entry_bytes(entry_from_bytes(raw)) == raw
    except WhitenoteError as error:
        assert error.status == 422


@given(st.lists(entries, max_size=8))
@settings(max_examples=effort(40))
def test_the_trial_balance_is_zero_whatever_is_posted(posted):
    rows = trial_balance(posted)
    assert set(trial_difference(rows).values()) <= {0}
    totals = Totals.of(posted)
    totals.require_balance()
    assert Totals.from_dict(totals.to_dict()).rows() == rows


@given(st.lists(entries, max_size=6))
@settings(max_examples=effort(40))
def test_statements_end_at_the_balances(posted):
    balances = Balances.after(posted)
    for owner in {ref.owner for _, ref in balances.signed if ref.owner}:
        last = {(line.currency, line.account): line.balance_minor for line in statement_of(owner, posted)}
        assert last == {(currency, account): balance for currency, account, balance in balances.owned(owner)}


@given(entries)
@settings(max_examples=effort(40))
def test_a_reversal_leaves_nothing_behind(entry):
    undone = reverse(entry, occurred_at=entry.occurred_at, effective_on=entry.effective_on, command_id="undo")
    assert is_reversal_of(undone, entry)
    assert set(Balances.after([entry, undone]).signed.values()) == {0}
    assert entry_from_bytes(entry_bytes(undone)) == undone


@given(st.lists(st.integers(0, 30), unique=True, max_size=7))
def test_the_kept_order_is_the_longest(values):
    kept = longest_increasing(values)
    chosen = [values[at] for at in kept]
    assert kept == sorted(kept)
    assert chosen == sorted(chosen)
    best = max((mask.bit_count() for mask in range(1 << len(values)) if _rises(values, mask)), default=0)
    assert len(kept) == best


def _rises(values, mask):
    chosen = [value for at, value in enumerate(values) if mask >> at & 1]
    return chosen == sorted(chosen)
