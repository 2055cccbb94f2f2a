"""What else was tried is told as it was measured, and each variant is what its name says."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from functions.credit.inputs.columns import MODELS
from functions.credit.inputs.features import FEATURE_SETS
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import bagging, measures
from model_artifacts.training.search.calibrate import CALIBRATORS, cross_fitted
from model_artifacts.training.search.section import alternatives_section, has_alternatives, renew_card, tried_section
from model_artifacts.training.search.variants import Variant, recipe_of
from model_artifacts.training.trees import read_trees
from tests.integration.credit.test_training import made_up

__all__ = ["made_up"]


@pytest.mark.parametrize("model", MODELS)
def test_the_card_tells_what_else_was_tried_as_it_was_measured(model):
    found = json.loads((ARTIFACTS / model / "search.json").read_text())
    page = (ARTIFACTS / model / "MODEL_CARD.md").read_text()
    assert tried_section(model, found) in page
    assert has_alternatives(model) == (model == "application")
    if has_alternatives(model):
        assert alternatives_section(model, found) in page


def test_a_card_is_renewed_in_place(tmp_path):
    for name in ("manifest.json", "search.json", "MODEL_CARD.md"):
        shutil.copy(ARTIFACTS / "application" / name, tmp_path)
    before = (tmp_path / "MODEL_CARD.md").read_text()
    found = json.loads((tmp_path / "search.json").read_text())
    found["tried"][0]["name"] = "renamed"
    (tmp_path / "search.json").write_text(json.dumps(found))
    renew_card(tmp_path)
    assert (tmp_path / "MODEL_CARD.md").read_text() == before.replace("| as released |", "| renamed |", 1).replace(
        "| as released | 0.8525 | 0.1359 | 0.55 (under 25) | 0.384 of 0.382 |\n", ""
    )


def test_a_calibrator_mends_a_bold_score_and_judges_no_row_by_itself():
    draw = np.random.default_rng(1)
    truth = draw.normal(0, 1, 4000)
    bad = (draw.random(4000) < measures.sigmoid(truth)).astype(float)
    for calibrator in CALIBRATORS.values():
        mended = cross_fitted(calibrator, bad, 2 * truth + 1, seed=1)
        assert (
            measures.brier(bad, measures.sigmoid(mended)) < measures.brier(bad, measures.sigmoid(2 * truth + 1)) - 0.01
        )


def test_a_variant_frees_takes_away_and_reweighs(made_up):
    recipe = recipe_of("application", Variant(free=("stability",), without=("home",)))
    names = [feature.name for feature in FEATURE_SETS["application"].features]
    assert recipe.parameters["monotone_constraints"][names.index("home")] == 0
    assert recipe.parameters["monotone_constraints"][names.index("records")] == 1
    assert recipe.parameters["feature_contri"][names.index("home")] == 0.0
    trained = bagging.train(made_up, replace(recipe, bags=1, rounds=5), 1)
    assert "home" not in {names[split.feature] for tree in read_trees(trained) for split in tree.splits}
