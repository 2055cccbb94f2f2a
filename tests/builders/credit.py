"""Applicants, accounts and lines with ordinary defaults; each test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from functions.credit.deciding.decision import CreditDecision, decide
from functions.credit.deciding.facts import (
    ApplicationFacts,
    BureauResult,
    IdentityResult,
    IncomeResult,
    PurchaseHistory,
)
from functions.credit.inputs.history import RepaymentFacts, StatementFacts
from functions.credit.limits import LineFacts
from functions.credit.policies.policy import Policy, load_policy
from functions.credit.scoring import Score, score_batch

TODAY = date(2026, 11, 22)
HIT = BureauResult("hit", source="test")

_APPLICATION = ApplicationFacts(
    currency="CNY",
    requested_limit_minor=5_000_000,
    income_minor=900_000,
    expenses_minor=300_000,
    assets_minor=10_000_000,
    debts_minor=0,
    housing="rent",
    job="fixed",
    seniority_years=4.0,
    age_years=30,
    applied_on=TODAY,
)
_LINE = LineFacts(
    currency="CNY",
    base_limit_minor=1_000_000,
    held_minor=0,
    outstanding_minor=400_000,
    status="active",
    opened_on=date(2026, 1, 1),
    statements=8,
    on_time_streak=8,
    utilisation_bps=4_000,
    days_past_due=0,
    raise_consent=True,
    income_minor=1_500_000,
    expenses_minor=300_000,
)


def application(**changes: Any) -> ApplicationFacts:
    """A tenant with a steady job who asks for 50,000.00."""
    return replace(_APPLICATION, **changes)


def decision(
    application_facts: ApplicationFacts = _APPLICATION,
    *,
    identity: IdentityResult | None = None,
    bureau: BureauResult = HIT,
    income: IncomeResult | None = None,
    purchases: PurchaseHistory | None = None,
    policy: Policy | None = None,
) -> CreditDecision:
    """The released model's and policy's decision."""
    return decide(
        application_facts,
        identity or IdentityResult(),
        bureau,
        income or IncomeResult(),
        purchases,
        score_batch,
        policy or load_policy(),
    )


def line(**changes: Any) -> LineFacts:
    """Eight statements paid on time, 40 % used, consent given."""
    return replace(_LINE, **changes)


def behavior_score(logit: float) -> Score:
    """A score of the behavior model with this logit."""
    return Score(pd=0.5, logit=logit, points=0, bias=0.0, contributions={}, reasons=(), model_version="behavior-test")


def month(number: int) -> datetime:
    """The cut of a month: the first day of month `number`, counted from January 2026."""
    return datetime(2026 + (number - 1) // 12, (number - 1) % 12 + 1, 1, tzinfo=UTC)


def statement(number: int, outstanding_minor: int, months_late: int = 0) -> StatementFacts:
    """The statement cut in a month."""
    return StatementFacts(month(number), outstanding_minor, months_late)


def repayment(number: int, amount_minor: int, day: int = 10, reversed_at: datetime | None = None) -> RepaymentFacts:
    """A repayment confirmed on a day of a month."""
    return RepaymentFacts(month(number).replace(day=day), amount_minor, reversed_at)
