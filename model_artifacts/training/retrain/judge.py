"""How a challenger would do on people it has not seen, beside the champion on the same people.

Five folds over the rows that have an outcome of their own, all rows of a subject in one fold: months of one account
tell of each other. Rejected applicants help to train and judge nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from functions.credit.inputs.columns import Model, read_columns
from functions.credit.models.outcomes import Labelled
from model_artifacts.training import bagging, measures
from model_artifacts.training.crossval import FOLDS, folds
from model_artifacts.training.data import Floats, matrix
from model_artifacts.training.recipe import Recipe
from model_artifacts.training.retrain.sample import outcomes_of


def out_of_fold(
    model: Model, rows: Sequence[Labelled], recipe: Recipe, offset: float, *, infer_rejects: bool
) -> tuple[Floats, Floats, Floats]:
    """Outcomes of the accepted rows, the challenger's logits from models that never saw them, and the champion's."""
    known = [one for one in rows if one.bad is not None]
    rejects = [one for one in rows if one.bad is None]
    bad = np.array([float(bool(one.bad)) for one in known])
    assigned, logits = _folds(known, recipe.seed), np.empty(len(known))
    for fold in range(FOLDS):
        train = [one for one, place in zip(known, assigned, strict=True) if place != fold]
        learned = outcomes_of(model, [*train, *rejects], offset, infer_rejects=infer_rejects)
        booster = lightgbm.Booster(model_str=bagging.train(learned.sample, recipe, recipe.seed))
        test = np.flatnonzero(assigned == fold)
        unseen = matrix(model, [read_columns(model, known[i].row) for i in test])
        logits[test] = np.asarray(booster.predict(unseen, raw_score=True))
    return bad, logits, np.array([one.logit for one in known])


def _folds(known: Sequence[Labelled], seed: int) -> npt.NDArray[np.int64]:
    """Fold of each row; each fold has its share of subjects that ever went bad."""
    ever: dict[str, float] = {}
    for one in known:
        ever[one.subject] = max(ever.get(one.subject, 0.0), float(bool(one.bad)))
    place = dict(zip(ever, folds(np.array(list(ever.values())), seed), strict=True))
    return np.array([place[one.subject] for one in known])


def judge(model: Model, rows: Sequence[Labelled], recipe: Recipe, offset: float) -> dict[str, Any]:
    """Figures for the manifest, in the portfolio's world.

    Args:
        model: Which.
        rows: Labelled outcomes.
        recipe: How it is trained.
        offset: From the sample's world to the portfolio's.
    """
    bad, logits, champion = out_of_fold(model, rows, recipe, offset, infer_rejects=True)
    theirs = champion + offset
    figures = {
        **measures.bootstrap(bad, logits + offset, theirs, recipe.seed, draws=500),
        "calibration": measures.calibration(bad, logits + offset, recipe.seed, draws=500),
        "peer": "the champion of the decisions learned from",
        "protocol": f"{FOLDS}-fold cross-validation over rows with an outcome, probabilities in the portfolio's world",
        "champion_auc": measures.auc(bad, theirs),
        "champion_brier": measures.brier(bad, measures.sigmoid(theirs)),
        "champion_calibration": measures.calibration(bad, theirs, recipe.seed, draws=500),
    }
    if len(bad) < len(rows):
        _, without, _ = out_of_fold(model, rows, recipe, offset, infer_rejects=False)
        figures["auc_without_rejects"] = measures.auc(bad, without)
    return figures
