"""Why a score is not better: families of features, in words a person can act on.

A reason is ranked by how much its family raises the probability of default above the mean of approved customers, so
what everyone has is no reason. Codes are stable: they go to customers, adverse-action notices and reports. No family
holds a protected attribute; none exists in the models.
Source: Regulation B, 12 CFR 1002.9(b)(2) (specific principal reasons, no more than four); PIPL art. 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_REASONS = 4


class Reason(NamedTuple):
    """One reason against the applicant; a tuple, because every score makes four.

    Args:
        code: Stable, machine-readable.
        text_en: For the customer, English.
        text_zh: For the customer, Chinese.
        contribution: Log-odds of default above the approved mean; 0 for a hard stop.
    """

    code: str
    text_en: str
    text_zh: str
    contribution: float


# family (`Feature.family`) → (English, Chinese)
FAMILIES: dict[str, tuple[str, str]] = {
    "stability": ("Short time in the present job, or housing not settled", "现职工作年限较短或居住状况不够稳定"),
    "records": ("Records of missed payments at the credit bureau", "征信机构存在未按时还款的记录"),
    "affordability": ("Income left after expenses is low for the amount", "扣除支出后的收入相对于申请额度偏低"),
    "assets": ("Few assets beyond what is owed", "扣除负债后的资产较少"),
    "obligations": ("Existing debts", "现有负债较高"),
    "amount": ("Amount asked is high for the purchase", "申请金额相对于所购商品偏高"),
    "payment_history": ("Payments were late, or late recently", "近期或过去存在逾期还款"),
    "utilisation": ("Much of the credit line is in use", "信用额度使用率较高"),
    "repayment": ("Repayments are small against what is owed", "还款金额相对于欠款偏低"),
    "line": ("Little credit line so far", "现有信用额度较低"),
    "activity": ("How the line was used in the last months", "近几个月的额度使用情况"),
}


class FamilyRanking:
    """Turns contributions into reasons, for one model.

    Args:
        families: Family of each feature, in the model's order.
        approved_mean: Mean contribution of each feature among approved customers, same order.
    """

    __slots__ = ("_rows",)

    def __init__(self, families: Sequence[str], approved_mean: Sequence[float]) -> None:
        rows = []
        for family in dict.fromkeys(families):
            members = tuple(i for i, own in enumerate(families) if own == family)
            rows.append((family, members, sum(approved_mean[i] for i in members)))
        self._rows = tuple(rows)

    def reasons(self, contributions: Sequence[float]) -> tuple[Reason, ...]:
        """Up to four families that raise the probability of default above the approved mean, worst first.

        Args:
            contributions: One per feature, in the model's order, log-odds.
        """
        raised = []
        for family, members, typical in self._rows:
            above = -typical
            for i in members:
                above += contributions[i]
            if above > 0.0:
                raised.append((-above, family))
        raised.sort()
        return tuple([Reason(family, *FAMILIES[family], -above) for above, family in raised[:MOST_REASONS]])
