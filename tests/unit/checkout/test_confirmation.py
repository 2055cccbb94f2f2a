"""What a confirmation is bound to, and how strongly it is proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.checkout.hosted.confirmation import (
    Bound,
    Caps,
    Shown,
    caps_of,
    code_of,
    methods_for,
    needs_step_up,
)
from tests.builders.platform import START

SECRET = b"a secret of the tests"
SHOWN = Shown("cus_" + "0" * 26, b"q" * 8, b"a" * 32, b"n" * 16, START + timedelta(minutes=10), "passkey")
ORDER = Bound("chk_" + "1" * 26, "mer_" + "2" * 26, 129_900, "CNY")


@pytest.mark.parametrize(
    ("bound", "shown"),
    [
        ({"checkout_id": "chk_" + "9" * 26}, {}),
        ({"merchant_id": "mer_" + "9" * 26}, {}),
        ({"amount_minor": 129_901}, {}),
        ({"currency": "USD"}, {}),
        ({}, {"customer_id": "cus_" + "9" * 26}),
        ({}, {"quote": b"Q" * 8}),
        ({}, {"agreement": b"A" * 32}),
        ({}, {"nonce": b"N" * 16}),
    ],
    ids=["checkout", "merchant", "amount", "currency", "customer", "plan", "agreement", "time"],
)
def test_the_challenge_is_another_one_for_another_order(bound: dict[str, Any], shown: dict[str, Any]) -> None:
    other = replace(ORDER, **bound).challenge(SECRET, replace(SHOWN, **shown))
    assert other != ORDER.challenge(SECRET, SHOWN)
    assert len(other) == 32


def test_the_challenge_is_nobodys_but_ours() -> None:
    assert ORDER.challenge(SECRET, SHOWN) != ORDER.challenge(b"another secret", SHOWN)


@pytest.mark.parametrize("method", ["", "code", "passkey"])
def test_what_was_shown_reads_back(method: str) -> None:
    shown = replace(SHOWN, method=method)
    assert Shown.unpack(shown.pack()) == shown
    assert len(shown.pack()) <= 96


def test_a_code_has_six_digits_and_is_another_one_for_another_challenge() -> None:
    codes = {code_of(SECRET, bytes([n]) * 32) for n in range(50)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 45


@pytest.mark.parametrize(
    ("amount", "by_risk", "needed"), [(100_000, False, False), (100_001, False, True), (1, True, True)]
)
def test_over_the_cap_or_when_risk_asks_a_session_is_not_enough(amount: int, *, by_risk: bool, needed: bool) -> None:
    assert needs_step_up(amount, "CNY", asked_by_risk=by_risk) is needed


@pytest.mark.parametrize(
    ("amount", "has_passkey", "methods"),
    [
        (1_000_000, False, ("code",)),
        (1_000_001, False, ()),
        (1, True, ("passkey",)),
        (9_000_000, True, ("passkey",)),
    ],
)
def test_a_code_is_for_those_without_a_passkey_and_up_to_its_cap(
    amount: int, *, has_passkey: bool, methods: tuple[str, ...]
) -> None:
    assert methods_for(amount, "CNY", has_passkey=has_passkey) == methods


def test_a_currency_that_is_not_in_the_table_always_needs_a_passkey() -> None:
    assert caps_of("XOF") == Caps(0, 0)
    assert needs_step_up(1, "XOF", asked_by_risk=False)
    assert methods_for(1, "XOF", has_passkey=False) == ()
