"""The policy's rules before and beside the score: each a code, what it does when it strikes, and how it is told.

A rule sees facts only. `decline` is a hard stop; `refer` sends the application to a person. A source that did not
answer refers, always: no silence ever approves anyone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from functions.credit.deciding.application import CountedFinances
from functions.credit.deciding.facts import ApplicationFacts, BureauResult, IdentityResult, IncomeResult
from functions.credit.policies.policy import Policy
from functions.credit.reasons import Reason

Effect = Literal["decline", "refer"]


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at."""

    facts: ApplicationFacts
    identity: IdentityResult
    bureau: BureauResult
    income: IncomeResult
    counted: CountedFinances
    policy: Policy


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Args:
        code: Stable.
        effect: What happens when it strikes.
        text_en: For the customer.
        text_zh: For the customer.
        observe: What it looked at, as JSON values; for the record.
        strikes: Whether it applies to a case.
    """

    code: str
    effect: Effect
    text_en: str
    text_zh: str
    observe: Callable[[Case], dict[str, Any]]
    strikes: Callable[[Case], bool]

    def reason(self) -> Reason:
        """As a reason a customer is given."""
        return Reason(self.code, self.text_en, self.text_zh, 0.0)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What a rule said of a case.

    Args:
        code: Of the rule.
        outcome: "pass", or the rule's effect.
        observed: What it looked at.
    """

    code: str
    outcome: Literal["pass", "decline", "refer"]
    observed: dict[str, Any]


RULES: tuple[Rule, ...] = (
    Rule(
        "under_age",
        "decline",
        "Not yet of legal age",
        "未达到法定年龄",
        lambda c: {"of_age": c.facts.age_years >= c.policy.majority_years},
        lambda c: c.facts.age_years < c.policy.majority_years,
    ),
    Rule(
        "document_invalid",
        "decline",
        "The identity document could not be confirmed",
        "身份证件未能通过核验",
        lambda c: {"document_valid": c.identity.document_valid},
        lambda c: c.identity.document_valid is False,
    ),
    Rule(
        "line_exists",
        "decline",
        "There is already a credit line for this identity document",
        "该身份证件已开通信用额度",
        lambda c: {"has_line": c.identity.has_line},
        lambda c: c.identity.has_line,
    ),
    Rule(
        "device_blocked",
        "decline",
        "The device cannot be used to apply",
        "当前设备无法用于申请",
        lambda c: {"device": c.identity.device},
        lambda c: c.identity.device == "blocked",
    ),
    Rule(
        "bureau_open_defaults",
        "decline",
        "Unsettled defaults at the credit bureau",
        "征信机构存在未结清的违约记录",
        lambda c: {"open_defaults": c.bureau.open_defaults},
        lambda c: c.bureau.open_defaults >= c.policy.bureau["decline_open_defaults"],
    ),
    Rule(
        "bureau_past_defaults",
        "decline",
        "Several past defaults at the credit bureau",
        "征信机构存在多次历史违约记录",
        lambda c: {"past_defaults": c.bureau.past_defaults},
        lambda c: c.bureau.past_defaults >= c.policy.bureau["decline_past_defaults"],
    ),
    Rule(
        "watch_list",
        "refer",
        "The application needs a further check",
        "该申请需要进一步核查",
        lambda c: {"watch_list": c.identity.watch_list},
        lambda c: c.identity.watch_list == "hit",
    ),
    Rule(
        "name_phone_mismatch",
        "refer",
        "Name or phone number do not belong to the identity document",
        "姓名或手机号与身份证件不一致",
        lambda c: {"name_phone": c.identity.name_phone},
        lambda c: c.identity.name_phone == "mismatch",
    ),
    Rule(
        "device_suspicious",
        "refer",
        "The device needs a further check",
        "当前设备需要进一步核查",
        lambda c: {"device": c.identity.device},
        lambda c: c.identity.device == "suspicious",
    ),
    Rule(
        "identity_unavailable",
        "refer",
        "The identity check did not answer",
        "身份核验服务暂未返回结果",
        lambda c: {
            "document_valid": c.identity.document_valid,
            "name_phone": c.identity.name_phone,
            "watch_list": c.identity.watch_list,
        },
        lambda c: c.identity.document_valid is None or "unavailable" in (c.identity.name_phone, c.identity.watch_list),
    ),
    Rule(
        "bureau_unavailable",
        "refer",
        "The credit bureau did not answer",
        "征信机构暂未返回结果",
        lambda c: {"bureau": c.bureau.status},
        lambda c: c.bureau.status == "unavailable",
    ),
    Rule(
        "bureau_inquiries",
        "refer",
        "Many recent credit inquiries",
        "近期征信查询次数较多",
        lambda c: {"inquiries_90d": c.bureau.inquiries_90d},
        lambda c: c.bureau.inquiries_90d >= c.policy.bureau["refer_inquiries_90d"],
    ),
    Rule(
        "income_unavailable",
        "refer",
        "The income check did not answer",
        "收入核验服务暂未返回结果",
        lambda c: {"income": c.income.status},
        lambda c: c.income.status == "unavailable",
    ),
    Rule(
        "income_missing",
        "refer",
        "No income was stated",
        "未提供收入信息",
        lambda c: {"income_known": c.counted.income_minor is not None},
        lambda c: c.counted.income_minor is None,
    ),
)

# What the search for a limit may end with, told like a rule.
LIMIT_REASONS: dict[str, Reason] = {
    "request_below_minimum": Reason(
        "request_below_minimum", "The limit asked for is below the smallest line", "申请额度低于最低授信额度", 0.0
    ),
    "disposable_income": Reason(
        "disposable_income",
        "Income left after expenses and debts does not carry the installments",
        "扣除支出与负债后的收入不足以支付分期还款",
        0.0,
    ),
    "pd_borderline": Reason(
        "pd_borderline", "The assessment is close to the limit of what is accepted", "综合评估接近准入边界", 0.0
    ),
}


def apply_rules(case: Case) -> tuple[RuleResult, ...]:
    """Every rule's result, in the order of the table."""
    return tuple(
        RuleResult(rule.code, rule.effect if rule.strikes(case) else "pass", rule.observe(case)) for rule in RULES
    )


def reasons_for(results: tuple[RuleResult, ...], effect: Effect) -> tuple[Reason, ...]:
    """The rules that struck with an effect, as reasons."""
    by_code = {rule.code: rule for rule in RULES}
    return tuple(by_code[one.code].reason() for one in results if one.outcome == effect)
