"""Wrong codes: who is slowed down, when, for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from functions.checkout.codes.wrong_codes import (
    PER_ALIAS,
    PER_ALIAS_LIFE,
    PER_MERCHANT,
    PER_TERMINAL,
    WINDOW,
    AliasGuesses,
    MerchantGuesses,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def guesses(*at: tuple[str, int], weight: int = 1) -> MerchantGuesses:
    found = MerchantGuesses()
    for terminal, second in at:
        found = found.plus(terminal, weight, NOW + second * SECOND)
    return MerchantGuesses.unpack(found.pack())


def test_a_terminal_is_slowed_down_at_the_fifth_and_others_are_not() -> None:
    four = guesses(*(("t1", i) for i in range(PER_TERMINAL - 1)))
    assert four.blocked_until("t1", NOW + 10 * SECOND) is None
    five = four.plus("t1", 1, NOW + 5 * SECOND)
    assert five.blocked_until("t1", NOW + 10 * SECOND) == NOW + WINDOW
    assert five.blocked_until("t2", NOW + 10 * SECOND) is None


def test_it_may_try_again_when_the_first_has_left_the_window() -> None:
    five = guesses(*(("t1", i) for i in range(PER_TERMINAL)))
    assert five.blocked_until("t1", NOW + WINDOW - SECOND) is not None
    assert five.blocked_until("t1", NOW + WINDOW) is None


def test_a_merchant_that_invents_terminals_is_slowed_down_whole() -> None:
    many = guesses(*((f"t{i}", i) for i in range(PER_MERCHANT)))
    assert many.blocked_until("never seen", NOW + 30 * SECOND) == NOW + WINDOW
    assert guesses(*((f"t{i}", i) for i in range(PER_MERCHANT - 1))).blocked_until("x", NOW + 30 * SECOND) is None


def test_one_guess_at_an_alias_under_attack_slows_its_terminal_at_once() -> None:
    assert guesses(("t1", 0), weight=PER_TERMINAL).blocked_until("t1", NOW + SECOND) == NOW + WINDOW


def test_what_is_stored_stays_small() -> None:
    assert len(guesses(*((f"t{i}", i % 500) for i in range(500))).pack()) <= 1_000


def test_an_alias_is_hot_at_the_fifth_within_ten_minutes_whoever_sent_them() -> None:
    alias = AliasGuesses()
    for number in range(PER_ALIAS):
        assert not alias.is_hot(NOW + number * SECOND)
        alias = alias.plus(NOW + number * SECOND)
    now = NOW + PER_ALIAS * SECOND
    assert alias.is_hot(now)
    assert alias.confirm_until(now, NOW + timedelta(days=8)) == now + WINDOW
    assert not alias.is_hot(NOW + WINDOW)


def test_slow_guesses_make_an_alias_need_the_phone_for_the_rest_of_its_life() -> None:
    alias, ends = AliasGuesses(), NOW + timedelta(days=8)
    for number in range(PER_ALIAS_LIFE):
        now = NOW + number * timedelta(minutes=4)
        assert alias.confirm_until(now, ends) is None
        alias = alias.plus(now)
    assert alias.confirm_until(NOW + timedelta(days=1), ends) == ends
