"""What the ledger takes, and what it refuses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date, datetime, timedelta

import pytest

from functions.ledger.accounts import (
    Account,
    AccountClass,
    AccountRefusedError,
    Scope,
    Side,
    account_by_code,
    account_by_slug,
)
from functions.ledger.balances import Balances, trial_balance, trial_difference
from functions.ledger.encoding import (
    UnreadableEntryError,
    entry_bytes,
    entry_from_bytes,
    entry_from_dict,
    entry_to_dict,
)
from functions.ledger.entries import (
    EntryKind,
    EntryRefusedError,
    Posting,
    ReversalOfReversalError,
    is_reversal_of,
    reversal_id,
    reverse,
)
from functions.platform.storage.meter import item_bytes
from tests.builders.ledger import AT, CUSTOMER, MERCHANT, PLAN, a_repayment, an_entry, an_id, capture_postings

CASH, PRINCIPAL = Account.CASH_AT_RAIL.of(), Account.CUSTOMER_PRINCIPAL.of(CUSTOMER)


def test_codes_and_names_of_accounts_are_unique_and_found_again():
    assert len({account.code for account in Account}) == len(Account)
    for account in Account:
        assert account_by_code(account.code) is account
        assert account_by_slug(account.slug) is account


@pytest.mark.parametrize("account", Account, ids=lambda account: account.slug)
def test_the_class_of_an_account_gives_its_side_but_for_the_allowance(account):
    debit = account.account_class in {AccountClass.ASSET, AccountClass.EXPENSE}
    if account is Account.LOSS_ALLOWANCE:
        debit = not debit
    assert account.side is (Side.DEBIT if debit else Side.CREDIT)


@pytest.mark.parametrize("code", [0, 1111, -1])
def test_an_unknown_account_is_refused(code):
    with pytest.raises(AccountRefusedError, match=str(code)):
        account_by_code(code)
    with pytest.raises(AccountRefusedError):
        account_by_slug(f"account{code}")


@pytest.mark.parametrize("account", Account, ids=lambda account: account.slug)
def test_an_account_takes_an_owner_of_its_scope_and_no_other(account):
    good = {Scope.CUSTOMER: CUSTOMER, Scope.MERCHANT: MERCHANT, Scope.HOUSE: None}
    for scope, owner in good.items():
        if scope is account.scope:
            assert account.of(owner).owner == owner
        else:
            with pytest.raises(AccountRefusedError):
                account.of(owner)


@pytest.mark.parametrize("owner", ["cus_", "cus_" + "0" * 61, "cus_é", "CUS_1", ""])
def test_an_owner_is_a_short_ascii_id(owner):
    with pytest.raises(AccountRefusedError):
        Account.CUSTOMER_FEE.of(owner)


@pytest.mark.parametrize("amount", [0, -1, 2**63, True, 1.0, "1"])
def test_a_posting_moves_a_positive_integer_that_fits(amount):
    with pytest.raises(EntryRefusedError, match="minor units"):
        Posting(CASH, PRINCIPAL, amount)


def test_a_posting_needs_two_different_ends():
    with pytest.raises(EntryRefusedError, match="cash_at_rail"):
        Posting(CASH, CASH, 1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "txn_1"}, "id is an id"),
        ({"id": an_id("cap", 1)}, "id is an id"),
        ({"currency": "cny"}, "capitals"),
        ({"currency": "CNYX"}, "three letters"),
        ({"currency": "C1Y"}, "three letters"),
        ({"postings": ()}, "not 0"),
        ({"postings": capture_postings() * 42}, "not 252"),
        ({"explains": ()}, "not 0"),
        ({"explains": (PLAN, PLAN)}, "once"),
        ({"explains": ("",)}, "explains is 1 to 64"),
        ({"explains": tuple(f"plan_{i}" for i in range(101))}, "not 101"),
        ({"command_id": ""}, "command_id"),
        ({"command_id": "é"}, "command_id"),
        ({"command_id": "x" * 65}, "command_id"),
        ({"occurred_at": datetime(2026, 11, 22)}, "offset"),  # noqa: DTZ001  the naive instant is the case
        ({"occurred_at": AT + timedelta(microseconds=1)}, "milliseconds"),
        ({"effective_on": AT}, "a day"),
        ({"kind": EntryKind.REVERSAL}, "nothing else"),
        ({"reverses": an_id("txn", 9)}, "nothing else"),
        ({"kind": EntryKind.REVERSAL, "reverses": "x"}, "reverses is an id"),
        ({"kind": EntryKind.REVERSAL, "reverses": an_id("txn", 1)}, "itself"),
    ],
)
def test_a_broken_entry_is_refused_with_the_reason(changes, says):
    with pytest.raises(EntryRefusedError, match=says):
        an_entry(1, **changes)


def test_entries_can_not_be_edited():
    with pytest.raises(FrozenInstanceError):
        an_entry().currency = "EUR"  # type: ignore[misc]


def test_a_reversal_swaps_the_ends_and_names_what_it_reverses():
    entry = an_entry(5)
    undone = reverse(entry, occurred_at=AT + timedelta(days=3), effective_on=date(2026, 11, 25), command_id="why")
    assert undone.reverses == entry.id
    assert undone.id == reversal_id(entry.id) != entry.id
    assert {(p.debit, p.credit, p.amount_minor) for p in undone.postings} == {
        (p.credit, p.debit, p.amount_minor) for p in entry.postings
    }
    assert is_reversal_of(undone, entry)
    assert not is_reversal_of(undone, an_entry(6))
    assert set(Balances.after([entry, undone]).signed.values()) == {0}


def test_a_reversal_is_refused_a_reversal_of_its_own():
    undone = reverse(an_entry(5), occurred_at=AT + timedelta(days=3), effective_on=date(2026, 11, 25), command_id="a")
    with pytest.raises(ReversalOfReversalError, match=an_id("txn", 5)):
        reverse(undone, occurred_at=AT + timedelta(days=4), effective_on=date(2026, 11, 26), command_id="b")


def test_a_reversal_can_not_precede_what_it_reverses():
    with pytest.raises(EntryRefusedError, match="5000 ms earlier"):
        reverse(an_entry(5), occurred_at=AT, effective_on=date(2026, 11, 22), command_id="a")


def test_a_reversal_of_other_amounts_is_not_one():
    entry = an_entry(5)
    undone = reverse(entry, occurred_at=AT + timedelta(days=3), effective_on=date(2026, 11, 25), command_id="a")
    first, *rest = undone.postings
    assert not is_reversal_of(replace(undone, postings=(replace(first, amount_minor=1), *rest)), entry)


def test_the_trial_balance_is_zero_and_shows_both_sides():
    rows = trial_balance([an_entry(1), a_repayment(2)])
    assert trial_difference(rows) == {"CNY": 0}
    principal = next(row for row in rows if row.account is Account.CUSTOMER_PRINCIPAL)
    assert (principal.debit_minor, principal.credit_minor, principal.balance_minor) == (120_000, 10_000, 110_000)
    payable = next(row for row in rows if row.account is Account.MERCHANT_PAYABLE)
    assert payable.balance_minor == 120_000 - 2_401 - 12_001


def test_the_bytes_of_an_entry_never_change():
    """A log signed today is checked for years: another form needs another version, not another golden value."""
    assert entry_bytes(a_repayment(1)).hex() == (
        "01"  # version
        "00000000000000000000000000000001"  # txn id
        "434e59"  # CNY
        "0972657061796d656e74"  # kind repayment
        "000001a20244ebe8"  # 2026-11-22T08:00:01Z
        "000b4a66"  # 22 November 2026
        "1030303030303030303030303030303031"  # command id
        "00"  # reverses nothing
        "02"  # two ids
        "0105706c616e5f00000000000000000000000000000001"  # plan_
        "01046375735f00000000000000000000000000000001"  # cus_
        "0100"  # explains the first
        "01"  # one posting
        "f20700"  # debit 1010, house
        "d60802"  # credit 1110, the second id
        "01904e"  # about the first, 10,000
    )  # fmt: skip


def test_a_six_leg_capture_is_stored_in_one_write_unit():
    entry = an_entry(7, explains=(PLAN, an_id("auth", 3), an_id("cap", 4)))
    item = {"pk": {"S": CUSTOMER}, "sk": {"S": entry.id}, "b": {"B": entry_bytes(entry)}}
    assert len(entry.postings) == 6
    assert item_bytes(item) <= 400


def test_every_cut_of_an_entry_is_refused():
    data = entry_bytes(an_entry())
    for length in range(len(data)):
        with pytest.raises(UnreadableEntryError):
            entry_from_bytes(data[:length])
    with pytest.raises(UnreadableEntryError, match="1 bytes left over"):
        entry_from_bytes(data + b"\0")


def test_a_second_spelling_of_an_entry_is_refused():
    """Two forms of one entry would have two leaf hashes."""
    data = entry_bytes(a_repayment(1, amount_minor=10_000))
    assert data.endswith(b"\x90\x4e")
    with pytest.raises(UnreadableEntryError, match="canonical"):
        entry_from_bytes(data[:-1] + b"\xce\x00")


def test_another_version_is_refused():
    with pytest.raises(UnreadableEntryError, match="version 2"):
        entry_from_bytes(b"\x02" + entry_bytes(an_entry())[1:])


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 1},
        {"id": None},
        {"postings": "none"},
        {"postings": [{}]},
        {"postings": [{"debit": None, "credit": None, "amount_minor": 1, "about": None}]},
        {"effective_on": "20261122"},
        {"effective_on": 5},
        {"occurred_at": "2026-11-22T08:00:01+00:00"},
        {"occurred_at": "yesterday"},
        {"kind": "theft"},
        {"currency": 5},
        {"explains": 5},
        {"reverses": 5},
    ],
)
def test_json_in_any_other_form_is_refused(change):
    """A member that the bytes don't carry would be hidden from the log."""
    with pytest.raises((UnreadableEntryError, EntryRefusedError)):
        entry_from_dict({**entry_to_dict(an_entry()), **change})


def test_an_entry_survives_json():
    for entry in (an_entry(1), a_repayment(2, explains=("period_2026-11", "free form"))):
        assert entry_from_dict(entry_to_dict(entry)) == entry
