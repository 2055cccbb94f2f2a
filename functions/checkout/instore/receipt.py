"""What a till prints: lines of text, in the customer's language, without the customer. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from functions.core.money import format_money

WIDTH: Final = 40
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "approved": "APPROVED", "captured": "APPROVED", "partially_captured": "APPROVED", "reversed": "REVERSED",
            "declined": "NOT PAID", "expired": "NOT PAID", "held": "WAIT", "awaiting_confirmation": "CONFIRM ON PHONE",
            "terminal": "Terminal", "reference": "Reference", "amount": "Amount", "plan": "Plan",
            "one": "1 payment", "many": "{count} payments", "proof": "Authorization",
        },
        "zh": {
            "approved": "交易成功", "captured": "交易成功", "partially_captured": "交易成功", "reversed": "已撤销",
            "declined": "未支付", "expired": "未支付", "held": "请稍候", "awaiting_confirmation": "请在手机上确认",
            "terminal": "终端", "reference": "订单号", "amount": "金额", "plan": "分期",
            "one": "1 期", "many": "{count} 期", "proof": "授权号",
        },
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slip:
    """What is printed.

    Args:
        at: Instant of the sale.
        zone: IANA zone of the shop.
        count: Installments.
        language: English is printed for one that is not spoken here.
    """

    shop: str
    terminal: str
    reference: str
    status: str
    amount_minor: int
    currency: str
    count: int
    at: datetime
    zone: str
    authorization_id: str
    language: str


def receipt_lines(slip: Slip) -> list[str]:
    """The slip, each line at most 40 columns; a Chinese character takes two."""
    language = slip.language if slip.language in _TEXTS else "en"
    say = _TEXTS[language]
    plan = say["one"] if slip.count == 1 else say["many"].format(count=slip.count)
    return [
        _cut(slip.shop),
        slip.at.astimezone(ZoneInfo(slip.zone)).strftime("%Y-%m-%d %H:%M:%S"),
        *_pair(say["terminal"], slip.terminal),
        *_pair(say["reference"], slip.reference),
        *_pair(say["amount"], format_money(slip.amount_minor, slip.currency, language)),
        *_pair(say["plan"], plan),
        say[slip.status],
        *_pair(say["proof"], slip.authorization_id),
    ]


def _pair(name: str, value: str) -> Sequence[str]:
    """Name left, value right; on two lines where one is too short, and on more where the value is longer still."""
    space = WIDTH - columns(name) - columns(value)
    if space > 0:
        return [name + " " * space + value]
    return [name, *(value[start : start + WIDTH] for start in range(0, len(value), WIDTH))]


def columns(text: str) -> int:
    """How wide a printer sets a text."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _cut(text: str) -> str:
    while columns(text) > WIDTH:
        text = text[:-1]
    return text
