"""The sentences of an agreement, in each language; `functions.lending.agreements.agreement` puts the figures in.

A changed sentence is a new `AGREEMENT_VERSION`: an agreement accepted once stays as it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

AGREEMENT_VERSION: Final = 1

_EN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "INSTALLMENT AGREEMENT",
        "rate": "ANNUAL RATE {rate} %",
        "rate_why": "All costs as one rate a year on the principal you actually owe ({method}).",
        "irr_x12": "internal rate of return per month × 12",
        "effective": "effective annual rate, compounded",
        "other_rate": "By the other usual method ({method}): {rate} %.",
        "personal": "This price was set for you personally by automated processing of your data.",
        "parties": "Lender: {lender}. Merchant: {merchant}. First day: {start}.",
        "costs": "COSTS",
        "principal": "Principal (financed amount): {amount}.",
        "down": "Down payment to the merchant on the first day: {amount}. It is not part of the credit.",
        "fee_none": "Fee: none.",
        "fee_flat": "Fee: {amount}. Method: {rate} % of the financed amount per month, for {count} installments. "
        "Collected by {lender}.",
        "fee_annual": "Interest: {amount}. Method: {rate} % a year on the principal owed, day count {day_count}. "
        "Collected by {lender}.",
        "subsidy": "Of the whole price {gross}, the merchant pays {amount}; you pay {fee}.",
        "total": "You pay in all: {amount}.",
        "default": "IF YOU PAY LATE",
        "late": "Late charge: {rate} % a day of the installment's unpaid principal and fee, from day {first} after its "
        "due day; never on a late charge; at most {cap} % of the installment over its life and {annual} % a year. "
        "Collected by {lender}.",
        "late_none": "Late charge: none.",
        "charge_off": "After {days} days past due the debt is written off in the lender's books; you still owe it.",
        "nothing_else": "NOTHING ELSE IS CHARGED.",
        "schedule": "SCHEDULE",
        "row": "{number}. {due}: {total} = {principal} principal + {fee} fee; {balance} principal left.",
        "changes": "WHAT MAY CHANGE",
        "order": "A payment goes to the oldest due day first; inside an installment: {parts}.",
        "late_part": "late charge",
        "fee_part": "fee",
        "principal_part": "principal",
        "payoff_accrued": "You may pay all or part early at any time: you pay the principal and the fee up to that "
        "day, and nothing for the time after it.",
        "payoff_all_remaining": "You may pay early at any time; paying all of it off costs all remaining fees.",
        "refund_pro_rata": "A refund lowers every unpaid installment alike, principal and fee; a full refund gives "
        "back every fee and late charge.",
        "refund_last_first": "A refund takes installments off the end; the fee of the others falls to the price of "
        "what is left. A full refund gives back every fee and late charge.",
        "refund_next_first": "A refund takes the next installments off; the fee of the others falls to the price of "
        "what is left. A full refund gives back every fee and late charge.",
        "deferral": "In hardship you may ask to move the next due days, at most {count} times; what that costs is "
        "shown first.",
        "deferral_none": "Due days can't be moved.",
        "withdrawal": "You may withdraw within {days} days of the first day, without giving a reason: you pay back "
        "the principal within {payment_days} days and no fee.",
        "withdrawal_none": "The law of this agreement gives no right of withdrawal.",
        "dispute": "If you contest the goods, the contested installments wait without late charge until it is decided.",
    }
)

_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "分期付款协议",
        "rate": "年化利率 {rate} %",
        "rate_why": "全部费用按您实际占用的本金折算为年利率({method})。",
        "irr_x12": "月内部收益率 × 12,单利",
        "effective": "实际年利率,复利",
        "other_rate": "按另一种常用方法({method})计算:{rate} %。",
        "personal": "该价格系通过自动化处理您的个人信息为您个人确定。",
        "parties": "出借人:{lender}。商户:{merchant}。起始日:{start}。",
        "costs": "综合融资成本明示表",
        "principal": "本金(融资金额):{amount}。",
        "down": "起始日向商户支付的首付款:{amount}。首付款不属于贷款。",
        "fee_none": "手续费:无。",
        "fee_flat": "手续费:{amount}。计费方式:每月按融资金额的 {rate} % 收取,共 {count} 期。收取方:{lender}。",
        "fee_annual": "利息:{amount}。计息方式:按剩余本金年利率 {rate} %,计日规则 {day_count}。收取方:{lender}。",
        "subsidy": "总价 {gross} 中,商户承担 {amount},您承担 {fee}。",
        "total": "您共需支付:{amount}。",
        "default": "逾期时的或有成本",
        "late": "违约金:自到期日后第 {first} 天起,每日按该期未付本金和手续费的 {rate} % 收取;不对违约金再计收;"
        "每期累计不超过该期金额的 {cap} %,且每年不超过 {annual} %。收取方:{lender}。",
        "late_none": "违约金:无。",
        "charge_off": "逾期 {days} 天后,出借人将在账面核销该笔债务;您仍需偿还。",
        "nothing_else": "除上述费用外,不收取任何其他费用。",
        "schedule": "还款计划",
        "row": "第 {number} 期 {due}:{total} = 本金 {principal} + 手续费 {fee};剩余本金 {balance}。",
        "changes": "可能的变化",
        "order": "还款先抵最早到期的一期;同一期内依次抵:{parts}。",
        "late_part": "违约金",
        "fee_part": "手续费",
        "principal_part": "本金",
        "payoff_accrued": "您可随时提前偿还全部或部分:只需支付本金和截至当日的手续费,之后的时间不再收费。",
        "payoff_all_remaining": "您可随时提前偿还;提前结清需支付全部剩余手续费。",
        "refund_pro_rata": "退款将等比例减少各未付期的本金和手续费;全额退款将退还全部手续费和违约金。",
        "refund_last_first": "退款从最后一期开始抵减,其余各期手续费按余额重新计算;全额退款将退还全部手续费和违约金。",
        "refund_next_first": "退款从最近一期开始抵减,其余各期手续费按余额重新计算;全额退款将退还全部手续费和违约金。",
        "deferral": "遇到困难时,您可申请推迟最近的还款日,最多 {count} 次;费用会事先告知。",
        "deferral_none": "还款日不可推迟。",
        "withdrawal": "您可在起始日后 {days} 天内无理由撤回:在 {payment_days} 天内归还本金,无需支付手续费。",
        "withdrawal_none": "本协议适用的法律未规定撤回权。",
        "dispute": "如您对商品提出争议,争议各期在处理期间暂停计收违约金。",
    }
)

TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"en": _EN, "zh": _ZH})
