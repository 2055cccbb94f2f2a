"""Calibrators, each fitted on the out-of-fold logits of other folds: what one would gain by them.

Sources: Platt (1999); Zadrozny & Elkan (2002), isotonic; Kull, Silva Filho, Flach (2017), beta calibration.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model_artifacts.training import measures
from model_artifacts.training.crossval import FOLDS, folds
from model_artifacts.training.data import Floats

Calibrator = Callable[[Floats, Floats, Floats], Floats]
_LEAST = 1e-6


def _logistic(columns: Callable[[Floats], Floats]) -> Calibrator:
    def fit(logit: Floats, bad: Floats, fresh: Floats) -> Floats:
        known = columns(logit)
        start = np.zeros(len(known))
        start[0] = 1.0
        found = measures._fit(known, np.zeros_like(logit), bad, start)  # noqa: SLF001  one Newton's method
        return np.asarray(found @ columns(fresh))

    return fit


def _platt(logit: Floats) -> Floats:
    return np.stack([logit, np.ones_like(logit)])


def _beta(logit: Floats) -> Floats:
    pd = np.clip(measures.sigmoid(logit), _LEAST, 1 - _LEAST)
    return np.stack([np.log(pd), -np.log1p(-pd), np.ones_like(logit)])


def _isotonic(logit: Floats, bad: Floats, fresh: Floats) -> Floats:
    """Pool adjacent violators."""
    order = np.argsort(logit, kind="stable")
    blocks: list[list[float]] = []  # mean, weight
    for value in bad[order]:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, weight = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * weight) / (last[1] + weight)
            last[1] += weight
    levels = np.repeat([block[0] for block in blocks], [int(block[1]) for block in blocks])
    pd = np.clip(np.interp(fresh, logit[order], levels), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(pd / (1 - pd)))


CALIBRATORS: dict[str, Calibrator] = {
    "released, with Platt scaling": _logistic(_platt),
    "released, with beta calibration": _logistic(_beta),
    "released, with isotonic regression": _isotonic,
}


def cross_fitted(calibrator: Calibrator, bad: Floats, logit: Floats, seed: int) -> Floats:
    """Calibrated logits; those of a fold by what the other folds say.

    Args:
        calibrator: One of `CALIBRATORS`.
        bad: Outcomes.
        logit: Out-of-fold logits.
        seed: Of the folds; another than the models'.
    """
    place, out = folds(bad, seed), np.empty(len(bad))
    for fold in range(FOLDS):
        rest, held = place != fold, place == fold
        out[held] = calibrator(logit[rest], bad[rest], logit[held])
    return out
