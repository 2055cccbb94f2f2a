"""Figures from repeated cross-validation; the pairs of features are chosen anew inside each fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from model_artifacts.training import bagging, measures
from model_artifacts.training.data import Floats, Sample, matrix
from model_artifacts.training.recipe import FIXED, Recipe

FOLDS = 5
# What the model is measured against: LightGBM as it comes, on the raw columns, nothing constrained.
PEER: dict[str, Any] = {**FIXED, "bagging_freq": 0, "seed": 1}
PEER_ROUNDS = 100
Fit = Callable[[Sample, Sample], Floats]


def folds(bad: Floats, seed: int, count: int = FOLDS) -> npt.NDArray[np.int64]:
    """Fold of each row; each fold has its share of bad rows."""
    random, out = np.random.default_rng(seed), np.empty(len(bad), np.int64)
    for outcome in (0.0, 1.0):
        rows = np.flatnonzero(bad == outcome)
        random.shuffle(rows)
        out[rows] = np.arange(len(rows)) % count
    return out


def subset(sample: Sample, rows: npt.NDArray[np.int64]) -> Sample:
    """Some rows of a sample."""
    groups = {name: tuple(values[i] for i in rows) for name, values in sample.groups.items()}
    return replace(sample, rows=tuple(sample.rows[i] for i in rows), bad=sample.bad[rows], groups=groups)


def raw_matrix(sample: Sample) -> Floats:
    """The columns themselves (categories by rank), as a peer without our features sees them."""
    return np.array([list(row.values()) for row in sample.rows], float)


def splits(sample: Sample, seed: int) -> Iterator[tuple[Sample, Sample, npt.NDArray[np.int64]]]:
    """Train part, test part, test rows."""
    assigned = folds(sample.bad, seed)
    for fold in range(FOLDS):
        test = np.flatnonzero(assigned == fold)
        yield subset(sample, np.flatnonzero(assigned != fold)), subset(sample, test), test


def out_of_fold(sample: Sample, seed: int, fit: Fit) -> Floats:
    """Logits of every row from models that never saw it."""
    out = np.empty(len(sample))
    for train, test, rows in splits(sample, seed):
        out[rows] = fit(train, test)
    return out


def ours(recipe: Recipe) -> Fit:
    """The whole recipe, interactions chosen anew."""

    def fit(train: Sample, test: Sample) -> Floats:
        booster = lightgbm.Booster(model_str=bagging.train(train, recipe, recipe.seed))
        return np.asarray(booster.predict(matrix(test.model, test.rows), raw_score=True))

    return fit


def peer(train: Sample, test: Sample) -> Floats:
    """LightGBM as it comes."""
    booster = lightgbm.train(PEER, lightgbm.Dataset(raw_matrix(train), train.bad), PEER_ROUNDS)
    return np.asarray(booster.predict(raw_matrix(test), raw_score=True))


def metrics(sample: Sample, recipe: Recipe) -> tuple[dict[str, Any], Floats]:
    """Figures for the manifest, from repeated cross-validation.

    Returns:
        The figures, of the first repeat's predictions with the AUC of every repeat beside; and those predictions.
    """
    first = theirs = np.empty(0)
    repeats = []
    for repeat in range(recipe.repeats):
        logits, others = out_of_fold(sample, repeat, ours(recipe)), out_of_fold(sample, repeat, peer)
        repeats.append({"auc": measures.auc(sample.bad, logits), "peer_auc": measures.auc(sample.bad, others)})
        print(f"repeat {repeat}: {repeats[-1]}", flush=True)
        if not repeat:
            first, theirs = logits, others
    return {
        **measures.bootstrap(sample.bad, first, theirs, recipe.seed),
        "calibration": measures.calibration(sample.bad, first, recipe.seed),
        "peer": "LightGBM, default parameters, 100 rounds, raw columns, no constraints",
        "protocol": f"{FOLDS}-fold cross-validation, stratified, repeated {recipe.repeats}×; figures of the first",
        "repeats": repeats,
    }, first
