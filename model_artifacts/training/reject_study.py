"""What is lost by learning from accepted people alone, measured where the truth is known.

`python -m model_artifacts.training.reject_study --data CSV`: the outcomes of the riskier part of the application sample
are hidden, as a lender would hide them by refusing. One model learns from the rest alone, one with the hidden rows
taking part twice by what a first model thinks of them (fuzzy augmentation, as `retrain` does), one from everything. All
are judged on all rows of the fold they never saw, the ones a lender would have refused too.
Source: Hand & Henley (1993), "Can reject inference ever work?"; Siddiqi (2006), ch. 6.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import bagging, crossval, measures
from model_artifacts.training.data import Floats, Sample, load, matrix
from model_artifacts.training.recipe import RECIPES, Recipe
from model_artifacts.training.reject_section import reject_section
from model_artifacts.training.release import write_json
from model_artifacts.training.retrain.sample import PRUDENCE

REFUSED = 0.36
"""Share refused: what the policy's cut-offs leave without a grade on this sample (the card's last grade row)."""


def _fit(train: Sample, recipe: Recipe, test: Sample) -> Floats:
    booster = lightgbm.Booster(model_str=bagging.train(train, recipe, recipe.seed))
    return np.asarray(booster.predict(matrix(test.model, test.rows), raw_score=True))


def _augmented(seen: Sample, hidden: Sample, pd: Floats) -> Sample:
    """The accepted rows, and each refused one as bad and as good by what is believed of it."""
    return replace(
        seen,
        rows=(*seen.rows, *hidden.rows, *hidden.rows),
        bad=np.concatenate([seen.bad, np.ones(len(hidden)), np.zeros(len(hidden))]),
        groups={},
        weight=np.concatenate([np.ones(len(seen)), pd, 1 - pd]),
    )


def study(sample: Sample, recipe: Recipe, seed: int = 0) -> dict[str, Any]:
    """Figures of the three ways to learn, on all rows and on those that would have been refused.

    Args:
        sample: With every outcome.
        recipe: How each model is trained.
        seed: Of the folds.
    """
    logits = {name: np.empty(len(sample)) for name in ("accepted alone", "with reject inference", "every outcome")}
    refused = np.zeros(len(sample), bool)
    for train, test, rows in crossval.splits(sample, seed):
        # who is refused is decided by a plain scorecard-like model of other rows, as a lender's first policy would
        first = crossval.out_of_fold(train, seed + 1, crossval.peer)
        cut = np.quantile(first, 1 - REFUSED)
        seen = crossval.subset(train, np.flatnonzero(first <= cut))
        hidden = crossval.subset(train, np.flatnonzero(first > cut))
        logits["accepted alone"][rows] = _fit(seen, recipe, test)
        believed = np.minimum(1.0, PRUDENCE * measures.sigmoid(_fit(seen, recipe, hidden)))
        logits["with reject inference"][rows] = _fit(_augmented(seen, hidden, believed), recipe, test)
        logits["every outcome"][rows] = _fit(train, recipe, test)
        refused[rows] = crossval.peer(train, test) > cut
    return {
        "share": REFUSED,
        "rows": len(sample),
        "refused": int(refused.sum()),
        "refused_bad_rate": float(sample.bad[refused].mean()),
        "accepted_bad_rate": float(sample.bad[~refused].mean()),
        "ways": [{"name": name, **_figures(sample.bad, logit, refused)} for name, logit in logits.items()],
    }


def _figures(bad: Floats, logit: Floats, refused: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    pd = measures.sigmoid(logit)
    return {
        "auc": measures.auc(bad, logit),
        "brier": measures.brier(bad, pd),
        "auc_refused": measures.auc(bad[refused], logit[refused]),
        "mean_pd_refused": float(pd[refused].mean()),
        "mean_pd_accepted": float(pd[~refused].mean()),
    }


def main() -> None:
    """Run the study and keep it beside the application model."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.reject_study", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ARTIFACTS)
    arguments = parser.parse_args()
    recipe = replace(RECIPES["application"], bags=5)
    found = study(load("application", arguments.data), recipe)
    write_json(arguments.out / "application" / "reject_inference.json", found)
    print(reject_section(found))


if __name__ == "__main__":
    main()
