"""The sandbox's magic applicants: what a magic phone number states in place of what was typed.

Only outside live stages. The decision itself is the real one: a persona changes the statements and the bureau's answer,
never the model, the policy or the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from functions.credit.deciding.facts import ApplicationFacts, BureauResult
from functions.credit.policies.policy import Policy
from functions.customers import magic

SOURCE: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class Persona:
    """Statements in shares of the currency's reference income, basis points.

    Args:
        income_bps: A month.
        expenses_bps: A month.
        assets_bps: Owned.
        debts_bps: Owed elsewhere.
        seniority_years: In the present job.
        bureau: What the bureau answers; None times out.
    """

    income_bps: int
    expenses_bps: int
    assets_bps: int
    debts_bps: int
    seniority_years: float
    bureau: BureauResult | None


_SOLID = Persona(19_000, 4_000, 400_000, 0, 14.0, BureauResult("hit", source=SOURCE))

PERSONAS: Final[Mapping[str, Persona]] = MappingProxyType(
    {
        magic.ALWAYS_APPROVED: _SOLID,
        magic.HELD: _SOLID,
        magic.NEEDS_CONFIRMATION: _SOLID,
        magic.REPAYMENT_FAILS: _SOLID,
        magic.REPAYMENT_FAILS_THEN_SUCCEEDS: _SOLID,
        magic.HIGH_RISK_DEVICE: _SOLID,
        magic.DECLINED: replace(_SOLID, bureau=BureauResult("hit", open_defaults=1, source=SOURCE)),
        magic.BUREAU_TIMES_OUT: replace(_SOLID, bureau=None),
    }
)


def as_persona(persona: Persona, facts: ApplicationFacts, policy: Policy) -> ApplicationFacts:
    """The application as this persona would state it."""

    def share(bps: int) -> int:
        return policy.of_reference(facts.currency, bps)

    return replace(
        facts,
        income_minor=share(persona.income_bps),
        expenses_minor=share(persona.expenses_bps),
        assets_minor=share(persona.assets_bps),
        debts_minor=share(persona.debts_bps),
        housing="owner",
        job="fixed",
        seniority_years=persona.seniority_years,
        earlier=(),
    )
