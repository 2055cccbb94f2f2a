"""The outside sources a decision asks: credit bureau, income verification, a merchant's purchase history."""

from __future__ import annotations

from typing import Protocol

from functions.core.errors import UnavailableError
from functions.credit.deciding.facts import BureauResult, IncomeResult, PurchaseHistory


class PortTimeoutError(UnavailableError):
    code, title = "port_timeout", "An outside source did not answer in time"


PortTimeout = PortTimeoutError


class BureauPort(Protocol):
    """A credit bureau."""

    sandbox: bool

    def report(self, document_number: str, currency: str) -> BureauResult:
        """What is on file.

        Args:
            document_number: Of the identity document.
            currency: In which debts are to be told.

        Raises:
            PortTimeoutError: No answer in time; the caller records "unavailable".
        """


class IncomeVerificationPort(Protocol):
    """A payroll or bank-statement service."""

    sandbox: bool

    def verify(self, document_number: str, stated_income_minor: int, currency: str) -> IncomeResult:
        """What can be proven of a stated monthly income.

        Raises:
            PortTimeoutError: No answer in time.
        """


class PurchaseHistoryPort(Protocol):
    """A merchant's order history, asked only under the customer's consent."""

    sandbox: bool

    def history(self, phone: str, consent_id: str) -> PurchaseHistory | None:
        """Earlier purchases; None if the merchant knows none.

        Raises:
            PortTimeoutError: No answer in time; the caller goes on without.
        """


def ask_bureau(port: BureauPort, document_number: str, currency: str) -> BureauResult:
    """A bureau's answer, a timeout included: "unavailable", which refers."""
    try:
        return port.report(document_number, currency)
    except PortTimeoutError:
        return BureauResult("unavailable", source=type(port).__name__)


def ask_income(
    port: IncomeVerificationPort, document_number: str, stated_income_minor: int, currency: str
) -> IncomeResult:
    """An income check's answer, a timeout included: "unavailable", which refers."""
    try:
        return port.verify(document_number, stated_income_minor, currency)
    except PortTimeoutError:
        return IncomeResult("unavailable", source=type(port).__name__)


def ask_purchases(port: PurchaseHistoryPort, phone: str, consent_id: str) -> PurchaseHistory | None:
    """Purchase history, or None: it may only help, so its silence costs nothing."""
    try:
        return port.history(phone, consent_id)
    except PortTimeoutError:
        return None
