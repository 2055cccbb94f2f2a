"""What a rule would have done: hits, precision, value caught, work for the reviewers, overlap with other rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.risk.counters import DAY_S
from functions.risk.rules import Rule

BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as its record tells it.

    Args:
        at_s: When, seconds since 1970.
        amount_minor: Its amount.
        signals: The stored snapshot.
        fraud: What a case found: True, False, or None if nobody knows.
        fired: Ids of the rules that fired then.
    """

    at_s: int
    amount_minor: int
    signals: Mapping[str, Any]
    fraud: bool | None = None
    fired: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much another rule says the same: shared hits over hits of either, in basis points."""

    hits: int
    jaccard_bps: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The report.

    Args:
        decisions: Looked at.
        hits: Matched; `unknown` could not tell.
        unknown: As above.
        labelled_hits: Hits whose truth is known; `fraud_hits` of them were fraud.
        fraud_hits: As above.
        precision_bps: Fraud among labelled hits; None if there are none.
        good_hits_bps: Share of decisions known good that were hit; None if there are none.
        value_caught_minor: Fraud value in the hits.
        value_caught_bps: Share of all known fraud value; None if there is none.
        marginal_value_minor: Fraud value that no other rule fired on: what this rule is worth by itself.
        alerts_a_day: Hits per day of the span looked at, in hundredths.
        capacity_bps: Hits per day over what the reviewers can do.
        unknown_signals: Signals that were missing, and how often.
        overlap: Other rule to its overlap, the largest first.
    """

    decisions: int
    hits: int
    unknown: int
    labelled_hits: int
    fraud_hits: int
    precision_bps: int | None
    good_hits_bps: int | None
    value_caught_minor: int
    value_caught_bps: int | None
    marginal_value_minor: int
    alerts_a_day: int
    capacity_bps: int
    unknown_signals: Mapping[str, int]
    overlap: Mapping[str, Overlap]


@dataclass(slots=True)
class _Tally:
    decisions: int = 0
    hits: int = 0
    unknown: int = 0
    fraud: int = 0
    good: int = 0
    good_hits: int = 0
    fraud_hits: int = 0
    fraud_value: int = 0
    caught: int = 0
    marginal: int = 0
    first_s: int | None = None
    last_s: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)


def backtest(rule: Rule, decisions: Iterable[StoredDecision], reviews_a_day: int) -> Backtest:
    """Run a rule over stored decisions.

    Args:
        rule: Compiled; need not be deployed.
        decisions: In any order; each is looked at once and not kept.
        reviews_a_day: How many cases the reviewers can do, > 0.
    """
    tally = _Tally()
    for decision in decisions:
        _count(tally, rule, decision)
    days = max(1, -(-(tally.last_s - (tally.first_s or 0)) // DAY_S)) if tally.decisions else 1
    labelled = tally.fraud_hits + tally.good_hits
    overlaps = {
        other: Overlap(shared, shared * BPS // (tally.hits + tally.others[other] - shared))
        for other, shared in tally.shared.items()
    }
    return Backtest(
        decisions=tally.decisions,
        hits=tally.hits,
        unknown=tally.unknown,
        labelled_hits=labelled,
        fraud_hits=tally.fraud_hits,
        precision_bps=_share(tally.fraud_hits, labelled),
        good_hits_bps=_share(tally.good_hits, tally.good),
        value_caught_minor=tally.caught,
        value_caught_bps=_share(tally.caught, tally.fraud_value),
        marginal_value_minor=tally.marginal,
        alerts_a_day=tally.hits * 100 // days,
        capacity_bps=tally.hits * BPS // (days * reviews_a_day),
        unknown_signals=dict(sorted(tally.missing.items())),
        overlap=dict(sorted(overlaps.items(), key=lambda pair: (-pair[1].jaccard_bps, pair[0]))),
    )


def _count(tally: _Tally, rule: Rule, decision: StoredDecision) -> None:
    tally.decisions += 1
    tally.first_s = decision.at_s if tally.first_s is None else min(tally.first_s, decision.at_s)
    tally.last_s = max(tally.last_s, decision.at_s)
    if decision.fraud:
        tally.fraud_value += decision.amount_minor
    tally.good += decision.fraud is False
    others = decision.fired - {rule.id}
    for other in others:
        tally.others[other] = tally.others.get(other, 0) + 1
    result = rule.evaluate(decision.signals)
    if result.matched is None:
        tally.unknown += 1
        for reason in result.why:
            tally.missing[reason] = tally.missing.get(reason, 0) + 1
    if result.matched:
        _count_hit(tally, decision, others)


def _count_hit(tally: _Tally, decision: StoredDecision, others: frozenset[str]) -> None:
    tally.hits += 1
    tally.good_hits += decision.fraud is False
    for other in others:
        tally.shared[other] = tally.shared.get(other, 0) + 1
    if decision.fraud:
        tally.fraud_hits += 1
        tally.caught += decision.amount_minor
        tally.marginal += 0 if others else decision.amount_minor


def _share(part: int, whole: int) -> int | None:
    return part * BPS // whole if whole else None
