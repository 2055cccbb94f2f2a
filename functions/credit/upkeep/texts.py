"""Why a line changed, in words for its customer. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "alert": ("The line is frozen while a risk alert is looked into", "额度因风险预警核查已暂停使用"),
    "delinquency_frozen": ("The line is frozen because a payment is overdue", "因还款逾期,额度已暂停使用"),
    "charged_off": ("The line is frozen because a debt of yours was written off", "因您有债务已被核销,额度已暂停使用"),
    "M1": ("The limit was lowered because a payment is overdue", "因还款逾期,额度已下调"),
    "M2": ("The limit was lowered because a payment is over 30 days overdue", "因逾期超过30天,额度已下调"),
    "bureau": ("The limit was lowered after a report of the credit bureau", "因征信信息变化,额度已下调"),
    "pd": ("The limit was lowered after the monthly assessment", "经月度综合评估,额度已下调"),
    "income": ("The limit was lowered because income no longer carries it", "因收入不足以支撑现有额度,额度已下调"),
    "temporary_end": ("The temporary limit has ended", "临时额度已到期"),
    "temporary_start": ("A temporary limit was added", "临时额度已生效"),
    "good_standing": ("The limit was raised for paying on time", "因按时还款,额度已提升"),
    "income_update": ("The limit was raised after an update of income", "因收入更新,额度已提升"),
    "paid_up": ("The line can be used again: nothing is overdue", "逾期款项已结清,额度已恢复使用"),
    "thawed": ("The line can be used again: the freeze has ended", "冻结期限已到,额度已恢复使用"),
    "fraud_alert": ("The line is frozen while a risk alert is looked into", "额度因风险预警核查已暂停使用"),
    "risk_cut": ("The limit was lowered after a risk check", "经风险核查,额度已下调"),
    "cleared": ("The line can be used again: the risk check found nothing", "风险核查已排除,额度已恢复使用"),
    "delinquency": ("The line is frozen because a payment is overdue", "因还款逾期,额度已暂停使用"),
    "customer_freeze": ("You have frozen your line", "您已自行冻结额度"),
    "staff_raise": ("The limit was raised after a person looked at it", "经人工审核,额度已提升"),
    "staff_cut": ("The limit was lowered after a person looked at it", "经人工审核,额度已下调"),
    "staff_freeze": ("The line is frozen after a person looked at it", "经人工审核,额度已暂停使用"),
    "staff_lift": ("The line can be used again after a person looked at it", "经人工审核,额度已恢复使用"),
}
"""English and Chinese text of every code; a change with another code is refused."""
