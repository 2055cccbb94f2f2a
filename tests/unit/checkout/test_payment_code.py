"""Payment codes: published vectors for every part, and what becomes of a code that is not right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.checkout.codes import enrolment
from functions.checkout.codes.alias import (
    TURNS,
    AliasRenewedTooOftenError,
    Turn,
    calendar,
    month_of,
    renewed,
    shown,
    turn_in,
)
from functions.checkout.codes.check_digit import check_digit, is_right
from functions.checkout.codes.code import CodeKeys, CodeMisreadError, PaymentCode, Proof, make_code, past_makers, prove
from functions.checkout.codes.enrolment import NUMBERS, ROUNDS, DeviceNumbersUsedUpError, TooManyDevicesError
from functions.checkout.codes.otp import counter_at, one_time_password
from functions.checkout.codes.permutation import Ff1

KEYS = CodeKeys(b"a" * 32, b"d" * 32)
NOW = counter_at(datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
TURN = Turn(month_of(NOW))
SHORT = "2B7E151628AED2A6ABF7158809CF4F3C"


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [(59, "46119246"), (1111111109, "68084774"), (1111111111, "67062674"), (1234567890, "91819424"),
     (2000000000, "90698825"), (20000000000, "77737706")],
)  # fmt: skip
def test_passwords_are_those_of_rfc_6238_appendix_b(at_s: int, expected: str) -> None:
    secret = b"12345678901234567890123456789012"
    assert one_time_password(secret, at_s // 30, 8) == expected
    assert one_time_password(secret, at_s // 30) == expected[-6:]


@pytest.mark.parametrize(
    ("key", "tweak", "expected"),
    [
        (SHORT, "", "2433477484"),
        (SHORT, "39383736353433323130", "6124200773"),
        (SHORT + "EF4359D8D580AA4F", "", "2830668132"),
        (SHORT + "EF4359D8D580AA4F", "39383736353433323130", "2496655549"),
        (SHORT + "EF4359D8D580AA4F7F036D6F04FC6A94", "", "6657667009"),
        (SHORT + "EF4359D8D580AA4F7F036D6F04FC6A94", "39383736353433323130", "1001623463"),
    ],
)
def test_the_permutation_is_ff1_by_nists_samples(key: str, tweak: str, expected: str) -> None:
    cipher = Ff1(bytes.fromhex(key))
    assert cipher.encrypt("0123456789", bytes.fromhex(tweak)) == expected
    assert cipher.decrypt(expected, bytes.fromhex(tweak)) == "0123456789"


def test_ff1_refuses_a_domain_that_could_be_tabulated() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        Ff1(bytes(16)).encrypt("12345")


def test_the_check_digit_is_damms() -> None:
    assert check_digit("572") == "4"
    assert is_right("5724")


def test_every_single_misread_digit_and_every_swap_is_found() -> None:
    code = str(make_code(KEYS, 123_456_789, TURN, 1, NOW))
    for place, digit in enumerate(code):
        for other in set("0123456789") - {digit}:
            with pytest.raises(CodeMisreadError):
                PaymentCode.parse(code[:place] + other + code[place + 1 :])
        swapped = code[:place] + code[place + 1 : place + 2] + digit + code[place + 2 :]
        if swapped != code and place < 17:
            with pytest.raises(CodeMisreadError):
                PaymentCode.parse(swapped)


@pytest.mark.parametrize("text", ["", "1" * 17, "1" * 19, "２" * 18, "1234567890123456ab", "²" * 18, "-" * 18])
def test_what_is_not_eighteen_ascii_digits_is_no_code(text: str) -> None:
    with pytest.raises(CodeMisreadError):
        PaymentCode.parse(text)


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_phones_clock_may_be_one_step_off(off: int) -> None:
    code = make_code(KEYS, 123_456_789, TURN, 13, NOW + off)
    proof = prove(KEYS, code, NOW)
    assert proof is not None
    assert (proof.alias, proof.enrolment, proof.counter, proof.turn) == (123_456_789, 13, NOW + off, TURN)


@pytest.mark.parametrize("off", [-2, 2])
def test_two_steps_off_is_refused(off: int) -> None:
    assert prove(KEYS, make_code(KEYS, 123_456_789, TURN, 3, NOW + off), NOW) is None


def test_an_old_code_is_known_for_ten_minutes_and_a_future_one_never() -> None:
    for steps, known in ((2, True), (20, True), (21, False), (-2, False)):
        code = make_code(KEYS, 5, TURN, 3, NOW - steps)
        made = Proof(5, TURN, 3, NOW - steps)
        assert (made in past_makers(KEYS, code, NOW)) is known, steps


def test_across_the_end_of_a_month_each_step_has_its_own_months_alias() -> None:
    last = counter_at(datetime(2026, 12, 1, tzinfo=UTC)) - 1
    before, after = Turn(month_of(last)), Turn(month_of(last + 1))
    assert (after.month - before.month) == 1
    for now in (last, last + 1):
        for turn, counter in ((before, last), (after, last + 1)):
            proof = prove(KEYS, make_code(KEYS, 42, turn, 2, counter), now)
            assert proof is not None
            assert (proof.alias, proof.counter) == (42, counter)


def test_last_months_alias_pays_nothing_this_month() -> None:
    old = make_code(KEYS, 42, Turn(TURN.month - 1), 2, NOW)
    assert prove(KEYS, old, NOW) is None


def test_a_renewed_alias_is_another_number_and_says_its_turn() -> None:
    seen = {shown(KEYS.aliases, 42, Turn(TURN.month, number)) for number in range(TURNS)}
    assert len(seen) == TURNS
    proof = prove(KEYS, make_code(KEYS, 42, Turn(TURN.month, 7), 2, NOW), NOW)
    assert proof is not None
    assert proof.turn.number == 7


def test_an_alias_is_renewed_nine_times_a_month_and_the_next_month_begins_anew() -> None:
    packed = None
    for number in range(1, TURNS):
        turn = renewed(TURN.month, packed)
        assert turn.number == number
        packed = turn.pack()
    with pytest.raises(AliasRenewedTooOftenError):
        renewed(TURN.month, packed)
    assert turn_in(TURN.month + 1, packed).number == 0


def test_a_phone_is_told_three_months_without_a_gap() -> None:
    known = calendar(KEYS.aliases, 42, TURN.month, Turn(TURN.month, 2).pack())
    assert [each.alias for each in known] == [
        shown(KEYS.aliases, 42, Turn(TURN.month + i, 2 if i == 0 else 0)) for i in range(3)
    ]
    assert [each.from_at for each in known[1:]] == [each.until_at for each in known[:-1]]


def test_nine_phones_may_be_enrolled_and_not_ten() -> None:
    slots, given = None, []
    for _ in NUMBERS:
        number, slots = enrolment.enrolled(slots)
        given.append(number)
    assert given == list(NUMBERS)
    with pytest.raises(TooManyDevicesError):
        enrolment.enrolled(slots)


def test_a_number_given_again_is_another_enrolment_with_another_secret() -> None:
    slots = None
    for _ in NUMBERS:
        _, slots = enrolment.enrolled(slots)
    slots = enrolment.removed(slots, 4)
    assert not enrolment.is_enrolled(slots, 4)
    again, slots = enrolment.enrolled(slots)
    assert again == 14
    assert enrolment.is_enrolled(slots, 14)
    assert not enrolment.is_enrolled(slots, 4)
    assert KEYS.secret(42, 14) != KEYS.secret(42, 4)


def test_removing_twice_or_an_old_enrolment_frees_nobody_elses_number() -> None:
    number, slots = enrolment.enrolled(None)
    freed = enrolment.removed(slots, number)
    assert enrolment.removed(freed, number) == freed
    slots = "b" + slots[1:]
    assert enrolment.removed(slots, number) == slots


def test_numbers_are_used_up_after_ten_rounds() -> None:
    slots = None
    for _ in range(len(NUMBERS) * ROUNDS):
        number, slots = enrolment.enrolled(slots)
        slots = enrolment.removed(slots, number)
    with pytest.raises(DeviceNumbersUsedUpError):
        enrolment.enrolled(slots)
