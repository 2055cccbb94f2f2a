"""Merchant QR codes of EMVCo: data objects of two digits each, built and read, with their checksum. Pure.

Source: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.0 (2017): 3 data objects,
4.7 table of fields, annex A; checksum CRC-16/CCITT-FALSE, ISO/IEC 13239, polynomial 1021, initial value FFFF.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from functions.core.errors import InvalidError
from functions.core.money import currency_exponent

STATIC, DYNAMIC = "11", "12"
ACCOUNT: Final = "example.whitenote"
"""Reverse domain of ours in the merchant account template, by which a reader knows the code as ours."""
CURRENCY_NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AED": "784", "AUD": "036", "BHD": "048", "BRL": "986", "CAD": "124", "CHF": "756", "CLP": "152", "CNY": "156",
        "CZK": "203", "DKK": "208", "EUR": "978", "GBP": "826", "HKD": "344", "HUF": "348", "IDR": "360", "ILS": "376",
        "INR": "356", "JOD": "400", "JPY": "392", "KRW": "410", "KWD": "414", "MOP": "446", "MXN": "484", "MYR": "458",
        "NOK": "578", "NZD": "554", "OMR": "512", "PHP": "608", "PLN": "985", "SAR": "682", "SEK": "752", "SGD": "702",
        "THB": "764", "TND": "788", "TRY": "949", "TWD": "901", "USD": "840", "VND": "704", "ZAR": "710",
    }
)  # fmt: skip
"""ISO 4217 numeric codes; CLDR, from which the rest of a currency comes, has none."""
_LETTERS: Final = MappingProxyType({number: letters for letters, number in CURRENCY_NUMBERS.items()})

_FORMAT, _POINT, _CATEGORY, _CURRENCY, _AMOUNT = "00", "01", "52", "53", "54"
_COUNTRY, _NAME, _CITY, _ADDITIONAL, _CHECKSUM, _LOCAL = "58", "59", "60", "62", "63", "64"
_OURS: Final = "26"
_ACCOUNTS: Final = range(26, 52)
_REQUIRED: Final = (_FORMAT, _CATEGORY, _CURRENCY, _COUNTRY, _NAME, _CITY)
_GUID, _MERCHANT = "00", "01"
_REFERENCE, _TERMINAL = "05", "07"
_LANGUAGE, _LOCAL_NAME = "00", "01"
_MAX_VALUE: Final = 99
_NAME_CHARACTERS, _CITY_CHARACTERS, _LABEL_CHARACTERS, _AMOUNT_CHARACTERS = 25, 15, 25, 13
_TAIL: Final = 8
_MAX_PAYLOAD: Final = 512
_AMOUNT_FORM: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{0,4})?")


class QrUnreadableError(InvalidError):
    code, title = "qr_unreadable", "This is not a merchant QR code of EMVCo"


class QrFieldTooLongError(InvalidError):
    code, title = "qr_field_too_long", "A value is longer than a merchant QR code can hold"


class QrCurrencyError(InvalidError):
    code, title = "currency_not_in_qr", "This currency has no number in merchant QR codes"


@dataclass(frozen=True, slots=True)
class MerchantQr:
    """What a merchant's code says.

    Args:
        merchant_id: `mer_…`; "" in a code of another scheme.
        name: At most 25 characters of ASCII, as the standard's alphabet is.
        city: At most 15, likewise.
        country: ISO 3166, two letters.
        category: ISO 18245, four digits.
        currency: ISO 4217, letters.
        amount_minor: Of a dynamic code; None where the customer types it.
        reference: The shop's order number.
        terminal: The till.
        local_name: The name in Chinese, at most 25 characters.
    """

    merchant_id: str
    name: str
    city: str
    country: str
    category: str
    currency: str
    amount_minor: int | None = None
    reference: str | None = None
    terminal: str | None = None
    local_name: str | None = None


def checksum(text: str) -> str:
    """CRC-16/CCITT-FALSE of a payload up to and with "6304", as four hexadecimal digits.

    The standard library's CRC of BinHex is this polynomial; only its initial value differs.
    """
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def build(qr: MerchantQr) -> str:
    """The payload of a code.

    Raises:
        QrFieldTooLongError: A value is over its field's width, or not in its alphabet.
        QrCurrencyError: The currency's number is not known.
    """
    number = CURRENCY_NUMBERS.get(qr.currency)
    if number is None:
        raise QrCurrencyError
    labels = _objects({_REFERENCE: qr.reference, _TERMINAL: qr.terminal}, _LABEL_CHARACTERS)
    head = _objects(
        {
            _FORMAT: "01",
            _POINT: STATIC if qr.amount_minor is None else DYNAMIC,
            _OURS: _objects({_GUID: ACCOUNT, _MERCHANT: qr.merchant_id}),
            _CATEGORY: qr.category,
            _CURRENCY: number,
            _AMOUNT: _amount(qr),
            _COUNTRY: qr.country,
        }
    )
    names = _objects({_NAME: qr.name}, _NAME_CHARACTERS) + _objects({_CITY: qr.city}, _CITY_CHARACTERS)
    if not f"{qr.name}{qr.city}{labels}".isascii():
        raise QrFieldTooLongError("name, city and labels are ASCII")
    local = _objects({_LANGUAGE: "ZH", _LOCAL_NAME: qr.local_name}, _NAME_CHARACTERS) if qr.local_name else None
    body = head + names + _objects({_ADDITIONAL: labels or None, _LOCAL: local}) + f"{_CHECKSUM}04"
    return body + checksum(body)


def _amount(qr: MerchantQr) -> str | None:
    if qr.amount_minor is None:
        return None
    amount = str(Decimal(qr.amount_minor).scaleb(-currency_exponent(qr.currency)))
    if len(amount) > _AMOUNT_CHARACTERS:
        raise QrFieldTooLongError(f"an amount has at most {_AMOUNT_CHARACTERS} characters")
    return amount


def _objects(values: Mapping[str, str | None], most: int = _MAX_VALUE) -> str:
    out = ""
    for tag, value in values.items():
        if value is None:
            continue
        if not 0 < len(value) <= most:
            raise QrFieldTooLongError(f"data object {tag} holds 1 to {most} characters, not {len(value)}")
        out += f"{tag}{len(value):02d}{value}"
    return out


def parse(payload: str) -> MerchantQr:
    """Read a code, of ours or of another scheme.

    Args:
        payload: As scanned.

    Raises:
        QrUnreadableError: Wrong checksum, length or order, a field twice, or one that is required missing.
        QrCurrencyError: The currency's number is not known.
    """
    if len(payload) > _MAX_PAYLOAD or len(payload) < _TAIL or payload[-_TAIL:-4] != f"{_CHECKSUM}04":
        raise QrUnreadableError
    if checksum(payload[:-4]) != payload[-4:].upper():
        raise QrUnreadableError("the checksum is wrong")
    fields = dict(_read(payload[:-_TAIL]))
    if any(tag not in fields for tag in _REQUIRED) or not payload.startswith("000201"):
        raise QrUnreadableError("a required field is missing")
    currency = _LETTERS.get(fields[_CURRENCY])
    if currency is None:
        raise QrCurrencyError
    labels = dict(_read(fields.get(_ADDITIONAL, "")))
    local = dict(_read(fields.get(_LOCAL, "")))
    return MerchantQr(
        merchant_id=_our_merchant(fields),
        name=fields[_NAME],
        city=fields[_CITY],
        country=fields[_COUNTRY],
        category=fields[_CATEGORY],
        currency=currency,
        amount_minor=_minor(fields[_AMOUNT], currency) if _AMOUNT in fields else None,
        reference=labels.get(_REFERENCE),
        terminal=labels.get(_TERMINAL),
        local_name=local.get(_LOCAL_NAME),
    )


def _read(text: str) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(text):
        head = text[place : place + 4]
        if len(head) < 4 or not (head.isascii() and head.isdigit()):  # noqa: PLR2004  two digits of tag, two of length
            raise QrUnreadableError("a data object has no tag and length")
        end = place + 4 + int(head[2:])
        if end > len(text) or int(head[2:]) == 0 or any(tag == head[:2] for tag, _ in found):
            raise QrUnreadableError("a data object is cut off, empty or there twice")
        found.append((head[:2], text[place + 4 : end]))
        place = end
    return found


def _our_merchant(fields: Mapping[str, str]) -> str:
    for tag in _ACCOUNTS:
        template = fields.get(f"{tag:02d}")
        if template is not None and template.startswith(f"00{len(ACCOUNT):02d}{ACCOUNT}"):
            return dict(_read(template)).get(_MERCHANT, "")
    return ""


def _minor(text: str, currency: str) -> int:
    """Raises QrUnreadableError for more decimals than the currency has, or anything but digits and a point."""
    if not _AMOUNT_FORM.fullmatch(text):
        raise QrUnreadableError("the amount is not one")
    amount = Decimal(text).scaleb(currency_exponent(currency))
    if amount != amount.to_integral_value() or amount <= 0:
        raise QrUnreadableError("the amount is not one in this currency")
    return int(amount)
