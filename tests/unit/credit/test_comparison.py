"""The report on champion and challenger: whom each would take, and whose order the outcomes bear out."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from functions.credit.models.comparison import Case, auc, compare
from functions.credit.models.watch import week_of
from model_artifacts.training import measures
from tests.builders.platform import START


def case(ours="approved", theirs="approved", logits=(0.0, 0.0), bad=None, limits=(100, 100), week=""):
    return Case(ours, theirs, *limits, *logits, bad, week)


def test_the_swap_set_counts_whom_only_one_of_them_takes():
    cases = [case(), case("declined", "approved"), case("declined", "approved"), case("approved", "referred")]
    report = compare(cases, 0.0)
    assert (report["cases"], report["agreement"], report["swapped_in"], report["swapped_out"]) == (4, 0.25, 2, 1)
    assert {"champion": "declined", "challenger": "approved", "cases": 2} in report["matrix"]


def test_outcomes_judge_the_order_where_both_kinds_are_known():
    cases = [case(logits=(2.0, -1.0), bad=True), case(logits=(1.0, -2.0), bad=False), case()]
    outcomes = compare(cases, 0.0)["outcomes"]
    assert (outcomes["known"], outcomes["bad"]) == (2, 1)
    assert outcomes["auc"] == {"champion": 1.0, "challenger": 1.0}
    assert compare([case(bad=True)], 0.0)["outcomes"]["auc"] == {"champion": None, "challenger": None}


def test_a_challenger_that_scores_everyone_alike_has_not_moved():
    assert compare([case(logits=(x / 10, x / 10)) for x in range(50)], 0.0)["stability_index"] == 0.0
    assert compare([case(logits=(x / 10, x / 10 + 3)) for x in range(50)], 0.0)["stability_index"] > 0.25


def test_what_each_would_have_stopped_is_counted_by_how_it_ended():
    cases = [case("approved", "held", bad=True), case("declined", "step_up", bad=True), case("held", bad=False), case()]
    assert compare(cases, 0.0)["outcomes"]["stopped"] == {
        "champion": {"bad": 1, "good": 1, "bad_minor": {}},
        "challenger": {"bad": 2, "good": 0, "bad_minor": {}},
    }
    assert compare([case("scored", "scored", bad=True)], 0.0)["outcomes"]["stopped"]["champion"]["bad"] == 0


def test_ends_may_be_those_of_other_cases_than_the_sample():
    report = compare([case(), case()], 0.0, [case("held", bad=True), case(bad=False), case("held")])
    assert (report["cases"], report["outcomes"]["known"], report["outcomes"]["bad"]) == (2, 2, 1)
    assert report["outcomes"]["stopped"]["champion"] == {"bad": 1, "good": 0, "bad_minor": {}}


def test_the_fraud_value_that_each_stops_is_told_by_currency():
    orders = [
        replace(case(ours, theirs, bad=bad), amount_minor=amount, currency=currency)
        for ours, theirs, bad, amount, currency in (
            ("held", "approved", True, 700, "CNY"),
            ("held", "step_up", True, 30, "EUR"),
            ("approved", "held", True, 11, "EUR"),
            ("held", "held", False, 9_999, "CNY"),
        )
    ]
    outcomes = compare(orders, 0.0)["outcomes"]
    assert outcomes["bad_minor"] == {"CNY": 700, "EUR": 41}
    assert outcomes["stopped"]["champion"]["bad_minor"] == {"CNY": 700, "EUR": 30}
    assert outcomes["stopped"]["challenger"]["bad_minor"] == {"EUR": 41}


def test_scores_lie_between_edges_of_twenty_points():
    # points are 600 − 20/ln 2 · (logit + ln 20): 514 at even odds, more with less risk
    scores = compare([case(logits=(0.0, -6.0)), case(logits=(0.0, -30.0))], 0.0)["scores"]
    assert scores == [
        {"points_to": 520, "champion": 2, "challenger": 0},
        {"points_to": 700, "champion": 0, "challenger": 1},
        {"points_to": None, "champion": 0, "challenger": 1},
    ]


def test_each_week_is_compared_by_itself():
    cases = [case(week="2026-W47"), case("held", week="2026-W47"), case(week="2026-W48"), case("held")]
    weeks = [(one["week"], one["cases"], one["agreement"]) for one in compare(cases, 0.0)["weeks"]]
    assert weeks == [("2026-W48", 1, 1.0), ("2026-W47", 2, 0.5)]


def test_nothing_judged_is_a_report_too():
    report = compare([], 0.0)
    assert (report["cases"], report["enough"], report["agreement"], report["stability_index"]) == (0, False, None, None)


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_is_that_of_training_ties_included(seed):
    draw = random.Random(seed)
    scores = [float(draw.randint(0, 8)) for _ in range(60)]
    bad = [draw.random() < 0.4 for _ in scores]
    assert auc(scores, bad) == pytest.approx(measures.auc(np.array(bad, float), np.array(scores)))


def test_a_week_is_named_by_its_iso_year():
    assert week_of(START) == "2026-W47"
    assert week_of(START.replace(year=2027, month=1, day=1)) == "2026-W53"
