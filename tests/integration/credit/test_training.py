"""Training on made-up rows: exact export of any depth, same bytes twice, honest measures."""

from __future__ import annotations

import csv
import json
import math
import random
import shutil
from dataclasses import replace

import lightgbm
import numpy as np
import onnxruntime
import pytest

from functions.credit.inputs.columns import COLUMNS
from functions.credit.models.artifacts import CHALLENGERS
from functions.credit.scoring import ARTIFACTS, load_model
from model_artifacts.training import bagging, crossval, measures, recompile, release, shapley
from model_artifacts.training.card import write_card
from model_artifacts.training.data import hide, load, matrix
from model_artifacts.training.interactions import best_pairs
from model_artifacts.training.onnx_export import to_onnx
from model_artifacts.training.recipe import RECIPES
from model_artifacts.training.reject_section import reject_section
from model_artifacts.training.shapley import Expansion, expand
from model_artifacts.training.tables import TooManyCellsError, tabulate
from model_artifacts.training.trees import merge_boosters, read_trees


@pytest.fixture(scope="module")
def table():
    """Columns with missing values, integers over 2**24, few values, and a constant."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(1500, 7))
    features[draw.random(features.shape) < 0.1] = np.nan
    features[:, 0] = draw.integers(2**24, 2**24 + 10, 1500)
    features[:, 5] = draw.integers(0, 4, 1500)
    features[:, 6] = 1.0
    drift = np.nan_to_num(features[:, 1]) * np.nan_to_num(features[:, 2]) + features[:, 5] / 3
    return features, (drift + draw.normal(size=1500) > 0.5).astype(float)


def grow(table, depth, seed, **parameters):
    settings = {
        "objective": "binary", "max_depth": depth, "num_leaves": 2**depth, "learning_rate": 0.2, "seed": seed,
        "max_bin": 15, "bagging_fraction": 0.5, "bagging_freq": 1, "verbosity": -1, "num_threads": 1, **parameters,
    }  # fmt: skip
    return lightgbm.train(settings, lightgbm.Dataset(*table), 30)


def run(model, rows):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"features": rows})[0]


def on_the_edge(table, text):
    draw, chance = np.random.default_rng(1), random.Random(1)
    thresholds = sorted({(s.feature, s.threshold) for tree in read_trees(text) for s in tree.splits})
    rows = table[0][draw.integers(0, len(table[0]), 500)].copy()
    for row in rows:
        for _ in range(3):
            feature, at = chance.choice(thresholds)
            near = [at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf), math.nan, math.inf, -math.inf, 0.0]
            row[feature] = chance.choice(near)
    return np.concatenate([table[0][:300], rows])


@pytest.mark.parametrize(("depth", "bins"), [(1, 15), (2, 15), (3, 15), (4, 7)])
def test_the_export_is_exact_at_any_depth(table, depth, bins):
    text = merge_boosters(
        [grow(table, depth, seed, extra_trees=seed == 1, max_bin=bins).model_to_string() for seed in range(3)]
    )
    booster = lightgbm.Booster(model_str=text)
    rows = on_the_edge(table, text)
    expansion = expand(read_trees(text))
    ours, theirs = run(to_onnx(expansion, 7, "test"), rows), booster.predict(rows, pred_contrib=True)
    assert np.abs(ours[:, 1:] - theirs[:, :-1]).max() <= 1e-12
    assert np.abs(ours[:, 0] - booster.predict(rows, raw_score=True)).max() <= 1e-12
    assert abs(expansion.bias - theirs[0, -1]) <= 1e-12


def test_an_output_that_no_tree_touches_still_has_its_value(table):
    """Feature 6 is constant: no tree splits on it, and its contribution is 0, not garbage."""
    expansion = expand(read_trees(grow(table, 2, 0).model_to_string()))
    assert set(run(to_onnx(expansion, 7, "test"), table[0])[:, 7]) == {0.0}


def test_a_sum_of_cells_has_the_same_bits_in_any_order(table):
    """Else a score would depend on the processor, and on the rows it is scored with."""
    tables = tabulate(expand(read_trees(grow(table, 2, 0).model_to_string()))).tables
    chance = random.Random(8)
    for _ in range(200):
        row = [float(chance.choice(one.cells)[0]) for one in tables]
        assert sum(row) == sum(sorted(row)) == sum(reversed(row)) == math.fsum(row)


def test_a_model_that_is_one_constant_answers_it():
    text = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 50},
        lightgbm.Dataset(np.zeros((90, 2)), np.array([1.0] * 30 + [0.0] * 60)),
        3,
    ).model_to_string()
    rows = np.array([[0.0, math.nan], [5.0, -3.0]])
    expansion = expand(read_trees(text))
    ours = run(to_onnx(expansion, 2, "constant"), rows)
    assert np.abs(ours - [[expansion.bias, 0.0, 0.0]] * 2).max() <= 1e-15
    assert expansion.bias == pytest.approx(math.log(30 / 60))


def test_trees_that_meet_too_much_are_refused():
    places = [[shapley.Test(feature, float(level), missing=False) for level in range(70)] for feature in range(4)]
    terms = {tuple(tests): {0: 1.0} for tests in zip(*places, strict=True)}
    with pytest.raises(TooManyCellsError):
        tabulate(Expansion(terms, 0.0))


@pytest.mark.parametrize("model", recompile.MODELS)
def test_a_released_file_is_what_its_booster_compiles_to_byte_for_byte(model):
    assert recompile.compile_released(ARTIFACTS / model).raw == (ARTIFACTS / model / "model.onnx").read_bytes()


def test_a_recompiled_release_keeps_the_file_before_it(tmp_path):
    """Its decisions are made again with it; the same booster compiled again changes nothing."""
    folder = tmp_path / "application"
    shutil.copytree(ARTIFACTS / "application", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not recompile.recompile("application", tmp_path)
    assert not (tmp_path / CHALLENGERS).exists()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "version": "application-000000000000"}))
    assert recompile.recompile("application", tmp_path)
    kept = load_model("application", tmp_path / CHALLENGERS / "application-000000000000")
    assert kept.manifest["version"] == "application-000000000000"
    assert load_model("application", tmp_path).manifest == manifest
    golden = (folder / "golden_scores.json").read_bytes()
    assert golden == (ARTIFACTS / "application" / "golden_scores.json").read_bytes()


def test_merged_boosters_answer_with_the_mean(table):
    boosters = [grow(table, 2, seed) for seed in range(4)]
    merged = lightgbm.Booster(model_str=merge_boosters([one.model_to_string() for one in boosters]))
    mean = np.mean([one.predict(table[0], raw_score=True) for one in boosters], axis=0)
    assert np.abs(merged.predict(table[0], raw_score=True) - mean).max() <= 1e-12


def test_a_categorical_split_is_refused(table):
    booster = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "min_data_per_group": 1, "num_threads": 1},
        lightgbm.Dataset(np.abs(np.nan_to_num(table[0])), table[1], categorical_feature=[5]),
        5,
    )
    with pytest.raises(ValueError, match="categorical"):
        list(read_trees(booster.model_to_string()))


def test_only_the_best_pairs_may_meet(table):
    free = grow(table, 2, 0)
    pairs = best_pairs(free, 1)
    assert [pair for pair in pairs if len(pair) == 2] == [[1, 2]]
    held = grow(table, 2, 0, interaction_constraints=pairs)
    for tree in read_trees(held.model_to_string()):
        assert len({split.feature for split in tree.splits} - {1, 2}) <= 1


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A file of made-up applications in the training file's shape."""
    path, chance = tmp_path_factory.mktemp("data") / "made_up.csv", random.Random(4)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS["application"], "ID", "Status", "Age", "Marital"])
        for number in range(600):
            seniority, income = chance.randint(0, 30), chance.choice(["", *range(50, 400)])
            risk = 1.5 - seniority / 10 - (int(income or 60) - 120) / 100 + chance.gauss(0, 1)
            writer.writerow([
                seniority, chance.choice(["owner", "rent", ""]), 36, chance.choice(["yes", "no"]),
                chance.choice(["fixed", "partime"]), chance.randint(30, 90), income, chance.randint(0, 9000),
                chance.randint(0, 500), 1000, 1500, number, "bad" if risk > 0.5 else "good", chance.randint(20, 70),
                "single",
            ])  # fmt: skip
    return load("application", path)


SMALL = replace(RECIPES["application"], bags=2, rounds=12, repeats=1)


def test_training_twice_gives_the_same_bytes(made_up, tmp_path):
    for run_name in ("one", "two"):
        text = bagging.train(made_up, SMALL, 7)
        metrics, logit = crossval.metrics(made_up, SMALL)
        folder = release.write(made_up, text, metrics, tmp_path / run_name)
        write_card(made_up, folder, logit)
    files = sorted(path.name for path in (tmp_path / "one" / "application").iterdir())
    assert files == [
        "MODEL_CARD.md",
        "baseline.json",
        "booster.txt.gz",
        "golden_scores.json",
        "manifest.json",
        "model.onnx",
    ]
    for name in files:
        one, two = ((tmp_path / run_name / "application" / name).read_bytes() for run_name in ("one", "two"))
        assert one == two, name
    assert load_model("application", tmp_path / "one").manifest["training"]["rows"] == 600
    card = (tmp_path / "one" / "application" / "MODEL_CARD.md").read_text()
    assert "adverse-impact ratio" in card
    assert "25-34" in card


def test_no_row_lands_in_two_folds_and_each_fold_has_its_share_of_bad(made_up):
    seen = []
    for train, test, rows in crossval.splits(made_up, 0):
        assert len(train) + len(test) == len(made_up)
        assert abs(test.bad.mean() - made_up.bad.mean()) < 0.01
        seen += list(rows)
    assert sorted(seen) == list(range(len(made_up)))


def test_protected_columns_reach_the_report_and_never_the_rows(made_up):
    assert set(made_up.groups) == {"age band"}
    assert not {"Age", "Marital"} & set(made_up.rows[0])
    assert matrix("application", made_up.rows).shape == (600, 16)


def test_a_young_account_hides_what_lies_before_its_first_cut():
    full = dict.fromkeys(COLUMNS["behavior"], 1.0)
    lengths = set()
    for seed in range(200):
        row = hide("behavior", full, random.Random(seed))
        known = [k for k in range(1, 7) if not math.isnan(row[f"BILL_AMT{k}"])]
        lengths.add(max(known, default=0))
        for k in range(max(known, default=0) + 1, 7):
            assert math.isnan(row[f"PAY_AMT{k}"])
    assert lengths >= {1, 2, 3, 4, 5, 6}


def test_auc_counts_ties_as_half():
    assert measures.auc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 1.0, 1.0, 0.0])) == 0.875


def test_a_calibrated_model_looks_calibrated_and_a_bold_one_does_not():
    draw = np.random.default_rng(2)
    logit = draw.normal(-1, 1.2, 8000)
    bad = (draw.random(8000) < measures.sigmoid(logit)).astype(float)
    fair, bold = (measures.calibration(bad, factor * logit, seed=1, draws=100) for factor in (1, 2))
    assert fair["ece"] <= fair["ece_95th_percentile_if_perfect"]
    assert fair["slope"] == pytest.approx(1, abs=0.06)
    assert abs(fair["intercept"]) < 0.06
    assert abs(fair["spiegelhalter_z"]) < 2
    assert bold["ece"] > bold["ece_95th_percentile_if_perfect"]
    assert bold["slope"] == pytest.approx(0.5, abs=0.03)
    assert abs(bold["spiegelhalter_z"]) > 2


def test_the_paired_bootstrap_sees_a_better_model():
    draw = np.random.default_rng(3)
    logit = draw.normal(0, 1, 2000)
    bad = (draw.random(2000) < measures.sigmoid(logit)).astype(float)
    out = measures.bootstrap(bad, logit, logit + draw.normal(0, 2, 2000), seed=1, draws=200)
    low, high = out["auc_gain_95"]
    assert 0 < low < out["auc_gain"] < high


def test_the_released_metrics_meet_their_goals():
    for model in RECIPES:
        metrics = json.loads(json.dumps(load_model(model).manifest["metrics"]))
        calibration = metrics["calibration"]
        assert metrics["auc_gain_95"][0] >= -0.005
        assert calibration["ece"] <= calibration["ece_95th_percentile_if_perfect"]
        assert 0.9 <= calibration["slope"] <= 1.1
        assert abs(calibration["intercept"]) <= 0.1
        assert abs(calibration["spiegelhalter_z"]) < 2


def test_the_application_card_shows_what_refusing_people_does_to_learning():
    found = json.loads((ARTIFACTS / "application" / "reject_inference.json").read_text())
    assert reject_section(found) in (ARTIFACTS / "application" / "MODEL_CARD.md").read_text()
    alone, inferred, everything = found["ways"]
    assert everything["auc"] > inferred["auc"] > alone["auc"] - 0.005
    assert alone["mean_pd_refused"] == pytest.approx(found["refused_bad_rate"], abs=0.03)


def test_calibration_of_a_score_that_says_nothing_is_flat_and_never_runs_off():
    draw = np.random.default_rng(5)
    bad, logit = (draw.random(300) < 0.2).astype(float), draw.normal(-6, 4, 300)
    slope, intercept = measures.calibration_line(bad, logit)
    assert abs(slope) < 0.2
    assert measures.sigmoid(logit + intercept).mean() == pytest.approx(bad.mean(), abs=1e-6)
