"""Statements and balances come from postings alone."""

from __future__ import annotations

import pytest

from functions.ledger.accounts import Account
from functions.ledger.balances import Balances, OutOfBalanceError, Totals, statement_of
from functions.ledger.explained import BrokenMemoryError, Explained
from tests.builders.ledger import CUSTOMER, MERCHANT, PLAN, a_repayment, an_entry, an_id


def test_a_statement_runs_and_ends_at_the_balance():
    lines = [line for line in statement_of(CUSTOMER, [an_entry(1), a_repayment(2), a_repayment(3)])
             if line.account is Account.CUSTOMER_PRINCIPAL]  # fmt: skip
    assert [(line.change_minor, line.balance_minor) for line in lines] == [
        (120_000, 120_000),
        (-10_000, 110_000),
        (-10_000, 100_000),
    ]
    assert [line.entry_id for line in lines] == [an_id("txn", n) for n in (1, 2, 3)]


def test_a_merchants_statement_names_every_leg_on_its_payable():
    lines = [line for line in statement_of(MERCHANT, [an_entry(1), a_repayment(2)])
             if line.account is Account.MERCHANT_PAYABLE]  # fmt: skip
    assert [(line.leg, line.change_minor) for line in lines] == [(0, 120_000), (1, -2_401), (4, -12_001)]


def test_a_stranger_has_an_empty_statement():
    assert statement_of("cus_stranger", [an_entry()]) == ()


def test_currencies_never_mix():
    balances = Balances.after([an_entry(1), an_entry(2, currency="EUR")])
    principal = Account.CUSTOMER_PRINCIPAL.of(CUSTOMER)
    assert balances.of(principal, "CNY") == balances.of(principal, "EUR") == 120_000
    assert balances.of(principal, "USD") == 0
    assert {currency for currency, *_ in balances.owned(CUSTOMER)} == {"CNY", "EUR"}


def test_balances_are_told_per_plan():
    other = an_id("plan", 2)
    balances = Balances.after([an_entry(1), an_entry(2, explains=(other,)), a_repayment(3)])
    assert balances.about(Account.CUSTOMER_PRINCIPAL, PLAN, "CNY") == 230_000
    assert balances.about(Account.CUSTOMER_PRINCIPAL, other, "CNY") == 0


def test_totals_travel_as_json_and_add_up():
    one, two = Totals.of([an_entry(1)]), Totals.of([a_repayment(2), an_entry(3, currency="EUR")])
    assert Totals.from_dict(one.to_dict()).to_dict() == one.to_dict()
    assert (one + two).rows() == Totals.of([an_entry(1), a_repayment(2), an_entry(3, currency="EUR")]).rows()
    (one + two).require_balance()


def test_books_that_differ_are_refused_with_the_difference():
    totals = Totals.of([an_entry()])
    totals.sums["CNY", Account.CASH_AT_RAIL][0] += 7
    with pytest.raises(OutOfBalanceError, match="= 7 minor units of CNY"):
        totals.require_balance()


def test_an_items_memory_knows_its_entries_in_any_order():
    assert Explained.of(["txn_a", "txn_b"]) == Explained.of(["txn_b", "txn_a"])
    assert Explained.of(["txn_a"]) != Explained.of(["txn_b"])
    memory = Explained.of(["txn_a", "txn_b"])
    assert Explained.from_bytes(memory.to_bytes()) == memory
    assert len(memory.to_bytes()) == 20
    assert Explained.from_bytes(None) == Explained()
    with pytest.raises(BrokenMemoryError, match="3 bytes"):
        Explained.from_bytes(b"abc")
