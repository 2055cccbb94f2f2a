"""The credit decision: identity → policy rules → score on a grid of limits → grade, limit, price, terms, reasons.

Pure: the same inputs, policy and model give the same decision and the same record, byte for byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from functions.credit.deciding.application import count_finances
from functions.credit.deciding.facts import (
    ApplicationFacts,
    BureauResult,
    IdentityResult,
    IncomeResult,
    PurchaseHistory,
)
from functions.credit.deciding.grant import Candidate, Scorer, choose, good_history, judge_limits
from functions.credit.deciding.record import DecisionInputs, write_record
from functions.credit.policies.policy import Policy
from functions.credit.policies.rules import LIMIT_REASONS, Case, RuleResult, apply_rules, reasons_for
from functions.credit.reasons import MOST_REASONS, Reason
from functions.credit.scoring import Score

Outcome = Literal["approved", "referred", "declined"]


@dataclass(frozen=True, slots=True)
class CreditDecision:
    """What was decided, and all that shows why.

    Args:
        outcome: "approved", "referred" to a person, or "declined".
        currency: Of the limit.
        limit_minor: Granted if approved; what the score would carry if referred (a proposal, may be 0); 0 if declined.
        grade: A to E at that limit; None without a limit.
        price_tier: Same letters; the tier of the policy that prices this customer's plans. None without a limit.
        fee_bps_month: Flat monthly fee of that tier; None without a limit.
        allowed_terms: Numbers of installments on offer; empty without a limit.
        reasons: Up to four, worst first; none if approved.
        rules: Every policy rule's result.
        pd: Probability of default in the training sample's world at the limit (or at the smallest limit judged);
            None if a hard stop came before any score.
        pd_portfolio: The same in the portfolio's world, which grades and cut-offs use.
        points: Scorecard points; None if not scored.
        model_version: Of the model that scored; "" if not scored.
        policy_hash: sha256 of the policy.
        record: The decision record, canonical JSON; `functions.credit.replay` makes this decision from it again.
        record_sha256: Of the record.
    """

    outcome: Outcome
    currency: str
    limit_minor: int
    grade: str | None
    price_tier: str | None
    fee_bps_month: int | None
    allowed_terms: tuple[int, ...]
    reasons: tuple[Reason, ...]
    rules: tuple[RuleResult, ...]
    pd: float | None
    pd_portfolio: float | None
    points: int | None
    model_version: str
    policy_hash: str
    record: bytes
    record_sha256: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: Outcome
    reasons: tuple[Reason, ...]
    chosen: Candidate | None


def _distinct(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    return tuple({reason.code: reason for reason in reversed(reasons)}.values())[::-1][:MOST_REASONS]


def _without_limit(candidates: tuple[Candidate, ...], policy: Policy) -> tuple[Outcome, tuple[Reason, ...]]:
    """Why no limit of the grid passed. The smallest limit has the lowest probability of default: it speaks for all."""
    if not candidates:
        return "declined", (LIMIT_REASONS["request_below_minimum"],)
    least = candidates[0]
    if not least.carried:
        return "declined", (LIMIT_REASONS["disposable_income"], *least.score.reasons)
    if least.pd <= policy.refer_pd_at_most:
        return "referred", (LIMIT_REASONS["pd_borderline"], *least.score.reasons)
    return "declined", least.score.reasons


def _verdict(
    results: tuple[RuleResult, ...],
    candidates: tuple[Candidate, ...],
    chosen: Candidate | None,
    policy: Policy,
) -> _Verdict:
    stops, doubts = reasons_for(results, "decline"), reasons_for(results, "refer")
    if stops:
        return _Verdict("declined", _distinct(stops), None)
    if any(one.code == "income_missing" and one.outcome == "refer" for one in results):
        return _Verdict("referred", _distinct(doubts), None)
    if chosen is None:
        outcome, reasons = _without_limit(candidates, policy)
        if outcome == "declined" and any(one.code.endswith("_unavailable") for one in _struck(results)):
            outcome = "referred"  # what did not answer might have changed it
        return _Verdict(outcome, _distinct((*doubts, *reasons)), None)
    if doubts:
        return _Verdict("referred", _distinct(doubts), chosen)
    return _Verdict("approved", (), chosen)


def _struck(results: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    return tuple(one for one in results if one.outcome != "pass")


def decide(  # noqa: PLR0917  the contract fixes this order
    application: ApplicationFacts,
    identity: IdentityResult,
    bureau: BureauResult,
    income: IncomeResult,
    purchase_history: PurchaseHistory | None,
    scorer: Scorer,
    policy: Policy,
) -> CreditDecision:
    """Decide one application.

    Args:
        application: What the applicant stated.
        identity: What the identity check found.
        bureau: What the credit bureau answered; "unavailable" refers, "no_hit" caps the limit.
        income: What income verification answered.
        purchase_history: Consented purchases; may raise the limit by one step at most. None without consent.
        scorer: `functions.credit.scoring.score_batch`, or one with its signature.
        policy: The policy in force.

    Returns:
        The decision with its record.

    Raises:
        UnsupportedCurrencyError: The policy has no reference income for the currency.
        InvalidPolicyError: The policy knows no such portfolio.
        FeatureError: A stated figure can't be scored (negative, unknown word).
    """
    counted = count_finances(application, bureau, income, policy)
    policy.offset(application.portfolio, "application")  # an unknown portfolio is refused even where no score is due
    results = apply_rules(Case(application, identity, bureau, income, counted, policy))
    candidates: tuple[Candidate, ...] = ()
    if all(one.outcome != "decline" for one in results):
        candidates = judge_limits(application, counted, bureau, scorer, policy)
    chosen, stepped = choose(candidates, step_up=good_history(purchase_history, policy))
    verdict = _verdict(results, candidates, chosen, policy)
    shown = verdict.chosen or (candidates[0] if candidates else None)
    score: Score | None = shown.score if shown else None
    grade = verdict.chosen.grade if verdict.chosen else None
    tier = policy.tiers[grade] if grade else None
    limit = verdict.chosen.limit_minor if verdict.chosen else 0
    inputs = DecisionInputs(application, identity, bureau, income, purchase_history)
    findings = {
        "outcome": verdict.outcome,
        "limit_minor": limit,
        "grade": grade,
        "reasons": [reason.code for reason in verdict.reasons],
        "purchase_history_step": stepped,
    }
    record = write_record(
        inputs, policy, counted=counted, results=results, candidates=candidates, shown=shown, findings=findings
    )
    return CreditDecision(
        outcome=verdict.outcome,
        currency=application.currency,
        limit_minor=limit,
        grade=grade,
        price_tier=grade,
        fee_bps_month=tier.fee_bps_month if tier else None,
        allowed_terms=tier.terms if tier else (),
        reasons=verdict.reasons,
        rules=results,
        pd=score.pd if score else None,
        pd_portfolio=shown.pd if shown else None,
        points=score.points if score else None,
        model_version=score.model_version if score else "",
        policy_hash=policy.hash,
        record=record,
        record_sha256=hashlib.sha256(record).hexdigest(),
    )
