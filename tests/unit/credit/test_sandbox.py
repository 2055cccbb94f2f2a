"""Sandbox sources answer by magic numbers, always the same, as the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.credit.deciding import sandbox
from functions.credit.deciding.ports import PortTimeout, PortTimeoutError, ask_bureau, ask_income, ask_purchases
from functions.credit.deciding.sandbox import SandboxBureau, SandboxIncomeVerification, SandboxPurchaseHistory

GUIDE = Path(__file__).parents[3] / "docs" / "credit.md"


@pytest.mark.parametrize("ending", sorted(sandbox.BUREAU))
def test_the_bureau_answers_by_the_last_digits_of_the_document(ending):
    port, number = SandboxBureau(), f"ID-77{ending}X"
    expected = sandbox.BUREAU[ending]
    if expected is None:
        with pytest.raises(PortTimeoutError):
            port.report(number, "CNY")
        assert ask_bureau(port, number, "CNY").status == "unavailable"
    else:
        assert port.report(number, "CNY") == ask_bureau(port, number, "CNY") == expected


@pytest.mark.parametrize(("number", "proven"), [("1", 10_001), ("9101", 5_000)])
def test_income_is_proven_in_full_or_by_half(number, proven):
    answer = SandboxIncomeVerification().verify(number, 10_001, "CNY")
    assert (answer.status, answer.income_minor) == ("verified", proven)


def test_income_may_stay_unproven_or_silent():
    port = SandboxIncomeVerification()
    assert port.verify("9102", 1, "CNY").status == "not_verified"
    assert ask_income(port, "9103", 1, "CNY").status == "unavailable"


def test_purchases_may_be_many_returned_few_or_unknown_and_silence_is_nothing_known():
    port = SandboxPurchaseHistory()
    assert port.history("+86 139 0000 0000", "con_1") is None
    many = port.history("+86 139 0000 9201", "con_1")
    assert (many.orders, many.consent_id, many.source) == (48, "con_1", "sandbox")
    with pytest.raises(PortTimeout):
        port.history("9204", "con_1")
    assert ask_purchases(port, "9204", "con_1") is None


def test_every_adapter_says_it_is_a_sandbox():
    assert all(port.sandbox for port in (SandboxBureau, SandboxIncomeVerification, SandboxPurchaseHistory))


def test_the_guide_lists_every_magic_number():
    text = GUIDE.read_text(encoding="utf-8")
    for table in (sandbox.BUREAU, sandbox.INCOME, sandbox.PURCHASES):
        for ending in filter(None, table):
            assert f"`{ending}`" in text
