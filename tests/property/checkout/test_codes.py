"""Payment codes and merchant QR codes for any line, device, instant and clock error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.checkout.codes import enrolment
from functions.checkout.codes.alias import TURNS, Turn, hidden, month_of, month_start, shown
from functions.checkout.codes.check_digit import check_digit, is_right
from functions.checkout.codes.code import CodeKeys, CodeMisreadError, PaymentCode, make_code, prove
from functions.checkout.codes.otp import counter_at
from functions.checkout.instore.emvco import (
    CURRENCY_NUMBERS,
    MerchantQr,
    QrCurrencyError,
    QrUnreadableError,
    build,
    parse,
)

KEYS = CodeKeys(b"a" * 32, b"d" * 32)
ALIASES = st.integers(0, 999_999_999)
INSTANTS = st.integers(1_767_225_600, 2_145_916_800).map(lambda second: datetime.fromtimestamp(second, tz=UTC))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=15)
CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=25)


@given(ALIASES, INSTANTS, st.integers(0, TURNS - 1), st.integers(0, 99), st.integers(-45, 45))
def test_a_code_is_proved_exactly_while_its_step_is_near(
    alias: int, at: datetime, turn: int, number: int, skew_s: int
) -> None:
    phones = at + timedelta(seconds=skew_s)
    made = counter_at(phones)
    number = 0 if number % 10 == enrolment.OURS else number
    code = PaymentCode.parse(str(make_code(KEYS, alias, Turn(month_of(made), turn), number, made)))
    proof = prove(KEYS, code, counter_at(at))
    if abs(made - counter_at(at)) <= 1:
        assert proof is not None
        assert (proof.alias, proof.counter) == (alias, made)
    else:
        assert proof is None or (proof.alias, proof.counter) != (alias, made)


@given(ALIASES, st.integers(24_000, 24_600), st.integers(0, TURNS - 1))
def test_what_is_shown_leads_back_to_one_line_and_to_no_other_turn(alias: int, month: int, number: int) -> None:
    digits = shown(KEYS.aliases, alias, Turn(month, number))
    assert len(digits) == 9
    assert hidden(KEYS.aliases, digits, Turn(month, number)) == alias


@given(INSTANTS)
def test_a_month_begins_where_its_first_step_does(at: datetime) -> None:
    month = month_of(counter_at(at))
    assert month_start(month) <= at < month_start(month + 1)
    assert month_of(counter_at(month_start(month))) == month


@given(st.text("0123456789", min_size=1, max_size=40))
def test_the_check_digit_is_the_only_one_that_is_right(digits: str) -> None:
    assert [d for d in "0123456789" if is_right(digits + d)] == [check_digit(digits)]


@given(st.text(max_size=40))
def test_any_text_is_a_code_or_is_refused(text: str) -> None:
    try:
        code = PaymentCode.parse(text)
    except CodeMisreadError:
        return
    assert str(code) == text.replace(" ", "")


@given(st.lists(st.one_of(st.none(), st.integers(0, 8)), max_size=60))
def test_device_numbers_are_never_given_twice_under_one_enrolment(steps: list[int | None]) -> None:
    """None enrols, a number removes the one at that place."""
    slots, live, given = None, [], set()
    for step in steps:
        if step is None and len(live) < len(enrolment.NUMBERS):
            number, slots = enrolment.enrolled(slots)
            assert number not in given
            given.add(number)
            live.append(number)
        elif step is not None and live:
            gone = live.pop(step % len(live))
            slots = enrolment.removed(slots, gone)
            assert not enrolment.is_enrolled(slots, gone)
        assert all(enrolment.is_enrolled(slots, number) for number in live)
        assert len({number % 10 for number in live}) == len(live)


@given(
    TEXTS, TEXTS, st.sampled_from(sorted(CURRENCY_NUMBERS)), st.one_of(st.none(), st.integers(1, 10**10)),
    st.one_of(st.none(), TEXTS), st.one_of(st.none(), CHINESE),
)  # fmt: skip
def test_what_is_built_is_read_back(
    name: str, city: str, currency: str, amount_minor: int | None, reference: str | None, local: str | None
) -> None:
    qr = MerchantQr("mer_" + "Z" * 26, name, city, "CN", "5732", currency, amount_minor, reference, "till-1", local)
    assert parse(build(qr)) == qr


@given(st.text(max_size=200))
def test_any_text_is_a_merchants_code_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except (QrUnreadableError, QrCurrencyError):
        return


@given(st.data())
def test_a_changed_character_of_a_code_is_noticed(data: st.DataObject) -> None:
    payload = build(MerchantQr("mer_" + "Z" * 26, "Shop", "Shanghai", "CN", "5732", "CNY", 129_900, "sale-1", "till-1"))
    place = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.sampled_from([c for c in "0123456789ABCDEF" if c != payload[place]]))
    try:
        parse(payload[:place] + other + payload[place + 1 :])
    except QrUnreadableError:
        return
    raise AssertionError("a changed code was read")
