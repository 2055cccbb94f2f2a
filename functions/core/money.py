"""Exact money: integer minor units, rounded once, split without losing a unit.

Currency exponents and the look of an amount come from CLDR through Babel, loaded at the first use that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from functions.core.errors import InvalidError

BPS = 10_000


class InvalidAmountError(InvalidError, ValueError):
    code, title = "invalid_amount", "This is not an amount of money"


class InvalidWeightsError(InvalidError, ValueError):
    code, title = "invalid_weights", "An amount can't be split by these weights"


class UnsupportedCurrencyError(InvalidError, ValueError):
    code, title = "unsupported_currency", "This currency is not supported"


class UnsupportedLanguageError(InvalidError, ValueError):
    code, title = "unsupported_language", "This language is not supported"


def round_ratio(numerator: int, denominator: int) -> int:
    """The integer nearest to a ratio; a half goes away from zero, so that −x rounds as x does.

    Args:
        numerator: Any integer.
        denominator: At least 1.
    """
    if denominator < 1:
        raise InvalidAmountError(f"a ratio needs a denominator of at least 1, not {denominator}")
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def round_half_up(value: int | Fraction | Decimal) -> int:
    """The nearest minor unit of an exact amount; a half goes away from zero.

    Raises:
        InvalidAmountError: A float, which has already lost what decides a half; or not finite.
    """
    if not isinstance(value, (int, Fraction, Decimal)):
        raise InvalidAmountError(f"money is rounded from int, Fraction or Decimal, not {type(value).__name__}")
    if isinstance(value, Decimal) and not value.is_finite():
        raise InvalidAmountError("an amount is finite")
    return round_ratio(*value.as_integer_ratio())


def allocate(total_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an amount in proportion to weights by the largest remainder; ties go to the earliest.

    Args:
        total_minor: Minor units; a negative total is split by magnitude.
        weights: Non-negative integers, not all zero.

    Returns:
        One share per weight; they sum to the total, and each is within one unit of its exact share.

    Raises:
        InvalidWeightsError: No weights, a negative or fractional one, or none above zero.
        InvalidAmountError: The total is not an integer.
    """
    if type(total_minor) is not int:
        raise InvalidAmountError(f"a total is an int of minor units, not {type(total_minor).__name__}")
    whole = _weight_sum(weights)
    magnitude = abs(total_minor)
    shares = [magnitude * weight // whole for weight in weights]
    short = magnitude - sum(shares)
    if short:
        # sorted() is stable: among equal remainders the earliest comes first.
        neediest = sorted(range(len(shares)), key=lambda k: -(magnitude * weights[k] % whole))
        for k in neediest[:short]:
            shares[k] += 1
    return tuple(shares) if total_minor >= 0 else tuple([-share for share in shares])


def _weight_sum(weights: Sequence[int]) -> int:
    for place, weight in enumerate(weights):
        if type(weight) is not int:
            raise InvalidWeightsError(f"weight {place} is of type {type(weight).__name__}, not int")
        if weight < 0:
            raise InvalidWeightsError(f"weight {place} is {weight}; weights are at least 0")
    whole = sum(weights)
    if whole == 0:
        raise InvalidWeightsError("at least one weight must be above 0")
    return whole


@lru_cache(maxsize=1)
def _tender() -> frozenset[str]:
    """Every currency that is legal tender somewhere today, by CLDR."""
    from babel.core import get_global

    return frozenset(
        code
        for uses in get_global("territory_currencies").values()
        for code, _since, until, is_tender in uses
        if until is None and is_tender
    )


@lru_cache(maxsize=256)
def currency_exponent(currency: str) -> int:
    """How many decimal digits the minor unit has: JPY 0, CNY 2, KWD 3.

    Args:
        currency: ISO 4217 code in upper case.

    Raises:
        UnsupportedCurrencyError: Not the code of a currency in use.

    Source: CLDR supplemental currency data.
    """
    from babel.core import get_global

    if not isinstance(currency, str) or currency not in _tender():
        raise UnsupportedCurrencyError("a currency is the ISO 4217 code of one in use, for example CNY")
    fractions = get_global("currency_fractions")
    return int(fractions.get(currency, fractions["DEFAULT"])[0])


def require_currency(currency: str) -> str:
    """The code itself, if it names a currency in use.

    Raises:
        UnsupportedCurrencyError: It does not.
    """
    currency_exponent(currency)
    return currency


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """An amount in major units, with as many decimals as the currency has: 59980 CNY is 599.80."""
    if type(amount_minor) is not int:
        raise InvalidAmountError(f"an amount is an int of minor units, not {type(amount_minor).__name__}")
    digits = tuple(int(digit) for digit in str(abs(amount_minor)))
    return Decimal((int(amount_minor < 0), digits, -currency_exponent(currency)))


def parse_amount(text: str | Decimal | int, currency: str) -> int:
    """Minor units of an amount written in major units, with no float on the way: "599.80" CNY is 59980.

    Args:
        text: Digits with an optional sign and a decimal point, no grouping and no exponent; or a Decimal or int
            of major units.
        currency: ISO 4217 code.

    Raises:
        InvalidAmountError: Not such a number, or finer than the currency's minor unit.
        UnsupportedCurrencyError: No such currency.
    """
    exponent = currency_exponent(currency)
    if isinstance(text, str) and not set(text) <= set("+-.0123456789"):
        raise InvalidAmountError("an amount is written with digits, one point and a sign, for example 599.80")
    if isinstance(text, bool) or not isinstance(text, (str, Decimal, int)):
        raise InvalidAmountError(f"an amount is read from text, Decimal or int, not {type(text).__name__}")
    try:
        numerator, denominator = Decimal(text).as_integer_ratio()
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidAmountError("an amount is a finite decimal number, for example 599.80") from None
    scale: int = 10**exponent
    amount_minor, rest = divmod(numerator * scale, denominator)
    if rest:
        raise InvalidAmountError(f"{currency} has {exponent} decimals; the amount has more")
    return amount_minor


def format_money(amount_minor: int, currency: str, language: str) -> str:
    """An amount as people of a language write it: 59980 CNY is "¥599.80" in zh and "CN¥599.80" in en.

    Args:
        amount_minor: Minor units.
        currency: ISO 4217 code.
        language: BCP 47 tag, for example "zh", "en" or "zh-Hant-TW".

    Raises:
        UnsupportedCurrencyError: No such currency.
        UnsupportedLanguageError: CLDR has no such language.

    Source: CLDR number patterns through Babel.
    """
    from babel.core import Locale, UnknownLocaleError
    from babel.numbers import format_currency

    major = to_decimal(amount_minor, currency)
    try:
        locale = Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError, TypeError, AttributeError):
        raise UnsupportedLanguageError("a language is a BCP 47 tag known to CLDR, for example zh or en") from None
    return str(format_currency(major, currency, locale=locale))
