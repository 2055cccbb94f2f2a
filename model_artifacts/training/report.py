"""Plots and the comparison with other kinds of model; needs the packages of requirements.txt beside this file.

`python -m model_artifacts.training.report --model … --data CSV --scores FILE [--out DIR]`, after training has kept its
out-of-fold logits in FILE; then MODEL_CARD.md is written anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
import xgboost
from interpret.glassbox import ExplainableBoostingClassifier
from optbinning import BinningProcess
from sklearn.linear_model import LogisticRegression

from functions.credit.inputs.columns import MODELS
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import crossval, measures
from model_artifacts.training.card import write_card
from model_artifacts.training.data import Floats, Sample, load, matrix
from model_artifacts.training.recipe import FIXED
from model_artifacts.training.release import write_json

_TUNED = {
    **FIXED, "seed": 1, "learning_rate": 0.03, "num_leaves": 15, "feature_fraction": 0.5, "bagging_fraction": 0.6,
    "min_data_in_leaf": 40,
}  # fmt: skip
_SMALL = {"figsize": (5, 3.6), "dpi": 80, "layout": "tight"}


def _log_odds(pd: Floats) -> Floats:
    pd = np.clip(pd, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(pd / (1 - pd)))


def _weight_of_evidence(train: Sample, test: Sample) -> Floats:
    binning = BinningProcess(list(train.rows[0]))
    binning.fit(crossval.raw_matrix(train), train.bad.astype(int))
    seen, unseen = (
        binning.transform(crossval.raw_matrix(part), metric="woe", metric_missing="empirical") for part in (train, test)
    )
    scorecard = LogisticRegression(max_iter=1000).fit(seen, train.bad.astype(int))
    return _log_odds(scorecard.predict_proba(unseen)[:, 1])


def _lightgbm_tuned(train: Sample, test: Sample) -> Floats:
    booster = lightgbm.train(_TUNED, lightgbm.Dataset(crossval.raw_matrix(train), train.bad), 250)
    return np.asarray(booster.predict(crossval.raw_matrix(test), raw_score=True))


def _lightgbm_our_features(train: Sample, test: Sample) -> Floats:
    booster = lightgbm.train(_TUNED, lightgbm.Dataset(matrix(train.model, train.rows), train.bad), 250)
    return np.asarray(booster.predict(matrix(test.model, test.rows), raw_score=True))


def _xgboost(train: Sample, test: Sample) -> Floats:
    trees = xgboost.XGBClassifier(n_estimators=200, max_depth=4, learning_rate=0.05, subsample=0.7, n_jobs=1, seed=1)
    trees.fit(crossval.raw_matrix(train), train.bad)
    return _log_odds(trees.predict_proba(crossval.raw_matrix(test))[:, 1])


def _explainable_boosting(train: Sample, test: Sample) -> Floats:
    boosting = ExplainableBoostingClassifier(outer_bags=4, n_jobs=1, random_state=1)
    boosting.fit(crossval.raw_matrix(train), train.bad.astype(int))
    return _log_odds(boosting.predict_proba(crossval.raw_matrix(test))[:, 1])


PEERS: dict[str, Callable[[Sample, Sample], Floats]] = {
    "LightGBM as it comes (raw columns)": crossval.peer,
    "LightGBM, unconstrained, tuned by hand (raw columns)": _lightgbm_tuned,
    "LightGBM, unconstrained, tuned by hand (our features)": _lightgbm_our_features,
    "XGBoost (raw columns)": _xgboost,
    "Weight of evidence + logistic regression (optbinning)": _weight_of_evidence,
    "Explainable boosting machine (raw columns)": _explainable_boosting,  # by far the slowest, so last
}


def _entry(name: str, sample: Sample, own: Floats, theirs: Floats) -> dict[str, Any]:
    gain = measures.bootstrap(sample.bad, own, theirs, seed=1)
    return {
        "name": name,
        "auc": measures.auc(sample.bad, theirs),
        "brier": measures.brier(sample.bad, measures.sigmoid(theirs)),
        "slope": measures.calibration_line(sample.bad, theirs)[0],
        "ours_minus": gain["auc_gain"],
        "ours_minus_95": gain["auc_gain_95"],
    }


def _roc(bad: Floats, logit: Floats) -> None:
    order = np.argsort(-logit, kind="stable")
    hits, alarms = np.cumsum(bad[order]) / bad.sum(), np.cumsum(1 - bad[order]) / (1 - bad).sum()
    plt.plot(alarms, hits)
    plt.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    plt.xlabel("good rows refused")
    plt.ylabel("bad rows caught")
    plt.title(f"ROC, out of fold: AUC {measures.auc(bad, logit):.4f}")


def _calibration(bad: Floats, logit: Floats) -> None:
    pd = measures.sigmoid(logit)
    parts = np.array_split(np.argsort(pd, kind="stable"), measures.BINS)
    middle = [pd[part].mean() for part in parts]
    seen = [bad[part].mean() for part in parts]
    error = [1.96 * np.sqrt(p * (1 - p) / len(part)) for p, part in zip(middle, parts, strict=True)]
    plt.errorbar(middle, seen, yerr=error, fmt="o", markersize=4)
    plt.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    plt.xlabel("mean probability")
    plt.ylabel("observed bad rate")
    plt.title("calibration, out of fold")


def _scores(bad: Floats, logit: Floats) -> None:
    for outcome, name in ((0, "good"), (1, "bad")):
        plt.hist(measures.sigmoid(logit[bad == outcome]), bins=40, density=True, alpha=0.6, label=name)
    plt.xlabel("probability of default")
    plt.legend()
    plt.title("score distribution, out of fold")


def _reasons(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    ranked = sorted(manifest["features"], key=lambda one: one["mean_absolute_contribution"])[-15:]
    plt.barh([one["name"] for one in ranked], [one["mean_absolute_contribution"] for one in ranked])
    plt.title("mean absolute contribution (log-odds)")


def _plot(path: Path, draw: Callable[[], None]) -> None:
    plt.figure(**_SMALL)  # type: ignore[arg-type]
    draw()
    plt.savefig(path, metadata={"Software": None})
    plt.close()


def main() -> None:
    """Compare, draw, write the card."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.report", description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True, help="what training kept with --scores")
    parser.add_argument("--out", type=Path, default=ARTIFACTS)
    arguments = parser.parse_args()
    sample, folder = load(arguments.model, arguments.data), arguments.out / arguments.model
    own = np.load(arguments.scores)
    _plot(folder / "roc.png", lambda: _roc(sample.bad, own))
    _plot(folder / "calibration.png", lambda: _calibration(sample.bad, own))
    _plot(folder / "scores.png", lambda: _scores(sample.bad, own))
    _plot(folder / "reasons.png", lambda: _reasons(folder))
    entries = []
    for name, fit in PEERS.items():
        entries.append(_entry(name, sample, own, crossval.out_of_fold(sample, 0, fit)))
        print(entries[-1], flush=True)
        write_json(folder / "comparison.json", entries)
        write_card(sample, folder, own)


if __name__ == "__main__":
    main()
