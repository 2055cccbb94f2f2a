"""The released models: whole, exact, and blind to what they must not see."""

from __future__ import annotations

import gzip
import json
import math
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from functions.credit.inputs.columns import COLUMNS, MODELS, PROTECTED, Category, UnknownFeatureError, UnknownModelError
from functions.credit.inputs.features import FEATURE_SETS, feature_vector
from functions.credit.reasons import FAMILIES
from functions.credit.scoring import (
    ARTIFACTS,
    ModelIntegrityError,
    load_model,
    points,
    prove_files,
    score,
    score_batch,
    sigmoid,
)
from model_artifacts.training.golden import ROWS
from model_artifacts.training.trees import read_trees


def booster_text(model):
    return gzip.decompress((ARTIFACTS / model / "booster.txt.gz").read_bytes()).decode()


def random_row(model, chance):
    row = {}
    for name, column in COLUMNS[model].items():
        if chance.random() < 0.08:
            row[name] = None
        elif isinstance(column, Category):
            row[name] = chance.choice(sorted(column.ranks))
        elif name.startswith("PAY_") and not name.startswith("PAY_A"):
            row[name] = chance.choice([-2, -1, 0, 0, 0, 1, 2, 3, 8])
        else:
            row[name] = round(math.exp(chance.uniform(0, 13)), 2)
    return row


def adversarial_vectors(model, text, chance, count):
    """Random rows whose features are moved onto a threshold, one double beside it, far over 2**24, or away."""
    thresholds = sorted({(s.feature, s.threshold) for tree in read_trees(text) for s in tree.splits})
    rows = []
    for _ in range(count):
        vector = feature_vector(model, random_row(model, chance))
        for _ in range(4):
            feature, at = chance.choice(thresholds)
            near = [at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf), 2.0**24 + 1, math.nan, math.inf]
            vector[feature] = chance.choice(near)
        rows.append(vector)
    return np.array(rows)


@pytest.mark.parametrize("model", MODELS)
def test_contributions_are_lightgbm_s_tree_shap_on_random_and_adversarial_rows(model):
    chance, text = random.Random(7), booster_text(model)
    booster = lightgbm.Booster(model_str=text)
    plain = np.array([feature_vector(model, random_row(model, chance)) for _ in range(150)])
    vectors = np.concatenate([plain, adversarial_vectors(model, text, chance, 350)])
    ours = np.array(load_model(model).session.run(vectors.tolist()))
    theirs = booster.predict(vectors, pred_contrib=True)
    assert np.abs(ours[:, 1:] - theirs[:, :-1]).max() <= 1e-11
    assert np.abs(ours[:, 0] - booster.predict(vectors, raw_score=True)).max() <= 1e-11
    assert abs(load_model(model).manifest["bias"] - theirs[0, -1]) <= 1e-9
    top = np.argsort(-np.abs(theirs[:, :-1]), axis=1, kind="stable")[:, :4]
    assert np.array_equal(top, np.argsort(-np.abs(ours[:, 1:]), axis=1, kind="stable")[:, :4])


@pytest.mark.parametrize("model", MODELS)
def test_the_score_is_the_sum_of_its_parts(model):
    chance = random.Random(3)
    for one in score_batch(model, [random_row(model, chance) for _ in range(300)]):
        assert abs(one.bias + math.fsum(one.contributions.values()) - one.logit) <= 1e-12
        assert one.pd == sigmoid(one.logit)
        assert one.points == points(one.logit)
        assert list(one.contributions) == [feature.name for feature in FEATURE_SETS[model].features]


@pytest.mark.parametrize("model", MODELS)
def test_protected_columns_change_no_bit(model):
    chance = random.Random(5)
    for _ in range(50):
        row = random_row(model, chance)
        others = {name: chance.choice([None, "x", 1, -5.5, math.inf]) for name in PROTECTED[model]}
        assert score(model, {**row, **others}) == score(model, row)


@pytest.mark.parametrize("model", MODELS)
def test_no_feature_or_reason_stands_for_a_protected_attribute(model):
    words = {"age", "sex", "gender", "marital", "marriage", "education"}
    for feature in FEATURE_SETS[model].features:
        assert not words & set(f"{feature.name} {feature.definition}".lower().replace("_", " ").split())
        assert feature.family in FAMILIES


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_answers_as_its_rows_do(model):
    chance = random.Random(11)
    rows = [random_row(model, chance) for _ in range(40)]
    assert score_batch(model, rows) == [score(model, row) for row in rows]
    assert score_batch(model, []) == []


@pytest.mark.parametrize("model", MODELS)
def test_threads_that_share_a_model_do_not_mix_their_rows(model):
    chance = random.Random(17)
    rows = [random_row(model, chance) for _ in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda row: score(model, row), rows)) == score_batch(model, rows)


@pytest.mark.parametrize("model", MODELS)
def test_money_above_two_to_the_24_keeps_its_cents(model):
    """Float32 would make both rows one: the features must differ where the doubles do."""
    name = "Assets" if model == "application" else "BILL_AMT1"
    row = ROWS[model]["typical"]
    low, high = (feature_vector(model, {**row, name: value}) for value in (33_554_432.25, 33_554_432.75))
    assert low != high


def test_points_are_600_at_twenty_to_one_and_double_every_twenty():
    assert points(-math.log(20)) == 600
    assert points(-math.log(40)) == 620
    assert points(0.0) == round(600 - 20 / math.log(2) * math.log(20))


@pytest.mark.parametrize("logit", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_the_sigmoid_never_overflows(logit):
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert sigmoid(logit) == pytest.approx(1 - sigmoid(-logit), abs=1e-15)


def test_reasons_are_four_at_most_worst_first_and_only_raise():
    chance = random.Random(13)
    for model in MODELS:
        for one in score_batch(model, [random_row(model, chance) for _ in range(200)]):
            above = [reason.contribution for reason in one.reasons]
            assert len(above) <= 4
            assert above == sorted(above, reverse=True)
            assert all(value > 0 for value in above)


def test_a_bureau_record_is_told_as_such():
    row = {**ROWS["application"]["typical"], "Records": "yes"}
    assert score("application", row).reasons[0].code == "records"
    assert score("behavior", ROWS["behavior"]["two months late"]).reasons[0].code == "payment_history"


def test_an_unknown_model_or_feature_is_refused():
    with pytest.raises(UnknownModelError):
        score("mortgage", {})
    with pytest.raises(UnknownFeatureError):
        score("application", {"Salary": 1})


@pytest.fixture
def artifacts(tmp_path):
    for model in MODELS:
        shutil.copytree(ARTIFACTS / model, tmp_path / model)
    return tmp_path


@pytest.mark.parametrize("model", MODELS)
def test_a_model_with_one_flipped_bit_is_not_loaded(artifacts, model):
    path = artifacts / model / "model.onnx"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(ModelIntegrityError, match="sha256"):
        load_model(model, artifacts)


@pytest.mark.parametrize("missing", ["model.onnx", "manifest.json", "golden_scores.json"])
def test_a_missing_file_refuses_the_load(artifacts, missing):
    (artifacts / "application" / missing).unlink()
    with pytest.raises(ModelIntegrityError, match=missing):
        load_model("application", artifacts)


def test_a_golden_score_that_differs_refuses_the_load(artifacts):
    path = artifacts / "behavior" / "golden_scores.json"
    golden = json.loads(path.read_text())
    golden["scores"][3]["contributions"]["limit"] += 2e-6
    path.write_text(json.dumps(golden))
    with pytest.raises(ModelIntegrityError, match="golden"):
        load_model("behavior", artifacts)


def test_a_model_trained_on_other_features_refuses_the_load(artifacts):
    path = artifacts / "application" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["features"][0]["definition"] = "something else"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelIntegrityError, match="other features"):
        load_model("application", artifacts)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_file_is_under_a_megabyte_and_says_what_it_was_made_of(model):
    assert (ARTIFACTS / model / "model.onnx").stat().st_size <= 1_000_000
    manifest = load_model(model).manifest
    assert len(manifest["training"]["data_sha256"]) == 64
    assert {"lightgbm", "onnx", "onnxruntime", "numpy"} <= manifest["training"]["libraries"].keys()
    assert {"auc", "brier", "calibration"} <= manifest["metrics"].keys()


def test_a_container_with_a_tampered_model_does_not_start_and_says_why(tmp_path):
    root = Path(__file__).resolve().parents[3]
    shutil.copytree(root / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    for model in MODELS:
        shutil.copytree(ARTIFACTS / model, tmp_path / "model_artifacts" / model)
    shutil.copy(ARTIFACTS / "policy.json", tmp_path / "model_artifacts")
    start = [sys.executable, "-c", "import functions.credit.api"]
    assert subprocess.run(start, cwd=tmp_path, check=False).returncode == 0
    file = tmp_path / "model_artifacts" / "behavior" / "model.onnx"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    refused = subprocess.run(start, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "behavior/model.onnx does not have the sha256 of its manifest" in refused.stderr


def test_a_package_that_carries_no_model_starts_and_one_with_another_model_does_not(tmp_path: Path) -> None:
    """The console and the workers ship the manifests, and none of the models."""
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((ARTIFACTS / "application" / "manifest.json").read_bytes())
    prove_files(tmp_path)
    (folder / "model.onnx").write_bytes(b"another")
    with pytest.raises(ModelIntegrityError):
        prove_files(tmp_path)
