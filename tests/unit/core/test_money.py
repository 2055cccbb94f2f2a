"""Money: exact, rounded once, never through a float."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from functions.core.errors import InvalidError
from functions.core.money import (
    InvalidAmountError,
    InvalidWeightsError,
    UnsupportedCurrencyError,
    UnsupportedLanguageError,
    allocate,
    currency_exponent,
    format_money,
    parse_amount,
    require_currency,
    round_half_up,
    round_ratio,
    to_decimal,
)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (-100, [1, 1, 1], (-34, -33, -33)),
        (5, [3, 7], (2, 3)),
        (1, [0, 1, 1], (0, 1, 0)),
        (0, [1, 2], (0, 0)),
        (7, [5], (7,)),
        (10, [1, 2, 0, 1], (3, 5, 0, 2)),
        (2, [10**30, 1, 1], (2, 0, 0)),
    ],
)
def test_shares_go_by_largest_remainder_and_ties_to_the_earliest(total, weights, shares):
    assert allocate(total, weights) == shares


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [-2, -3], [1.0, 2], [True, 1]])
def test_weights_must_be_whole_not_negative_and_not_all_zero(weights):
    with pytest.raises(InvalidWeightsError):
        allocate(10, weights)


@pytest.mark.parametrize("total", [1.0, "5", None, True, Decimal(5)])
def test_a_total_is_an_int_of_minor_units(total):
    with pytest.raises(InvalidAmountError):
        allocate(total, [1])


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(-5, 2), -3),
        (Decimal("2.5"), 3),
        (Decimal("-2.5"), -3),
        (Decimal("2.4999999999999999999999"), 2),
        (Fraction(10**30 + 1, 2), 5 * 10**29 + 1),
        (7, 7),
    ],
)
def test_a_half_rounds_away_from_zero(value, rounded):
    assert round_half_up(value) == rounded


@pytest.mark.parametrize("value", [0.5, Decimal("NaN"), Decimal("Infinity"), "1"])
def test_rounding_refuses_what_is_not_exact(value):
    with pytest.raises(InvalidAmountError):
        round_half_up(value)


def test_a_ratio_needs_a_positive_denominator():
    with pytest.raises(InvalidAmountError):
        round_ratio(1, 0)


@pytest.mark.parametrize(
    ("currency", "exponent"), [("JPY", 0), ("CNY", 2), ("USD", 2), ("EUR", 2), ("KWD", 3), ("CLF", 4)]
)
def test_exponents_are_those_of_cldr(currency, exponent):
    if currency == "CLF":  # a unit of account, legal tender nowhere
        with pytest.raises(UnsupportedCurrencyError):
            currency_exponent(currency)
    else:
        assert currency_exponent(currency) == exponent


@pytest.mark.parametrize("currency", ["DEM", "XXX", "cny", "", "CN", "YUAN", None, 5])
def test_a_currency_not_in_use_is_refused_with_its_code(currency):
    with pytest.raises(UnsupportedCurrencyError) as refused:
        require_currency(currency)
    assert (refused.value.status, refused.value.code) == (422, "unsupported_currency")
    assert isinstance(refused.value, InvalidError)


@pytest.mark.pain(13)
@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("599.80", "CNY", 59980),
        ("0.29", "USD", 29),
        ("19.99", "EUR", 1999),
        ("4.35", "USD", 435),
        ("1.005", "KWD", 1005),
        ("130", "JPY", 130),
        ("599.8", "CNY", 59980),
        ("599.8000", "CNY", 59980),
        ("-599.80", "CNY", -59980),
        (".5", "CNY", 50),
        (Decimal("599.80"), "CNY", 59980),
        (7, "CNY", 700),
    ],
)
def test_text_becomes_minor_units_without_a_float(text, currency, minor):
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text", ["599.805", "1e3", "1_000", "1,000.00", "", ".", "--1", "NaN", "Infinity", " 5", "٥", 599.8, True, None]
)
def test_text_that_is_no_plain_amount_is_refused(text):
    with pytest.raises(InvalidAmountError):
        parse_amount(text, "CNY")


def test_major_units_keep_the_currency_decimals():
    assert str(to_decimal(59980, "CNY")) == "599.80"
    assert str(to_decimal(-5, "KWD")) == "-0.005"
    assert str(to_decimal(599, "JPY")) == "599"
    with pytest.raises(InvalidAmountError):
        to_decimal(1.5, "CNY")


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (59980, "CNY", "zh", "¥599.80"),
        (59980, "CNY", "zh-CN", "¥599.80"),
        (59980, "CNY", "en", "CN¥599.80"),
        (123456789, "USD", "en", "$1,234,567.89"),
        (599, "JPY", "en", "¥599"),
        (-5999, "KWD", "en", "-KWD5.999"),
        (59980, "EUR", "de", "599,80\xa0€"),
        (10**17 + 1, "USD", "en_US", "$1,000,000,000,000,000.01"),
    ],
)
def test_amounts_are_written_as_a_language_writes_them(minor, currency, language, text):
    assert format_money(minor, currency, language) == text


@pytest.mark.parametrize("language", ["", "xx-nowhere", "!!", None])
def test_an_unknown_language_is_refused(language):
    with pytest.raises(UnsupportedLanguageError):
        format_money(1, "CNY", language)
