"""From an application to the model's columns: which figures count, and in which units.

The training file counts money in units of its own; a run-time amount is brought there through the reference income of
its currency, so the same person has the same columns, bit for bit, in every currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from functions.core.money import BPS
from functions.credit.deciding.facts import ApplicationFacts, BureauResult, IncomeResult, StatedFinances
from functions.credit.inputs.features import APPLICATION_REFERENCE_INCOME
from functions.credit.policies.policy import Policy

_HOME = {"private": "priv"}
Figure = TypeVar("Figure", int, float)


@dataclass(frozen=True, slots=True)
class CountedFinances:
    """The figures a decision counts with, after re-application, verification and haircut.

    Args:
        income_minor: Monthly; None if neither stated nor verified.
        expenses_minor: Monthly, stated.
        assets_minor: Stated.
        debts_minor: The larger of stated and bureau.
        seniority_years: Stated.
        needs_verification: The stated income is over what is believed unproven.
        earlier_counted: How many earlier applications were inside the window.
    """

    income_minor: int | None
    expenses_minor: int | None
    assets_minor: int | None
    debts_minor: int | None
    seniority_years: float | None
    needs_verification: bool
    earlier_counted: int

    def disposable_minor(self, debt_service_bps_month: int) -> int | None:
        """Monthly income left after expenses and the service of debts; None if income is unknown."""
        if self.income_minor is None:
            return None
        debts = -(-(self.debts_minor or 0) * debt_service_bps_month // BPS)
        return self.income_minor - (self.expenses_minor or 0) - debts


def _worst(worst: Callable[[Iterable[Figure]], Figure], *values: Figure | None) -> Figure | None:
    known = [value for value in values if value is not None]
    return worst(known) if known else None


def _income(stated: int | None, proof: IncomeResult, ceiling: int, haircut_bps: int) -> int | None:
    if proof.status == "verified" and proof.income_minor is not None:
        return proof.income_minor
    if stated is None or stated <= ceiling:
        return stated
    return ceiling + (stated - ceiling) * (BPS - haircut_bps) // BPS


def count_finances(
    facts: ApplicationFacts, bureau: BureauResult, income: IncomeResult, policy: Policy
) -> CountedFinances:
    """Which figures count.

    Args:
        facts: As stated now and, within the policy's window, before.
        bureau: Its debts count if they are larger.
        income: Proof replaces the statement; without it, income over the threshold takes a haircut.
        policy: Window, threshold, haircut.
    """
    earlier = [
        one for one in facts.earlier if 0 <= (facts.applied_on - one.stated_on).days <= policy.reapplication_days
    ]

    def before(name: str) -> list[int]:
        return [getattr(one, name) for one in earlier]

    stated = _worst(min, facts.income_minor, *before("income_minor"))
    ceiling = policy.of_reference(facts.currency, policy.income["verify_over_reference_bps"])
    return CountedFinances(
        income_minor=_income(stated, income, ceiling, policy.income["haircut_bps"]),
        expenses_minor=_worst(max, facts.expenses_minor, *before("expenses_minor")),
        assets_minor=_worst(min, facts.assets_minor, *before("assets_minor")),
        debts_minor=_worst(max, facts.debts_minor, bureau.debts_minor, *before("debts_minor")),
        seniority_years=_worst(min, facts.seniority_years, *(one.seniority_years for one in earlier)),
        needs_verification=stated is not None and stated > ceiling,
        earlier_counted=len(earlier),
    )


def _records(bureau: BureauResult) -> str | None:
    """A bureau that knows nothing of someone has not said "no"."""
    if bureau.status != "hit":
        return None
    return "yes" if bureau.open_defaults or bureau.past_defaults else "no"


def model_row(
    facts: ApplicationFacts, counted: CountedFinances, bureau: BureauResult, limit_minor: int, policy: Policy
) -> dict[str, float | str | None]:
    """The application model's columns if this limit were granted.

    Args:
        facts: For housing, job and the order's price.
        counted: Finances.
        bureau: For records.
        limit_minor: Candidate limit; the model's Amount.
        policy: Reference income and term.
    """
    reference = policy.reference_minor(facts.currency)

    def units(amount_minor: int | None) -> float | None:
        # One correctly rounded division of integers: equal shares of income give equal floats.
        return None if amount_minor is None else amount_minor * APPLICATION_REFERENCE_INCOME / reference

    return {
        "Seniority": counted.seniority_years,
        "Home": _HOME.get(facts.housing, facts.housing) if facts.housing else None,
        "Time": policy.term_months,
        "Records": _records(bureau),
        "Job": facts.job,
        "Expenses": units(counted.expenses_minor),
        "Income": units(counted.income_minor),
        "Assets": units(counted.assets_minor),
        "Debt": units(counted.debts_minor),
        "Amount": units(limit_minor),
        "Price": units(facts.order_price_minor),
    }


__all__ = ["CountedFinances", "StatedFinances", "count_finances", "model_row"]
