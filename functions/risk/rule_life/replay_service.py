"""Risk decisions explained, and made again bit for bit, whatever rules and models are in force today.

The authorization's record holds what the rules read, what each said, and the model's inputs; the rule set stands under
its hash, former models beside the present one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from functions.core.clock import from_epoch_ms, isoformat
from functions.core.errors import NotFoundError
from functions.core.ids import require_id
from functions.payments.service import load
from functions.payments.store import AuthorizationItem
from functions.risk.fraud.features import FEATURES
from functions.risk.fraud.score import FraudScore, model_of
from functions.risk.record import DecisionRecord
from functions.risk.rule_life.live import read_record
from functions.risk.ruling.outcomes import Outcome, combined
from functions.risk.ruling.ruleset import RuleSet, RuleSetResult


@dataclass(frozen=True, slots=True)
class Decided:
    """A stored decision with all that made it, and what they say of it now.

    Args:
        item: The authorization.
        record: As stored.
        rules: The very set that decided.
        again: What the set says of the stored signals now.
        score: What the very model says of the stored inputs now; None if none was run.
    """

    item: AuthorizationItem
    record: DecisionRecord
    rules: RuleSet
    again: RuleSetResult
    score: FraudScore | None

    @property
    def outcome(self) -> Outcome:
        """The outcome made again; credit had agreed, or there were no record."""
        record = self.record
        return combined(
            credit=Outcome.APPROVE,
            deny_listed=record.listed.blocked,
            allow_listed=record.listed.trusted,
            rules=self.again.outcome,
        )

    def differences(self) -> list[str]:
        """What did not come out as it is stored."""
        record, found = self.record, []
        if self.again.bits != record.bits:
            found.append("rules")
        if self.outcome is not record.outcome:
            found.append("outcome")
        if self.score is not None and record.scored is not None and self.score.bps != record.scored.bps:
            found.append("score")
        return found


def decide_again(authorization_id: str) -> Decided:
    """Make a stored decision again from its record.

    Raises:
        NotFoundError: No such authorization, or one that was declined before risk had a say.
        RulesetNotKeptError: Its rule set is not stored.
        ModelNotKeptError: Its model is not shipped any more.
    """
    item = load(require_id("auth", authorization_id))
    if not item.decision:
        raise NotFoundError
    record, rules = read_record(item.decision)
    score = None
    if record.scored is not None:
        score = model_of(record.scored.model_version).score(record.scored.inputs)
    return Decided(item, record, rules, rules.evaluate(record.signals, record.bucket), score)


def replay_decision(authorization_id: str) -> dict[str, Any]:
    """Whether the decision comes out as stored.

    Raises:
        NotFoundError, RulesetNotKeptError, ModelNotKeptError: See `decide_again`.
    """
    decided = decide_again(authorization_id)
    differences = decided.differences()
    return {
        "id": decided.item.pk,
        "object": "risk_decision_replay",
        "identical": not differences,
        "ruleset": decided.rules.hash,
        "model_version": decided.score.model_version if decided.score else None,
        "differences": differences,
    }


def explain_decision(authorization_id: str) -> dict[str, Any]:
    """The stored decision in words: every rule's result with its reasons, the score with its own.

    Raises:
        NotFoundError, RulesetNotKeptError, ModelNotKeptError: See `decide_again`.
    """
    decided = decide_again(authorization_id)
    record = decided.record
    return {
        "id": decided.item.pk,
        "object": "risk_decision",
        "decided_at": isoformat(from_epoch_ms(decided.item.created_at_ms)),
        "outcome": record.outcome.text,
        "trusted": record.listed.trusted,
        "blocked": record.listed.blocked,
        "ruleset": decided.rules.hash,
        "signals": {n: sorted(v) if isinstance(v, frozenset | tuple) else v for n, v in record.signals.items()},
        "rules": _rules(decided),
        "score": _score(decided),
    }


def _rules(decided: Decided) -> list[dict[str, Any]]:
    said = decided.rules.results(decided.record.bits)
    why = dict(decided.again.unknown) | {f.rule.id: f.why for f in (*decided.again.fired, *decided.again.shadow)}
    return [
        {
            "rule": d.rule.id,
            "title": d.rule.title,
            "mode": str(d.mode),
            "said": said[d.rule.id],
            "outcome": d.rule.outcome.text,
            "why": list(why.get(d.rule.id, ())),
        }
        for d in decided.rules.deployed
    ]


def _score(decided: Decided) -> dict[str, Any] | None:
    score, scored = decided.score, decided.record.scored
    if score is None or scored is None:
        return None
    names = (feature.name for feature in FEATURES)
    return {
        "model_version": score.model_version,
        "score_bps": scored.bps,
        "inputs": dict(zip(names, scored.inputs, strict=True)),
        "contributions": score.contributions,
        "reasons": [
            {"code": r.code, "text_en": r.text_en, "text_zh": r.text_zh, "contribution": r.contribution}
            for r in score.reasons
        ],
    }
