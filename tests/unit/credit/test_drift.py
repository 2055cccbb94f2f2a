"""Drift: nothing moved is zero, a shifted population rings."""

from __future__ import annotations

import json
import math
import random

import pytest

from functions.credit.drift import (
    NothingScoredError,
    bin_shares,
    drift_report,
    stability_index,
    verdict,
)
from functions.credit.inputs.columns import MODELS
from functions.credit.inputs.features import FEATURE_SETS
from functions.credit.scoring import ARTIFACTS


def test_a_bound_belongs_to_the_bin_below_and_missing_has_its_own():
    assert bin_shares([1.0, 2.0], [0.5, 1.0, 1.5, 2.0, 2.5, math.nan, math.nan, 9.0]) == [0.25, 0.25, 0.25, 0.25]


def test_the_index_is_siddiqi_s_sum():
    expected = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert stability_index([0.5, 0.5], [0.6, 0.4]) == pytest.approx(expected)
    assert stability_index([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]) == 0.0


def test_an_empty_bin_is_finite_and_loud():
    assert 0.25 < stability_index([0.5, 0.5], [1.0, 0.0]) < 10


@pytest.mark.parametrize(
    ("index", "expected"), [(0.0, "stable"), (0.0999, "stable"), (0.1, "watch"), (0.2499, "watch"), (0.25, "alarm")]
)
def test_thresholds_include_their_own_value(index, expected):
    assert verdict(index) == expected


def test_the_same_population_is_stable_and_a_shifted_one_alarms_first():
    draw = random.Random(5)
    baseline = {name: {"edges": [-1.0, 0.0, 1.0], "shares": [0.1587, 0.3413, 0.3413, 0.1587, 0.0]} for name in "ab"}
    observed = {"a": [draw.gauss(0, 1) for _ in range(4000)], "b": [draw.gauss(1, 1) for _ in range(4000)]}
    report = drift_report(baseline, observed)
    assert [(one.name, one.verdict, one.rows) for one in report] == [("b", "alarm", 4000), ("a", "stable", 4000)]


def test_a_quantity_without_values_is_an_error_not_a_zero():
    with pytest.raises(NothingScoredError, match="points"):
        drift_report({"points": {"edges": [], "shares": [1.0, 0.0]}}, {})


@pytest.mark.parametrize("model", MODELS)
def test_the_released_baseline_knows_the_score_and_every_feature(model):
    baseline = json.loads((ARTIFACTS / model / "baseline.json").read_text())
    assert set(baseline) == {"points", *(feature.name for feature in FEATURE_SETS[model].features)}
    for bins in baseline.values():
        assert len(bins["shares"]) == len(bins["edges"]) + 2
        assert sum(bins["shares"]) == pytest.approx(1)
        assert bins["edges"] == sorted(set(bins["edges"]))
