"""Merchant QR codes: the specification's own example, codes of other schemes, and what is not a code."""

from __future__ import annotations

import pytest

from functions.checkout.instore.emvco import (
    ACCOUNT,
    MerchantQr,
    QrCurrencyError,
    QrFieldTooLongError,
    QrUnreadableError,
    build,
    checksum,
    parse,
)

BEST_TRANSPORT = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT"
    "6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME"
    "91320016A0112233449988770708123456786304A13A"
)
"""EMV QRCPS Merchant-Presented Mode 1.0, annex A: a code with two schemes, a tip to ask for and Chinese names."""
PROMPT_PAY = "00020101021129370016A000000677010111011300660000000005802TH530376463048956"
"""A widely published Thai code: no category, no name."""
OURS = MerchantQr(
    merchant_id="mer_01KA0000000000000000000000", name="Corner Electronics", city="Shanghai", country="CN",
    category="5732", currency="CNY", amount_minor=129_900, reference="sale-1", terminal="till-1",
)  # fmt: skip


def test_the_checksum_is_that_of_the_catalogue_and_of_published_codes() -> None:
    assert checksum("123456789") == "29B1"
    assert checksum(BEST_TRANSPORT[:-4]) == "A13A"
    assert checksum(PROMPT_PAY[:-4]) == "8956"


def test_the_specifications_example_is_read() -> None:
    read = parse(BEST_TRANSPORT)
    assert (read.name, read.city, read.country, read.category) == ("BEST TRANSPORT", "BEIJING", "CN", "4111")
    assert (read.currency, read.amount_minor, read.terminal, read.merchant_id) == ("CNY", 2_372, "A6008667", "")
    assert read.local_name == "最佳运输"


def test_a_dynamic_code_says_everything_in_the_order_of_the_standard() -> None:
    payload = build(OURS)
    assert payload.startswith(f"000201010212265500{len(ACCOUNT):02d}{ACCOUNT}0130{OURS.merchant_id}")
    assert "5204573253031565407" in payload
    assert "54071299.00" in payload
    assert parse(payload) == OURS


def test_a_chinese_name_stands_beside_one_that_every_reader_can_show() -> None:
    qr = MerchantQr(**{**_fields(OURS), "local_name": "角落电器"})
    assert "64140002ZH0104角落电器" in build(qr)
    assert parse(build(qr)) == qr


def test_a_static_code_has_no_amount_and_says_so() -> None:
    payload = build(MerchantQr(**{**_fields(OURS), "amount_minor": None, "reference": None}))
    assert payload.startswith("000201010211")
    assert parse(payload).amount_minor is None


@pytest.mark.parametrize(
    ("currency", "amount_minor", "said"),
    [
        ("JPY", 12_800, "540512800"),
        ("KWD", 1_234, "54051.234"),
        ("USD", 5, "54040.05"),
        ("CNY", 10**11, "54131000000000.00"),
    ],
)
def test_amounts_have_the_currencys_own_decimals(currency: str, amount_minor: int, said: str) -> None:
    qr = MerchantQr(**{**_fields(OURS), "currency": currency, "amount_minor": amount_minor})
    assert said in build(qr)
    assert parse(build(qr)).amount_minor == amount_minor


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 26},
        {"city": ""},
        {"reference": "r" * 26},
        {"terminal": "t" * 26},
        {"amount_minor": 10**12},
        {"name": "名"},
        {"local_name": "名" * 26},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(QrFieldTooLongError):
        build(MerchantQr(**{**_fields(OURS), **change}))


def test_a_currency_without_a_number_is_refused() -> None:
    with pytest.raises(QrCurrencyError):
        build(MerchantQr(**{**_fields(OURS), "currency": "XAU"}))


def resealed(payload: str, old: str, new: str) -> str:
    assert old in payload
    body = payload[:-4].replace(old, new, 1)
    return body + checksum(body)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "6304",
        "x" * 600,
        BEST_TRANSPORT[:-1],
        BEST_TRANSPORT[:-4] + "0000",
        PROMPT_PAY,  # no name, no category
        resealed(build(OURS), "5802CN", "5803CN"),  # a length that runs into the next object
        resealed(build(OURS), "5802CN", "58-2CN"),
        resealed(build(OURS), "5802CN", "5800CN"),
        resealed(build(OURS), "5802CN", "5802CN5802CN"),
        resealed(build(OURS), "54071299.00", "54071299.0x"),
        resealed(build(OURS), "54071299.00", "54071299.0٣"),
        resealed(build(OURS), "54071299.00", "5404-1.0"),
        resealed(build(OURS), "54071299.00", "54040.00"),
        resealed(build(OURS), "54071299.00", "54051.001"),
        resealed(build(OURS), "000201", "000202"),
    ],
)
def test_what_is_not_a_merchants_code_is_refused(payload: str) -> None:
    with pytest.raises(QrUnreadableError):
        parse(payload)


def _fields(qr: MerchantQr) -> dict[str, object]:
    return {name: getattr(qr, name) for name in MerchantQr.__slots__}
