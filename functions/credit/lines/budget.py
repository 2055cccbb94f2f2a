"""What a customer's income leaves for installments, from the finances that counted when her line was decided."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from functions.core.money import BPS
from functions.credit.application_store import earlier_applications
from functions.credit.deciding.application import CountedFinances
from functions.credit.deciding.record import read_record
from functions.credit.policies.policy import load_policy
from functions.customers.service import sealer_of
from functions.platform.container import container


@dataclass(frozen=True, slots=True)
class Budget:
    """Minor units a month, of the line's currency.

    Args:
        disposable_minor: Income less expenses and the service of debts elsewhere.
        room_minor: The share of it that the policy lets installments take at the line's grade.
    """

    disposable_minor: int
    room_minor: int


def budget_of(customer_id: str, currency: str, grade: str) -> Budget | None:
    """A customer's budget by the newest approved application, or None where her income is not known.

    Args:
        customer_id: Whose.
        currency: Of the line.
        grade: Of the line; fixes the share.

    Raises:
        NotFoundError: The customer is gone.
        UnavailableError: The key service does not answer.
    """
    approved = [
        item
        for item in earlier_applications(container().tables, customer_id)
        if item.currency == currency and item.outcome == "approved"
    ]
    if not approved:
        return None
    newest = max(approved, key=lambda item: item.decided_at_ms)
    sealed: str = sealer_of(customer_id).open("record", newest.record)
    counted = CountedFinances(**read_record(zlib.decompress(bytes.fromhex(sealed)))["counted"])
    policy = load_policy()
    disposable = counted.disposable_minor(policy.debt_service_bps_month)
    if disposable is None:
        return None
    share_bps = policy.tiers[grade].installment_share_bps
    return Budget(disposable, max(0, disposable * share_bps // BPS))
