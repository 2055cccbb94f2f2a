"""The life of a rule and what a backtest says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from functions.risk.counters import DAY_S
from functions.risk.rule_life.backtest import Overlap, StoredDecision, backtest
from functions.risk.rule_life.lifecycle import (
    AuthorApprovesError,
    BadShareError,
    RuleLife,
    RuleState,
    RuleStateError,
    as_of,
    canary_bucket,
    deployed,
    move,
)
from functions.risk.rules import SignalSchema, compile_rule
from functions.risk.ruling.ruleset import Mode

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCHEMA = SignalSchema.from_dict({"a": "integer"})
RULE = compile_rule({"id": "r", "outcome": "hold", "when": {"gt": [{"signal": "a"}, 5]}}, SCHEMA)


def lived(*commands: str, author: str = "ann", by: str = "bob") -> RuleLife:
    life = RuleLife(author)
    for command in commands:
        life = move(life, command, by, share_bps=500 if command == "canary" else 10_000)
    return life


def test_a_rule_goes_the_whole_way() -> None:
    life = lived("validate", "backtest", "shadow", "canary", "activate")
    assert (life.state, life.approved_by, life.share_bps) == (RuleState.LIVE, "bob", 10_000)


@pytest.mark.parametrize("command", ["canary", "activate"])
def test_the_author_never_lets_the_rule_count(command: str) -> None:
    with pytest.raises(AuthorApprovesError):
        move(lived("validate", "backtest", "shadow"), command, "ann", share_bps=500)


def test_the_author_may_do_all_that_does_not_count() -> None:
    life = lived("validate", "backtest", "shadow", by="ann")
    assert life.state is RuleState.SHADOW


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ((), "activate"),
        ((), "shadow"),
        (("validate",), "shadow"),
        (("validate", "backtest"), "activate"),
        (("validate", "backtest", "shadow"), "validate"),
        (("validate", "backtest", "shadow", "activate"), "validate"),
        (("retire",), "validate"),
        (("retire",), "retire"),
        ((), "no such verb"),
    ],
)
def test_no_step_is_skipped_and_nothing_comes_back_from_retirement(path: tuple[str, ...], command: str) -> None:
    with pytest.raises(RuleStateError):
        move(lived(*path), command, "bob")


@pytest.mark.parametrize("share", [0, -1, 10_000])
def test_a_canary_counts_for_some_and_not_for_all(share: int) -> None:
    with pytest.raises(BadShareError):
        move(lived("validate", "backtest", "shadow"), "canary", "bob", share_bps=share)


def test_a_snooze_ends_where_it_began() -> None:
    until = NOW + timedelta(hours=1)
    for path in (("shadow",), ("shadow", "canary"), ("shadow", "activate")):
        life = lived("validate", "backtest", *path)
        asleep = move(life, "snooze", "ann", until=until)
        assert deployed(RULE, asleep, NOW).mode is Mode.SNOOZED  # type: ignore[union-attr]
        woken = as_of(asleep, until)
        assert (woken.state, woken.share_bps) == (life.state, life.share_bps)


def test_a_live_rule_may_have_an_end() -> None:
    life = move(lived("validate", "backtest", "shadow"), "activate", "bob", until=NOW)
    assert as_of(life, NOW).state is RuleState.RETIRED
    assert deployed(RULE, life, NOW) is None
    assert deployed(RULE, life, NOW - timedelta(seconds=1)).mode is Mode.LIVE  # type: ignore[union-attr]


def test_only_what_runs_is_deployed() -> None:
    assert deployed(RULE, lived("validate", "backtest"), NOW) is None
    canary = deployed(RULE, lived("validate", "backtest", "shadow", "canary"), NOW)
    assert canary is not None
    assert (canary.mode, canary.share_bps) == (Mode.CANARY, 500)


def test_a_customer_stays_in_the_same_canary() -> None:
    assert canary_bucket("cus_1") == canary_bucket("cus_1")
    share = sum(canary_bucket(f"cus_{n}") < 1_000 for n in range(5_000))
    assert 400 < share < 600


def decision(
    day: float, a: int | None, amount: int, *, fraud: bool | None, fired: tuple[str, ...] = ()
) -> StoredDecision:
    return StoredDecision(int(day * DAY_S), amount, {"a": a}, fraud, frozenset(fired))


def test_the_backtest_adds_up() -> None:
    report = backtest(
        RULE,
        [
            decision(0, 9, 100, fraud=True, fired=("other",)),
            decision(0.5, 9, 300, fraud=True),
            decision(1, 9, 50, fraud=False, fired=("r",)),
            decision(1.5, 9, 70, fraud=None),
            decision(2, 1, 400, fraud=True, fired=("other",)),
            decision(3, 1, 60, fraud=False),
            decision(4, None, 60, fraud=False),
        ],
        reviews_a_day=2,
    )
    assert (report.decisions, report.hits, report.unknown) == (7, 4, 1)
    assert (report.labelled_hits, report.fraud_hits, report.precision_bps) == (3, 2, 6_666)
    assert report.good_hits_bps == 3_333
    assert (report.value_caught_minor, report.value_caught_bps, report.marginal_value_minor) == (400, 5_000, 300)
    assert (report.alerts_a_day, report.capacity_bps) == (100, 5_000)
    assert report.unknown_signals == {"a is missing": 1}
    assert report.overlap == {"other": Overlap(1, 2_000)}


def test_a_backtest_on_nothing_says_nothing() -> None:
    report = backtest(RULE, [], reviews_a_day=1)
    assert (report.decisions, report.precision_bps, report.value_caught_bps, report.alerts_a_day) == (0, None, None, 0)
