"""One town from simulation to figures: ours and the baseline's, on the same split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from model_artifacts.training.fraud import baseline, recipe
from model_artifacts.training.fraud.metrics import figures, split
from model_artifacts.training.fraud.replay import matrix
from model_artifacts.training.fraud.simulator import Floats, Ints, Town, Transactions, simulate

PUBLISHED: dict[str, Any] = {
    "transactions": 1_754_155,
    "frauds": 14_681,
    "logistic_regression": {"auc": 0.871, "average_precision": 0.606, "card_precision_100": 0.291},
    "random_forest": {"auc": 0.867, "average_precision": 0.658, "card_precision_100": 0.287},
}
"""The handbook's own figures (chapters 3.2 and 3.4)."""

FORESTS = 3


@dataclass(frozen=True, slots=True)
class Study:
    """A town, its split, our inputs on both sides, and our booster."""

    rows: Transactions
    train: Ints
    test: Ints
    inputs: Floats
    test_inputs: Floats
    text: str

    @property
    def truth(self) -> Floats:
        return self.rows.fraud[self.train].astype(np.float64)


def study(town: Town) -> Study:
    """Simulate, replay, train."""
    rows = simulate(town)
    train, test = split(rows)
    both = matrix(rows, np.concatenate([train, test]))
    inputs, test_inputs = both[: len(train)], both[len(train) :]
    text = recipe.train(inputs, rows.fraud[train].astype(np.float64))
    return Study(rows, train, test, inputs, test_inputs, text)


def report(done: Study, *, forest: bool) -> dict[str, Any]:
    """Counts and figures.

    Args:
        done: A finished study.
        forest: Grow the baseline's forests too (minutes); the mean over their seeds is told.
    """
    rows, test = done.rows, done.test
    published = baseline.features(rows)
    before, after = published[done.train], published[test]
    ours = figures(rows, test, recipe.scores(done.text, done.test_inputs))
    regression = figures(rows, test, baseline.logistic_regression(before, done.truth, after))
    told: dict[str, Any] = {
        "transactions": len(rows),
        "frauds": int(rows.fraud.sum()),
        "frauds_in_test": int(rows.fraud[test].sum()),
        "ours": ours.to_dict(),
        "baseline_logistic_regression": regression.to_dict(),
    }
    if forest:
        grown = [
            figures(rows, test, baseline.random_forest(before, done.truth, after, seed)).to_dict()
            for seed in range(FORESTS)
        ]
        told["baseline_random_forest"] = {k: round(float(np.mean([g[k] for g in grown])), 4) for k in grown[0]}
    return told


def spread(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the figures over towns."""
    out: dict[str, Any] = {}
    for model in ("ours", "baseline_logistic_regression"):
        values = {k: [r[model][k] for r in reports] for k in reports[0][model]}
        out[model] = {
            k: {"mean": round(float(np.mean(v)), 4), "sd": round(float(np.std(v, ddof=1)), 4)}
            for k, v in values.items()
        }
    return out
