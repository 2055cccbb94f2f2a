"""Deterministic stand-ins for the outside sources: the last digits of a number choose the answer.

Bureau and income check look at the document number, purchase history at the phone number. Letters are skipped; any
other ending gives the first answer of each table. The tables are repeated for people in docs/credit.md and a test
compares the two.
"""

from __future__ import annotations

from typing import TypeVar

from functions.core.money import BPS
from functions.credit.deciding.facts import BureauResult, IncomeResult, PurchaseHistory
from functions.credit.deciding.ports import PortTimeoutError

Answer = TypeVar("Answer")
SOURCE = "sandbox"
TIMES_OUT = None

# ending of the document number → answer
BUREAU: dict[str, BureauResult | None] = {
    "": BureauResult("hit", source=SOURCE),
    "9001": BureauResult("no_hit", source=SOURCE),
    "9002": BureauResult("hit", past_defaults=1, source=SOURCE),
    "9003": BureauResult("hit", past_defaults=3, source=SOURCE),
    "9004": BureauResult("hit", open_defaults=1, source=SOURCE),
    "9005": BureauResult("hit", inquiries_90d=8, source=SOURCE),
    "9006": TIMES_OUT,
}
# ending of the document number → proven share of the stated income, or how the check failed
INCOME: dict[str, int | IncomeResult | None] = {
    "": BPS,
    "9101": 5_000,
    "9102": IncomeResult("not_verified", source=SOURCE),
    "9103": TIMES_OUT,
}
# ending of the phone number → (tenure in months, orders, returned), or nothing known
PURCHASES: dict[str, tuple[int, int, int] | str | None] = {
    "": "unknown",
    "9201": (36, 48, 2),
    "9202": (24, 30, 20),
    "9203": (2, 3, 0),
    "9204": TIMES_OUT,
}


def _ending(table: dict[str, Answer], number: str) -> Answer:
    digits = "".join(character for character in number if character.isdigit())
    return next((answer for ending, answer in table.items() if ending and digits.endswith(ending)), table[""])


class _NeedsNothing:
    """The container makes every adapter with itself as argument; a table of answers has no use for it."""

    def __init__(self, box: object | None = None) -> None:
        del box


class SandboxBureau(_NeedsNothing):
    """Answers from `BUREAU`."""

    sandbox = True

    def report(self, document_number: str, currency: str) -> BureauResult:  # noqa: ARG002  debts are never reported
        """See `ports.BureauPort.report`."""
        answer = _ending(BUREAU, document_number)
        if answer is TIMES_OUT:
            raise PortTimeoutError("the sandbox bureau did not answer")
        return answer


class SandboxIncomeVerification(_NeedsNothing):
    """Answers from `INCOME`."""

    sandbox = True

    def verify(self, document_number: str, stated_income_minor: int, currency: str) -> IncomeResult:  # noqa: ARG002
        """See `ports.IncomeVerificationPort.verify`."""
        answer = _ending(INCOME, document_number)
        if answer is TIMES_OUT:
            raise PortTimeoutError("the sandbox income check did not answer")
        if isinstance(answer, IncomeResult):
            return answer
        return IncomeResult("verified", stated_income_minor * answer // BPS, SOURCE)


class SandboxPurchaseHistory(_NeedsNothing):
    """Answers from `PURCHASES`."""

    sandbox = True

    def history(self, phone: str, consent_id: str) -> PurchaseHistory | None:
        """See `ports.PurchaseHistoryPort.history`."""
        answer = _ending(PURCHASES, phone)
        if answer is TIMES_OUT:
            raise PortTimeoutError("the sandbox merchant did not answer")
        if isinstance(answer, str):
            return None
        tenure_months, orders, returned = answer
        return PurchaseHistory(tenure_months, orders, returned, consent_id, SOURCE)
