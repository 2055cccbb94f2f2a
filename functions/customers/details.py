"""The personal details of a sign-up: read generously, kept in one form. Pure.

Refusals name the field and never repeat its value.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from functions.core.errors import FieldError, InvalidError

RESIDENT_ID, PASSPORT, NATIONAL_ID = "resident_id", "passport", "national_id"
CHINA: Final = "CN"

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_CHINESE_MOBILE = re.compile(r"\+861\d{10}")
_BARE_CHINESE_MOBILE = re.compile(r"1\d{10}")
_DOCUMENT = {
    RESIDENT_ID: re.compile(r"\d{17}[0-9X]", re.ASCII),
    PASSPORT: re.compile(r"[A-Z0-9]{5,20}"),
    NATIONAL_ID: re.compile(r"[A-Z0-9]{5,20}"),
}
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@(?=.{1,190}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NOWHERE: Final = "ZZ"
"""CLDR's code for an unknown territory."""
_LONGEST_LIFE_YEARS: Final = 150
_BETWEEN = str.maketrans("", "", " -()\u00a0")


def _refused(field: str, detail: str) -> InvalidError:
    return InvalidError(f"{field}: {detail}", errors=(FieldError(f"/{field}", "invalid_format", detail),))


def normal_phone(text: str, country: str = CHINA) -> str:
    """A phone number in E.164.

    Args:
        text: With country code ("+86 138 0013 8000", "0086…"), or a Chinese mobile number without.
        country: Whose national form is accepted; only China's is.

    Raises:
        InvalidError: Anything else.

    Source: ITU-T E.164.
    """
    digits = text.translate(_BETWEEN)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if country == CHINA and _BARE_CHINESE_MOBILE.fullmatch(digits) and digits.isascii():
        digits = "+86" + digits
    pattern = _CHINESE_MOBILE if digits.startswith("+86") else _PHONE
    if not digits.isascii() or not pattern.fullmatch(digits):
        raise _refused("phone", "a phone number has its country code, for example +8613800138000")
    return digits


def normal_document(kind: str, text: str) -> str:
    """A document number in upper case, without blanks and hyphens.

    Args:
        kind: "resident_id", "passport" or "national_id".
        text: As typed.

    Raises:
        InvalidError: Characters or length that no such document has.
    """
    number = text.translate(_BETWEEN).upper()
    if not _DOCUMENT[kind].fullmatch(number):
        shape = "17 digits and a digit or X" if kind == RESIDENT_ID else "5 to 20 letters and digits"
        raise _refused("document_number", f"a number of this kind has {shape}")
    return number


def normal_name(text: str) -> str:
    """A name without blanks at its ends.

    Raises:
        InvalidError: Nothing else in it, or control characters.
    """
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise _refused("name", "a name has letters and no control characters")
    return name


def normal_email(text: str) -> str:
    """An e-mail address with its domain in lower case.

    Raises:
        InvalidError: Not of the form local@domain.tld.
    """
    local, _, domain = text.rpartition("@")
    address = f"{local}@{domain.lower()}"
    if not _EMAIL.fullmatch(address):
        raise _refused("email", "an e-mail address looks like name@example.com")
    return address


def require_past(born_on: date, today: date) -> date:
    """The birth date itself, if somebody alive may have it.

    Raises:
        InvalidError: After today, or more than 150 years ago.
    """
    if not 0 <= completed_years(born_on, today) <= _LONGEST_LIFE_YEARS:
        raise _refused("birth_on", "a birth date lies before today")
    return born_on


def require_zone(name: str) -> str:
    """The name itself, if it is an IANA time zone.

    Raises:
        InvalidError: It is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _refused("zone", "a zone is an IANA name, for example Asia/Shanghai") from None
    return name


def require_country(code: str) -> str:
    """The code itself, if it is a country's.

    Raises:
        InvalidError: It is not.

    Source: ISO 3166-1 alpha-2, by CLDR's list of territories that have a currency.
    """
    from babel.core import get_global

    if code == _NOWHERE or code not in get_global("territory_currencies"):
        raise _refused("country", "a country is an ISO 3166 code, for example CN")
    return code


_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECK_CHARACTERS: Final = "10X98765432"


def check_character(first_17: str) -> str:
    """The last character of a resident identity number, from the 17 digits before it.

    Source: GB 11643-1999; ISO/IEC 7064:2003 MOD 11-2.
    """
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def is_resident_id(number: str) -> bool:
    """Whether the check character is right and the birth date in it is a day."""
    return check_character(number[:17]) == number[17] and resident_born_on(number) is not None


def resident_born_on(number: str) -> date | None:
    """The birth date that a resident identity number carries, None if it is no day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def completed_years(born_on: date, today: date) -> int:
    """Age; someone born on 29 February is a year older on 1 March."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
