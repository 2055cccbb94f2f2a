"""What a customer reads of why: one sentence a code, in her language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from functions.core.money import format_money

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "cheapest_affordable": (
        "The cheapest that fits every month: {installment} at most, beside {owed} owed already, of {room} a month.",
        "每月都负担得起且费用最低:单期最高 {installment},当月已有应还 {owed},每月可用于分期 {room}。",
    ),
    "none_fits": (
        "No plan fits: beside what you owe already, each takes more than the {room} a month that your income leaves.",
        "没有合适的方案:加上已有应还,每个方案都会超过您每月可用于分期的金额 {room}。",
    ),
    "income_unknown": (
        "We recommend none: we do not know your present income.",
        "我们不了解您目前的收入,因此不作推荐。",
    ),
    "not_for_this_purchase": ("Not offered for this kind of purchase.", "此类消费不提供该方案。"),
    "amount_too_small": ("The amount is below what this plan begins at ({least}).", "金额低于该方案的起点({least})。"),
    "amount_too_large": ("The amount is over what this plan goes to ({most}).", "金额超过该方案的上限({most})。"),
    "not_at_your_grade": ("Not offered at your credit grade.", "您的信用等级暂不提供该方案。"),
    "term_not_on_your_line": (
        "Your credit line does not allow {count} installments.",
        "您的额度暂不支持 {count} 期。",
    ),
    "no_line": (
        "You have no credit line in this currency; you can apply for one.",
        "您还没有该币种的额度,可以申请。",
    ),
    "line_frozen": ("Your credit line is frozen.", "您的额度已被冻结。"),
    "line_closed": ("Your credit line is closed.", "您的额度已关闭。"),
    "not_enough_available": (
        "The order is more than what is left of your line ({available}).",
        "订单金额超过您的可用额度({available})。",
    ),
    "not_available": (
        "Your credit line does not carry this order; your offers say why.",
        "您的额度暂时无法支付此订单,原因见您的方案页。",
    ),
    "scenario_not_allowed": (
        "This purchase may not be paid by installments.",
        "此类消费不支持分期付款。",
    ),
    "risk": (
        "This order was declined to protect you; you may pay another way, or ask us to look at it.",
        "为保障您的资金安全,此订单未获通过;您可换用其他方式支付,或联系我们复核。",
    ),
    "declined": ("This order is declined.", "此订单未获通过。"),
    "held": ("A person is looking at this order; you will be told.", "此订单正在人工审核,结果会通知您。"),
    "approved": ("The order is confirmed.", "订单已确认。"),
}

CODES: Final = frozenset(_TEXTS)


def say(code: str, language: str, currency: str, **facts: int) -> str:
    """The sentence for a code.

    Args:
        code: In `CODES`.
        language: BCP 47; Chinese, else English.
        currency: Of the amounts.
        **facts: Amounts in minor units, and `count` as a plain number.
    """
    spoken = language.replace("_", "-").partition("-")[0].lower()
    shown = {
        name: str(value) if name == "count" else format_money(value, currency, "zh" if spoken == "zh" else "en")
        for name, value in facts.items()
    }
    return _TEXTS[code][spoken == "zh"].format(**shown)
