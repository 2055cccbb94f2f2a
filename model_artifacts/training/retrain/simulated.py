"""Made-up people for a dry run of retraining: they apply, are decided by the released model and policy, and live on.

Not a claim about anybody. Their true probability differs from what the released model thinks in ways it can't know
(debts weigh more, long employment less), so that there is something to learn; everything else is the real code.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any, get_args

from functions.credit.deciding.decision import decide
from functions.credit.deciding.facts import ApplicationFacts, BureauResult, Housing, IdentityResult, IncomeResult, Job
from functions.credit.deciding.record import read_record
from functions.credit.models.outcomes import Labelled
from functions.credit.models.rows import shown_row
from functions.credit.policies.policy import load_policy
from functions.credit.scoring import score_batch, sigmoid

_ECONOMY = 0.8
"""Log-odds by which times are worse than the policy's offset assumes."""


def simulated(people: int, seed: int = 1) -> Iterator[Labelled]:
    """Labelled outcomes of made-up applicants; the same for the same seed.

    Args:
        people: How many apply.
        seed: Of everything random.
    """
    policy = load_policy()
    offset = policy.offset("default", "application")
    random = Random(seed)  # noqa: S311  reproducible, not secret
    for number in range(people):
        facts = _applicant(random)
        bureau = _bureau(random)
        decision = decide(facts, IdentityResult(), bureau, IncomeResult(), None, score_batch, policy)
        shown = shown_row(read_record(decision.record))
        if shown is None:
            continue
        truth = sigmoid(shown.logit + offset + _ECONOMY + _unseen(facts))
        bad = random.random() < truth
        yield Labelled(shown.row, bad if decision.outcome == "approved" else None, shown.logit, f"person {number}")


def _bureau(random: Random) -> BureauResult:
    if random.random() < 0.2:
        return BureauResult("no_hit", source="simulated")
    return BureauResult("hit", past_defaults=int(random.random() < 0.3), source="simulated")


def _unseen(facts: ApplicationFacts) -> float:
    """What the released model does not know of these people, log-odds."""
    debt_months = (facts.debts_minor or 0) / max(1, facts.income_minor or 1)
    return min(1.5, 0.35 * debt_months) - 0.3 + 0.04 * min(10.0, facts.seniority_years or 0.0)


def _applicant(random: Random) -> ApplicationFacts:
    income = round(random.lognormvariate(13.3, 0.5))
    stated: dict[str, Any] = {
        "currency": "CNY",
        "requested_limit_minor": random.choice([1_000_000, 2_000_000, 4_000_000]),
        "income_minor": income,
        "expenses_minor": round(income * random.uniform(0.3, 0.8)),
        "assets_minor": round(income * random.expovariate(1 / 8)) if random.random() < 0.6 else 0,
        "debts_minor": round(income * random.expovariate(1 / 2)) if random.random() < 0.5 else 0,
        "housing": random.choice(get_args(Housing)),
        "job": random.choices(get_args(Job), [5, 2, 2, 1])[0],
        "seniority_years": round(random.expovariate(1 / 3), 1),
        "age_years": random.randint(20, 65),
        "applied_on": date(2026, 1, 1),
        "order_price_minor": round(income * random.uniform(0.2, 3.0)) if random.random() < 0.5 else None,
    }
    return ApplicationFacts(**stated)
