"""The sentences of a changed agreement, in each language; `document.py` puts the figures in.

A changed sentence is a new `AMENDMENT_VERSION`: what was accepted once stays as it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

AMENDMENT_VERSION: Final = 1

_EN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "CHANGE OF AN INSTALLMENT AGREEMENT",
        "rate": "ANNUAL RATE OF WHAT IS LEFT {after} % (before this change: {before} %)",
        "rate_none": "nothing to come",
        "rate_why": "All costs as one rate a year on the principal you actually owe ({method}), from {on} on.",
        "irr_x12": "internal rate of return per month × 12",
        "effective": "effective annual rate, compounded",
        "parties": "Lender: {lender}. Merchant: {merchant}. Agreement of {start}, changed on {on}.",
        "costs": "COST OF WHAT IS LEFT",
        "figures": "{name}: {principal} principal + {fee} fee = {total} in {count} installments, the last on {last}.",
        "before": "Before",
        "after": "After",
        "dearer": "This change costs you {amount} more.",
        "cheaper": "This change costs you {amount} less.",
        "same": "This change costs you nothing.",
        "how": "The fee of the time so far stays owed; from now on interest runs at {rate} % a year on the principal "
        "that is left. Collected by {lender}.",
        "late": "Late charge of {amount} so far stays due, and does not grow.",
        "late_none": "There is no late charge so far.",
        "nothing_else": "Nothing else is charged for this change.",
        "schedule": "NEW INSTALLMENTS",
        "row": "{number}. {due}: {total} = {principal} principal + {fee} fee; {balance} principal left.",
        "rest": "All else stays as agreed on {start}.",
    }
)

_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "分期付款协议变更",
        "rate": "剩余款项年化利率 {after} %(变更前:{before} %)",
        "rate_none": "无",
        "rate_why": "自 {on} 起,全部费用按您实际占用的本金折算为年利率({method})。",
        "irr_x12": "月内部收益率 × 12,单利",
        "effective": "实际年利率,复利",
        "parties": "出借人:{lender}。商户:{merchant}。原协议起始日:{start},变更日:{on}。",
        "costs": "剩余款项成本明示表",
        "figures": "{name}:本金 {principal} + 手续费 {fee} = {total},共 {count} 期,最后一期 {last}。",
        "before": "变更前",
        "after": "变更后",
        "dearer": "本次变更使您多支付 {amount}。",
        "cheaper": "本次变更使您少支付 {amount}。",
        "same": "本次变更不产生费用。",
        "how": "截至目前的手续费仍需支付;今后按剩余本金以年利率 {rate} % 计息。收取方:{lender}。",
        "late": "截至目前的违约金 {amount} 仍需支付,不再增加。",
        "late_none": "截至目前没有违约金。",
        "nothing_else": "除此之外,本次变更不收取任何其他费用。",
        "schedule": "新的还款计划",
        "row": "第 {number} 期 {due}:{total} = 本金 {principal} + 手续费 {fee};剩余本金 {balance}。",
        "rest": "其余条款仍按 {start} 的协议执行。",
    }
)

TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"en": _EN, "zh": _ZH})
