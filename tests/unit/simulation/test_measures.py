"""The figures of a simulation, on runs small enough to be counted by hand; and one small run for real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulation.__main__ import run
from tests.simulation.actors import SCENARIOS, attacks, population
from tests.simulation.measures import Diary, Played, Reviewed, summary
from tests.simulation.report import write

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def order(scenario: str, minutes: int, amount: int, *, stopped: int | None = None, captured: int = 0) -> Played:
    at = NOW + timedelta(minutes=minutes)
    attack = "" if scenario == "honest" else f"{scenario}-0"
    stopped_at = None if stopped is None else NOW + timedelta(minutes=stopped)
    return Played(f"{scenario}{minutes}", scenario, attack, at, amount, "approved", stopped_at, captured)


def a_diary() -> Diary:
    good = [order("honest", n, 100 * (n + 1), captured=100) for n in range(9)]
    good.append(order("honest", 9, 2_000, stopped=9))
    bad = [order("theft", 20, 300, captured=300), order("theft", 25, 5_000, stopped=30), order("theft", 40, 900)]
    diary = Diary([*good, *bad], [Reviewed(True, declined=True), Reviewed(False, declined=True)])
    diary.rules = {"velocity": [True, False]}
    bad[1].stopped_by = frozenset({"velocity"})
    return diary


def test_figures_are_those_counted_by_hand() -> None:
    found = summary(a_diary())
    assert (found["good_stopped_bps"], found["fraud_value_caught_bps"]) == (1_000, 5_000 * 10_000 // 6_200)
    assert (found["precision_at_capacity_bps"], found["overturned_bps"]) == (5_000, 5_000)
    assert found["fraud_value_lost_bps"] == 300 * 10_000 // 6_200
    theft = found["scenarios"]["theft"]
    assert (theft["orders_before_first_stop_median"], theft["minutes_to_first_stop_median"]) == (1, 10)
    assert theft["loss_before_first_stop_minor"] == 300
    assert found["rules"]["velocity"] == {
        "hits": 2, "precision_bps": 5_000, "stopped_fraud_minor": 5_000, "alone_fraud_minor": 5_000,
        "alone_good_orders": 0,
    }  # fmt: skip


def test_the_baseline_stops_as_many_good_orders_and_no_more() -> None:
    found = summary(a_diary())["baseline"]
    assert found == {"stops_over_minor": 900, "fraud_value_caught_bps": 5_000 * 10_000 // 6_200}


def test_the_report_holds_its_plots(tmp_path: Path) -> None:
    text = write(summary(a_diary()), tmp_path, "by hand").read_text()
    assert text.count("<svg") == 4
    assert (tmp_path / "summary.json").exists()


def test_attacks_are_drawn_from_the_frozen_rules_and_honest_people_are_not() -> None:
    one, same, other = (attacks(list(SCENARIOS), 1, 30, 7, rules) for rules in ("a", "a", "b"))
    assert one == same != other
    assert population(3, 30, 7) == population(3, 30, 7)
    assert {actor.scenario for actor in one} == set(SCENARIOS)


@pytest.mark.slow
def test_a_rush_is_stopped_in_a_run_through_the_api() -> None:
    diary, _ = run(1, 3, 7, 1, ["card_testing"])
    found = summary(diary)
    assert found["scenarios"]["card_testing"]["stopped"] == 1
    assert found["good_declined_for_good_bps"] in {0, None}
