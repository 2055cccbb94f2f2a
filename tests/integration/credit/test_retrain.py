"""Learning from own outcomes: weights mean what they say, nothing of the future enters, two runs agree."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from functions.credit.models.artifacts import shipped
from functions.credit.models.kinds import kind_of
from functions.credit.models.outcomes import Labelled
from functions.credit.policies.policy import load_policy
from functions.credit.scoring import load_model, sigmoid
from model_artifacts.training import measures
from model_artifacts.training.crossval import FOLDS
from model_artifacts.training.golden import ROWS
from model_artifacts.training.retrain.__main__ import LEAST_BAD, recipe_of, retrain
from model_artifacts.training.retrain.judge import _folds
from model_artifacts.training.retrain.sample import PRUDENCE, outcomes_of
from model_artifacts.training.retrain.simulated import simulated
from model_artifacts.training.retrain.simulated_accounts import simulated_accounts

OFFSET = load_policy().offset("default", "application")
TYPICAL = ROWS["application"]["typical"]


def rows(good, bad, rejected=0):
    """Made-up outcomes: bad ones earn little."""
    draw = np.random.default_rng(3)
    out = []
    for number in range(good + bad + rejected):
        outcome = None if number >= good + bad else number >= good
        income = max(20.0, float(draw.normal(90 if outcome else 140, 30)))
        out.append(Labelled({**TYPICAL, "Income": income}, outcome, float(draw.normal(-1, 1)), f"p{number}"))
    return out


def test_bad_rows_weigh_as_the_policy_s_offset_says():
    learned = outcomes_of("application", rows(3, 1), OFFSET)
    assert learned.sample.weight.tolist() == [1.0, 1.0, 1.0, math.exp(-OFFSET)]


def test_a_rejected_applicant_takes_part_twice_and_weighs_one_person():
    [reject] = rows(0, 0, 1)
    learned = outcomes_of("application", [*rows(2, 1), reject], OFFSET)
    worse = PRUDENCE * sigmoid(reject.logit + OFFSET)
    assert learned.sample.bad.tolist() == [0.0, 0.0, 1.0, 1.0, 0.0]
    assert learned.sample.weight[3] / math.exp(-OFFSET) == pytest.approx(worse)
    assert learned.sample.weight[4] == pytest.approx(1 - worse)
    assert (learned.accepted, learned.rejected, learned.people) == (3, 1, 4)


def test_without_reject_inference_they_are_left_out():
    learned = outcomes_of("application", rows(2, 1, 5), OFFSET, infer_rejects=False)
    assert len(learned.sample) == 3


def test_the_same_made_up_people_come_again_and_some_are_turned_down():
    once, again = list(simulated(40)), list(simulated(40))
    assert once == again
    assert {one.bad for one in once} >= {None, False}
    assert list(simulated(5, seed=2)) != once[:5]


def test_too_few_bad_rows_teach_nothing(tmp_path):
    with pytest.raises(SystemExit, match=str(LEAST_BAD)):
        retrain("application", rows(100, LEAST_BAD - 1), tmp_path, made_up=True)


@pytest.fixture(scope="module")
def challenger(tmp_path_factory):
    small = replace(recipe_of("application"), bags=1, rounds=15, pairs=10)
    out = tmp_path_factory.mktemp("artifacts")
    return retrain("application", rows(300, 60, 40), out, made_up=True, recipe=small), small


def test_a_challenger_loads_proves_itself_and_says_what_it_learned_from(challenger):
    place, _ = challenger
    model = load_model("application", place.parent)
    assert model.manifest["version"] == place.parent.name
    assert model.manifest["training"]["simulated"] is True
    card = (place / "MODEL_CARD.md").read_text()
    assert "60 of them bad; 40 rejected applicants" in card and "Reject inference" in card


def test_a_challenger_speaks_in_the_world_of_the_policy_s_offset(challenger):
    place, _ = challenger
    given = load_model("application", place.parent).scores([one.row for one in rows(300, 60)])
    expected = sum(sigmoid(one.logit + OFFSET) for one in given)
    assert expected == pytest.approx(60, rel=0.35)


def test_the_figures_beside_the_champion_are_of_people_it_had_not_seen(challenger):
    place, _ = challenger
    metrics = json.loads((place / "manifest.json").read_text())["metrics"]
    known = rows(300, 60, 40)[:360]
    theirs = measures.auc(np.array([float(one.bad) for one in known]), np.array([one.logit for one in known]))
    assert metrics["champion_auc"] == pytest.approx(theirs)
    assert 0.5 < metrics["auc"] < 1


def test_two_runs_write_the_same_bytes(challenger, tmp_path):
    place, small = challenger
    again = retrain("application", rows(300, 60, 40), tmp_path, made_up=True, recipe=small)
    for name in ("model.onnx", "manifest.json", "baseline.json"):
        assert (place / name).read_bytes() == (again / name).read_bytes()


def test_made_up_accounts_come_again_and_all_months_of_one_stand_in_one_fold():
    once, again = list(simulated_accounts(30)), list(simulated_accounts(30))
    assert once == again
    assert {len([one for one in once if one.subject == f"account {number}"]) for number in range(30)} == {4}
    places = _folds(once, 3)
    assert set(places) == set(range(FOLDS))
    for number in range(30):
        assert len({place for one, place in zip(once, places, strict=True) if one.subject == f"account {number}"}) == 1


def test_a_behavior_challenger_is_judged_beside_the_champion_and_has_no_rejects(tmp_path):
    small = replace(recipe_of("behavior"), bags=1, rounds=10, pairs=5, approved_pd=0.99)
    learned = [replace(one, bad=number % 7 == 0) for number, one in enumerate(simulated_accounts(90))]
    place = retrain("behavior", learned, tmp_path, made_up=True, recipe=small)
    metrics = json.loads((place / "manifest.json").read_text())["metrics"]
    assert "champion_auc" in metrics and "auc_without_rejects" not in metrics
    assert "There are no rejects" in (place / "MODEL_CARD.md").read_text()


def test_every_challenger_of_the_package_is_small_and_whole():
    for artifact in shipped().values():
        assert (artifact.folder / "model.onnx").stat().st_size <= 1_000_000
        kind_of(artifact.model).load(artifact.version)
