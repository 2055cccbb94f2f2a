"""How large a limit: the probability of default and the installments it would bring, on a grid of limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.core.money import BPS
from functions.credit.deciding.application import CountedFinances, model_row
from functions.credit.deciding.facts import ApplicationFacts, BureauResult, PurchaseHistory
from functions.credit.policies.policy import Policy, Tier
from functions.credit.policies.schema import GRADES
from functions.credit.scoring import Score, sigmoid

Scorer = Callable[[str, Sequence[Mapping[str, Any]]], Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One limit of the grid, judged.

    Args:
        limit_minor: The limit.
        score: The application model's answer with this limit as the amount.
        pd: Probability of default in the portfolio's world.
        grade: By that probability; None if over the last cut-off.
        installment_minor: Monthly, of the fully used line over the policy's term at the grade's fee; without a grade,
            at the last one's.
        affordable: The installment fits into that grade's share of disposable income.
        cap_minor: Largest limit that grade, income and thin file allow.
    """

    limit_minor: int
    score: Score
    pd: float
    grade: str | None
    installment_minor: int
    affordable: bool
    cap_minor: int

    @property
    def sound(self) -> bool:
        """Probability of default and installments are within policy; caps aside."""
        return self.grade is not None and self.affordable

    @property
    def passes(self) -> bool:
        """Sound, and within the caps too."""
        return self.sound and self.carried

    @property
    def carried(self) -> bool:
        """Installment and caps allow it, whatever the probability."""
        return self.affordable and self.limit_minor <= self.cap_minor


def installment_minor(limit_minor: int, fee_bps_month: int, term_months: int) -> int:
    """What a fully used line costs a month over a term at a flat fee, rounded up."""
    return -(-limit_minor * (BPS + fee_bps_month * term_months) // (term_months * BPS))


def _cap(tier: Tier, counted: CountedFinances, facts: ApplicationFacts, thin: bool, policy: Policy) -> int:  # noqa: FBT001
    caps = [
        (counted.income_minor or 0) * tier.income_multiple_bps // BPS,
        policy.of_reference(facts.currency, tier.cap_reference_bps),
    ]
    if thin:
        caps.append(policy.of_reference(facts.currency, policy.bureau["thin_file_cap_reference_bps"]))
    return min(caps)


def judge_limits(
    facts: ApplicationFacts, counted: CountedFinances, bureau: BureauResult, scorer: Scorer, policy: Policy
) -> tuple[Candidate, ...]:
    """Every limit of the grid up to the one asked for, smallest first.

    Args:
        facts: The application.
        counted: Its finances.
        bureau: No hit means the thin-file cap.
        scorer: Scores many rows in one call.
        policy: Grid, cut-offs, tiers.

    Returns:
        Judged limits; empty if even the smallest is more than was asked for.
    """
    limits = [limit for limit in policy.limit_grid(facts.currency) if limit <= facts.requested_limit_minor]
    scores = scorer("application", [model_row(facts, counted, bureau, limit, policy) for limit in limits])
    offset = policy.offset(facts.portfolio, "application")
    disposable = counted.disposable_minor(policy.debt_service_bps_month) or 0
    judged = []
    for limit, score in zip(limits, scores, strict=True):
        pd = sigmoid(score.logit + offset)
        grade = policy.grade("application", pd)
        tier = policy.tiers[grade or GRADES[-1]]
        monthly = installment_minor(limit, tier.fee_bps_month, policy.term_months)
        affordable = monthly * BPS <= disposable * tier.installment_share_bps
        cap = _cap(tier, counted, facts, bureau.status != "hit", policy)
        judged.append(Candidate(limit, score, pd, grade, monthly, affordable, cap))
    return tuple(judged)


def good_history(history: PurchaseHistory | None, policy: Policy) -> bool:
    """Whether consented purchases speak for the applicant."""
    if history is None or history.orders <= 0:
        return False
    rules = policy.purchase_history
    return (
        history.tenure_months >= rules["tenure_months_at_least"]
        and history.orders >= rules["orders_at_least"]
        and history.returned * BPS <= history.orders * rules["returned_bps_at_most"]
    )


def choose(candidates: Sequence[Candidate], *, step_up: bool) -> tuple[Candidate | None, bool]:
    """The largest limit that passes; one step more if purchases speak for it and nothing but a cap is against it.

    Args:
        candidates: From `judge_limits`.
        step_up: Whether a step beyond the caps may be given.

    Returns:
        The limit, or None; and whether the step was used.
    """
    best = max((i for i, one in enumerate(candidates) if one.passes), default=None)
    if best is None:
        return None, False
    if step_up and best + 1 < len(candidates) and candidates[best + 1].sound:
        return candidates[best + 1], True
    return candidates[best], False
