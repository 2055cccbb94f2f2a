"""Personal details: read generously, kept in one form, refused by name."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.core.errors import InvalidError
from functions.customers import details
from functions.customers.details import check_character, completed_years, is_resident_id


@pytest.mark.parametrize(
    "text",
    ["13800138000", "+8613800138000", "+86 138 0013 8000", "008613800138000", "+86-138-0013-8000",
     "+86 (138) 00138000"],
)  # fmt: skip
def test_a_chinese_mobile_number_has_one_form(text):
    assert details.normal_phone(text) == "+8613800138000"


def test_a_foreign_number_keeps_its_country_code():
    assert details.normal_phone("+44 7911 123456", "GB") == "+447911123456"


@pytest.mark.parametrize(
    ("text", "country"),
    [("138001380", "CN"), ("23800138000", "CN"), ("+8623800138000", "CN"), ("+86138001380001", "CN"),
     ("7911123456", "GB"), ("13800138000", "GB"), ("+0123456789", "GB"), ("+12345", "US"), ("+1234567890123456", "US"),
     ("phone", "CN"), ("+86１３８００１３８０００", "CN"), ("1380013800\n", "CN"), ("", "CN")],
)  # fmt: skip
def test_what_is_no_phone_number_is_refused_by_name_without_its_value(text, country):
    with pytest.raises(InvalidError) as raised:
        details.normal_phone(text, country)
    assert raised.value.errors[0].pointer == "/phone"
    assert raised.value.detail == "phone: a phone number has its country code, for example +8613800138000"


def independent_check(first_17: str) -> str:
    """GB 11643 as its annex writes it: weights by table, remainder by table."""
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(d) * w for d, w in zip(first_17, weights, strict=True)) % 11]


FIRST_17 = st.from_regex(r"[1-9][0-9]{16}", fullmatch=True)


@given(FIRST_17)
def test_the_check_character_is_that_of_the_standard(first_17):
    assert check_character(first_17) == independent_check(first_17)


@given(FIRST_17, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_found(first_17, place, by):
    wrong = first_17[:place] + str((int(first_17[place]) + by) % 10) + first_17[place + 1 :]
    assert check_character(wrong) != check_character(first_17)


@given(FIRST_17, st.integers(0, 15))
def test_two_digits_swapped_are_found(first_17, place):
    assume(first_17[place] != first_17[place + 1])
    swapped = first_17[:place] + first_17[place + 1] + first_17[place] + first_17[place + 2 :]
    assert check_character(swapped) != check_character(first_17)


@pytest.mark.parametrize("number", ["110101199003140016", "11010519491231002X", "440524188001010014"])
def test_valid_numbers_are_known(number):
    """The last two are the standard's own examples."""
    assert is_resident_id(number)


def test_a_number_born_on_no_day_is_none():
    first = "11010119900231001"
    assert not is_resident_id(first + check_character(first))


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        ("resident_id", "11010519491231002x", "11010519491231002X"),
        ("resident_id", "110105 19491231 002X", "11010519491231002X"),
        ("passport", "e-123 4567", "E1234567"),
        ("national_id", "ab12345", "AB12345"),
    ],
)
def test_a_document_number_has_one_form(kind, text, kept):
    assert details.normal_document(kind, text) == kept


@pytest.mark.parametrize(
    ("kind", "text"),
    [("resident_id", "1101051949123100"), ("resident_id", "X10105194912310021"), ("passport", "AB 1"),
     ("passport", "护照12345"), ("resident_id", "１１０１０５１９４９１２３１００２X")],
)  # fmt: skip
def test_a_number_of_impossible_form_is_refused(kind, text):
    with pytest.raises(InvalidError) as raised:
        details.normal_document(kind, text)
    assert raised.value.errors[0].pointer == "/document_number"


def test_a_name_loses_the_blanks_around_it_only():
    assert details.normal_name("  Ana  María\u3000Pérez ") == "Ana María Pérez"


@pytest.mark.parametrize("name", ["   ", "a\x00b", "a\u202eb", "\u200b"])
def test_a_name_of_nothing_or_of_control_characters_is_refused(name):
    with pytest.raises(InvalidError):
        details.normal_name(name)


@pytest.mark.parametrize(
    ("text", "kept"), [("Wang@Example.COM", "Wang@example.com"), ("a.b+c@mail.example.org", "a.b+c@mail.example.org")]
)
def test_an_address_keeps_its_local_part(text, kept):
    assert details.normal_email(text) == kept


@pytest.mark.parametrize("text", ["a", "@example.com", "a@", "a@b", "a b@example.com", "a@exa mple.com", "a@b..com"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidError):
        details.normal_email(text)


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/localtime", "", "Asia"])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(InvalidError):
        details.require_zone(zone)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/Argentina/Ushuaia"])
def test_zones_of_iana_are_known(zone):
    assert details.require_zone(zone) == zone


@pytest.mark.parametrize("code", ["ZZ", "XX", "cn", "CHN", ""])
def test_a_country_that_is_none_is_refused(code):
    with pytest.raises(InvalidError):
        details.require_country(code)


@pytest.mark.parametrize("code", ["CN", "DE", "US", "JP", "GB"])
def test_countries_are_known(code):
    assert details.require_country(code) == code


@pytest.mark.parametrize(
    ("born_on", "today", "years"),
    [
        (date(2008, 11, 22), date(2026, 11, 21), 17),
        (date(2008, 11, 22), date(2026, 11, 22), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 11, 22), date(2026, 11, 22), 0),
    ],
)
def test_age_counts_completed_years(born_on, today, years):
    assert completed_years(born_on, today) == years


@pytest.mark.parametrize("born_on", [date(2026, 11, 23), date(1875, 1, 1)])
def test_nobody_is_born_tomorrow_or_150_years_ago(born_on):
    with pytest.raises(InvalidError):
        details.require_past(born_on, date(2026, 11, 22))
