"""Guessing at a till: who is slowed down, and that whoever is guessed at can go on paying."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.checkout.codes.code import PaymentCode, past_makers
from functions.checkout.codes.device_service import code_keys
from functions.checkout.codes.otp import counter_at
from tests.builders.platform import Platform
from tests.builders.shop import a_merchant
from tests.builders.till import Till, a_till


@pytest.fixture
def till(platform: Platform) -> Till:
    return a_till(platform)


def real_ones(till: Till) -> set[str]:
    """The one-time passwords of the phone that are right now, or were some minutes ago."""
    now = till.platform.clock.wall()
    return {till.phone.code(now + timedelta(seconds=30 * step))[11:17] for step in range(-25, 3)}


def a_guess(till: Till, number: int, terminal: str = "till-1", **how: object) -> str:
    real = real_ones(till)
    wrong = [f"{digits:06d}" for digits in range(number + 40) if f"{digits:06d}" not in real][number]
    body = till.body(1_000, f"guess-{terminal}-{number}", code=till.code(digits=wrong), terminal_id=terminal)
    return str(till.send(body, **how)["code"])


def test_a_terminal_that_guesses_five_times_waits_and_the_next_one_does_not(till: Till) -> None:
    assert [a_guess(till, n) for n in range(5)] == ["code_invalid"] * 5
    refused = till.send(till.body(1_000))
    assert (refused.status, refused["code"]) == (429, "too_many_wrong_codes")
    assert 0 < int(refused.headers["retry-after"]) <= 600
    till.platform.clock.advance(timedelta(minutes=10))
    assert till.pay(1_000)["status"] == "approved"


def test_whoever_is_guessed_at_confirms_on_the_phone_and_is_never_locked_out(till: Till) -> None:
    for number in range(5):
        a_guess(till, number, f"till-{number}")
    asked = till.pay(1_000, "victim", terminal_id="till-9")
    assert asked["status"] == "awaiting_confirmation"
    assert till.confirm("victim")["status"] == "approved"
    till.platform.clock.advance(timedelta(minutes=11))
    assert till.pay(1_000, terminal_id="till-9")["status"] == "approved"


def test_a_renewed_alias_is_free_of_what_was_guessed_at_the_old_one(till: Till) -> None:
    for number in range(5):
        a_guess(till, number, f"till-{number}")
    till.shop.api.post("/v1/me/payment-codes/renew-alias", {}, token=till.customer)
    till.phone.aliases = till.shop.mine("devices")["data"][0]["aliases"]
    assert till.pay(1_000, terminal_id="till-9")["status"] == "approved"


def test_guesses_at_one_alias_from_many_shops_count_together_and_slow_the_last_at_once(till: Till) -> None:
    home = till.shop.key
    for number in range(4):
        a_guess(till, number, f"till-{number}")
    till.shop.key = a_merchant(till.platform, till.shop.api)["api_key"]["secret"]
    assert a_guess(till, 4, "elsewhere") == "code_invalid"
    assert a_guess(till, 5, "elsewhere") == "too_many_wrong_codes"
    till.shop.key = home
    assert till.pay(1_000, "victim", terminal_id="till-9")["status"] == "awaiting_confirmation"


def test_a_code_that_came_too_late_is_said_so_and_is_no_guess(till: Till) -> None:
    for number in range(6):
        late = till.send(till.body(1_000, f"late-{number}", code=till.code(steps=-2 - number)))
        assert (late.status, late["code"]) == (409, "code_expired")
    assert till.pay(1_000)["status"] == "approved"


def test_a_guess_leaves_nothing_but_its_count_and_the_reference_is_free(till: Till) -> None:
    before = {i["pk"]["S"] for i in till.platform.items()}
    a_guess(till, 0)
    new = {i["pk"]["S"] for i in till.platform.items()} - before
    assert {pk.partition("#")[0] for pk in new} == {"wrong"}
    assert till.pay(1_000, "guess-till-1-0")["status"] == "approved"


def test_a_guess_that_chance_makes_the_code_of_a_past_step_of_nobody_counts_like_any_other(till: Till) -> None:
    step = counter_at(till.platform.clock.wall())
    real = real_ones(till)
    digits = (f"{each:06d}" for each in range(1_000_000))
    chance = next(
        each
        for each in digits
        if each not in real and any(past_makers(code_keys(), PaymentCode.parse(till.code(digits=each)), step))
    )
    refused = till.send(till.body(1_000, code=till.code(digits=chance)))
    assert (refused.status, refused["code"]) == (422, "code_invalid")
    assert "1" in [i["n"]["N"] for i in till.platform.items() if i["pk"]["S"].startswith("wrong#")]


def test_what_can_not_be_counted_is_not_answered(till: Till) -> None:
    till.pay(1_000)
    with till.platform.failing("TransactWriteItems"):
        assert a_guess(till, 0) == "unavailable"
