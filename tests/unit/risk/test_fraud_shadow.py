"""What a stored decision would have been with another model's score."""

from __future__ import annotations

import pytest

from functions.risk.fraud.shadow import outcome_with
from functions.risk.record import DecisionRecord, Listed, pack, unpack
from functions.risk.rules import compile_rule
from functions.risk.ruling.outcomes import Outcome
from functions.risk.ruling.ruleset import Deployed, RuleSet
from functions.risk.signal_table import SYNC_SCHEMA

SCORE = {"signal": "fraud_score_bps"}
AMOUNT = {"signal": "amount_minor"}
NOT_LISTED = Listed(trusted=False, blocked=False)
RULES = [
    {"id": "elevated", "outcome": "step_up", "when": {"ge": [SCORE, 1_000]}},
    {"id": "high", "outcome": "hold", "when": {"all": [{"ge": [SCORE, 3_000]}, {"ge": [AMOUNT, 500]}]}},
    {"id": "rushing", "outcome": "step_up", "when": {"ge": [{"signal": "customer_count", "window": "1h"}, 5]}},
]  # fmt: skip


def ruleset(sources: list[dict[str, object]]) -> RuleSet:
    return RuleSet(tuple(Deployed(compile_rule(source, SYNC_SCHEMA)) for source in sources))


def decided(rules: RuleSet, listed: Listed = NOT_LISTED, **signals: int) -> DecisionRecord:
    result = rules.evaluate(signals, 0)
    return unpack(pack(result.outcome, rules, result, signals, listed=listed, bucket=0), rules)


@pytest.mark.parametrize(
    ("score", "amount", "outcome"),
    [
        (999, 900, Outcome.APPROVE),
        (1_000, 900, Outcome.STEP_UP),
        (3_000, 900, Outcome.HOLD),
        (3_000, 499, Outcome.STEP_UP),  # the rest of the order is as it was stored
    ],
)
def test_the_rules_of_that_day_read_the_other_score(score: int, amount: int, outcome: Outcome) -> None:
    rules = ruleset(RULES)
    record = decided(rules, fraud_score_bps=2_000, amount_minor=amount, customer_count_1h=1)
    assert record.outcome is Outcome.STEP_UP
    assert outcome_with(record, rules, score) is outcome


def test_what_other_rules_asked_for_stays() -> None:
    rules = ruleset(RULES)
    record = decided(rules, fraud_score_bps=2_000, amount_minor=900, customer_count_1h=5)
    assert outcome_with(record, rules, 0) is Outcome.STEP_UP


def test_lists_overrule_the_other_score_as_they_did_the_first() -> None:
    rules = ruleset(RULES)
    facts = {"fraud_score_bps": 2_000, "amount_minor": 900, "customer_count_1h": 1}
    trusted = decided(rules, Listed(trusted=True, blocked=False), **facts)
    blocked = decided(rules, Listed(trusted=False, blocked=True), **facts)
    assert outcome_with(trusted, rules, 9_999) is Outcome.APPROVE
    assert outcome_with(blocked, rules, 0) is Outcome.DECLINE


def test_where_no_rule_read_the_score_another_changes_nothing() -> None:
    rules = ruleset(RULES[2:])
    record = decided(rules, fraud_score_bps=0, customer_count_1h=5)
    assert outcome_with(record, rules, 9_999) is record.outcome is Outcome.STEP_UP
