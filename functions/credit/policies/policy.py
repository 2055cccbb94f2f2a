"""The lending policy: one validated table, known by its hash.

Money in it is in shares of a reference income per currency (basis points), so that one policy serves all currencies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from functions.core.errors import WhitenoteError
from functions.core.money import BPS, UnsupportedCurrencyError
from functions.credit.inputs.columns import MODELS
from functions.credit.policies.schema import GRADES, check

POLICY_PATH = Path(__file__).resolve().parents[3] / "model_artifacts" / "policy.json"


class InvalidPolicyError(WhitenoteError, ValueError):
    status, code, title = 500, "invalid_policy", "The lending policy does not hold together"


@dataclass(frozen=True, slots=True)
class Tier:
    """What a grade means in money.

    Args:
        fee_bps_month: Flat monthly fee of original principal.
        terms: Allowed numbers of installments.
        installment_share_bps: Most of the disposable income that the installments of a fully used line may take.
        income_multiple_bps: Largest limit against counted monthly income.
        cap_reference_bps: Largest limit against the currency's reference income.
    """

    fee_bps_month: int
    terms: tuple[int, ...]
    installment_share_bps: int
    income_multiple_bps: int
    cap_reference_bps: int


@dataclass(frozen=True, slots=True)
class DynamicPolicy:
    """When and by how much a living line moves; fields as in policy.json."""

    statements_at_least: int
    cooldown_days: int
    raise_bps_at_most: int
    raise_streak_at_least: int
    raise_utilisation_bps_at_least: int
    raise_pd_at_most: float
    hysteresis_days_after_cut: int
    cut_pd_over: float
    cut_bps: Mapping[str, int]
    freeze_days_past_due: int
    temporary_bps_at_most: int
    temporary_days_at_most: int
    round_down_bps_of_reference: int


@dataclass(frozen=True, slots=True)
class PeoplePolicy:
    """What people decide, and by when; fields as in policy.json."""

    second_person_over_reference_bps: int
    proposal_days: int
    appeal_days: int
    appeal_answer_working_days: int
    referral_answer_working_days: int
    working_calendar: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy; fields as in policy.json, described in docs/credit.md.

    Args:
        source: The JSON document itself; it goes into every decision record.
        hash: sha256 of its canonical form.
    """

    source: Mapping[str, Any]
    hash: str
    version: str
    majority_years: int
    reapplication_days: int
    term_months: int
    reference_income_minor: Mapping[str, int]
    portfolio_offsets: Mapping[str, Mapping[str, float]]
    limit_grid_bps: tuple[int, ...]
    grades: Mapping[str, Mapping[str, float]]
    refer_pd_at_most: float
    tiers: Mapping[str, Tier]
    debt_service_bps_month: int
    income: Mapping[str, int]
    bureau: Mapping[str, int]
    purchase_history: Mapping[str, int]
    people: PeoplePolicy
    dynamic: DynamicPolicy

    def reference_minor(self, currency: str) -> int:
        """The reference income of a currency, minor units a month.

        Raises:
            UnsupportedCurrencyError: The policy lends in other currencies only.
        """
        reference = self.reference_income_minor.get(currency)
        if reference is None:
            known = ", ".join(sorted(self.reference_income_minor))
            raise UnsupportedCurrencyError(f"lines are opened in {known}")
        return reference

    def offset(self, portfolio: str, model: str) -> float:
        """What is added to a model's logit to reach a portfolio's own default rate.

        Raises:
            InvalidPolicyError: The policy knows no such portfolio.
        """
        offsets = self.portfolio_offsets.get(portfolio)
        if offsets is None:
            raise InvalidPolicyError(f"no offsets for portfolio {portfolio!r}")
        return offsets[model]

    def grade(self, model: str, pd: float) -> str | None:
        """Best grade whose cut-off holds the probability; None if it is over the last.

        Args:
            model: Cut-offs are per model, horizons differ.
            pd: In the portfolio's world.
        """
        return next((grade for grade, at_most in self.grades[model].items() if pd <= at_most), None)

    def needs_second_person(self, currency: str, amount_minor: int) -> bool:
        """Whether one person alone may not grant this much.

        Args:
            currency: Of the amount.
            amount_minor: A new limit, or what a limit is raised by.
        """
        return amount_minor > self.of_reference(currency, self.people.second_person_over_reference_bps)

    def of_reference(self, currency: str, share_bps: int) -> int:
        """A share of the reference income, minor units, rounded down."""
        return self.reference_minor(currency) * share_bps // BPS

    def limit_grid(self, currency: str) -> tuple[int, ...]:
        """Every limit a line may start with, minor units, rising."""
        return tuple(self.of_reference(currency, share_bps) for share_bps in self.limit_grid_bps)


def canonical(value: Any) -> bytes:  # noqa: ANN401  JSON
    """JSON with one spelling: sorted keys, no spaces, UTF-8. What is hashed and recorded."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _rising(values: list[float], what: str) -> None:
    if not all(a < b for a, b in pairwise(values)):
        raise InvalidPolicyError(f"{what} must rise strictly")


def parse_policy(source: Mapping[str, Any]) -> Policy:
    """A policy from its JSON document.

    Raises:
        InvalidPolicyError: Names the JSON pointer and what is wrong with it.
    """
    problems = check(source)
    if problems:
        raise InvalidPolicyError("; ".join(problems))
    grid = source["limit_grid_bps"]
    _rising(grid, "/limit_grid_bps")
    grades: dict[str, dict[str, float]] = {
        model: {grade: source["grades"][model][grade] for grade in GRADES} for model in MODELS
    }
    for model, cut_offs in grades.items():
        _rising(list(cut_offs.values()), f"/grades/{model}")
    if source["refer_pd_at_most"] < source["grades"]["application"]["E"]:
        raise InvalidPolicyError("/refer_pd_at_most is below the cut-off of grade E")
    for currency, reference in source["reference_income_minor"].items():
        odd = [share for share in grid if reference * share % BPS]
        if odd:
            raise InvalidPolicyError(f"/reference_income_minor/{currency}: {odd[0]} bps of it is no whole unit")
    fields = {
        name: source[name] for name in source if name not in {"grades", "tiers", "people", "dynamic", "limit_grid_bps"}
    }
    return Policy(
        source=source,
        hash=hashlib.sha256(canonical(source)).hexdigest(),
        limit_grid_bps=tuple(grid),
        grades=grades,
        tiers={name: Tier(**{**tier, "terms": tuple(tier["terms"])}) for name, tier in source["tiers"].items()},
        people=PeoplePolicy(**source["people"]),
        dynamic=DynamicPolicy(**source["dynamic"]),
        **fields,
    )


@lru_cache(maxsize=1)
def load_policy(path: Path = POLICY_PATH) -> Policy:
    """The policy that is in force on this machine.

    Raises:
        InvalidPolicyError: As `parse_policy`.
    """
    return parse_policy(json.loads(path.read_bytes()))
