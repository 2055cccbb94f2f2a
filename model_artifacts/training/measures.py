"""Discrimination and calibration, with their sampling error; numpy only.

Sources: Hanley & McNeil (1982), AUC as rank statistic; Brier (1950); Spiegelhalter (1986), z of calibration;
Cox (1958), calibration slope and intercept; Bröcker & Smith (2007), bands of reliability by parametric bootstrap.
"""

from __future__ import annotations

import math

import numpy as np

from model_artifacts.training.data import Floats

BINS = 10
_DRAWS = 2000
_NEWTON_STEPS = 30
_FAR = 500.0
_LEAST_STEP = 1e-12


def auc(bad: Floats, score: Floats) -> float:
    """Probability that a bad row scores over a good one, ties half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = bad.sum()
    return float((ranks[bad == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(bad) - positives)))


def brier(bad: Floats, pd: Floats) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((pd - bad) ** 2))


def sigmoid(logit: Floats) -> Floats:
    """Log-odds to probability."""
    return np.asarray(1 / (1 + np.exp(-logit)))


def interval(draws: list[float]) -> list[float]:
    """Central 95 % of bootstrap draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return [float(low), float(high)]


def bootstrap(bad: Floats, ours: Floats, theirs: Floats | None, seed: int, draws: int = _DRAWS) -> dict[str, object]:
    """Confidence intervals of AUC and Brier, and of the AUC's difference to another model on the same rows.

    Args:
        bad: Outcomes.
        ours: Logits.
        theirs: Logits of the other model, or None.
        seed: Of the resampling.
        draws: Number of resamples.
    """
    random = np.random.default_rng(seed)
    aucs, briers, differences = [], [], []
    pd = sigmoid(ours)
    for _ in range(draws):
        rows = random.integers(0, len(bad), len(bad))
        own = auc(bad[rows], ours[rows])
        aucs.append(own)
        briers.append(brier(bad[rows], pd[rows]))
        if theirs is not None:
            differences.append(own - auc(bad[rows], theirs[rows]))
    out: dict[str, object] = {
        "auc": auc(bad, ours),
        "auc_95": interval(aucs),
        "brier": brier(bad, pd),
        "brier_95": interval(briers),
    }
    if theirs is not None:
        out["auc_gain"] = auc(bad, ours) - auc(bad, theirs)
        out["auc_gain_95"] = interval(differences)
    return out


def expected_calibration_error(bad: Floats, pd: Floats) -> float:
    """Mean gap of probability and frequency over ten bins of equal count."""
    order = np.argsort(pd, kind="stable")
    gaps = [abs(pd[part].mean() - bad[part].mean()) * len(part) for part in np.array_split(order, BINS)]
    return float(sum(gaps) / len(bad))


def _fit(columns: Floats, offset: Floats, bad: Floats, start: Floats) -> Floats:
    """Logistic regression by Newton's method; a step that makes the likelihood worse is halved.

    Args:
        columns: [coefficients, rows].
        offset: Added to the log-odds of each row.
        bad: Outcomes.
        start: Coefficients to begin with.
    """

    def likelihood(given: Floats) -> float:
        logit = given @ columns + offset
        return float((bad * logit - np.logaddexp(0.0, logit)).sum())

    found, best = start, likelihood(start)
    for _ in range(_NEWTON_STEPS):
        fitted = sigmoid(np.clip(found @ columns + offset, -_FAR, _FAR))
        hessian = (columns * (fitted * (1 - fitted))) @ columns.T
        step = np.linalg.lstsq(hessian, columns @ (bad - fitted), rcond=None)[0]
        while likelihood(found + step) < best and np.abs(step).max() > _LEAST_STEP:
            step = step / 2
        found = found + step
        best = likelihood(found)
    return found


def calibration_line(bad: Floats, logit: Floats) -> tuple[float, float]:
    """Slope of the outcome's log-odds on the logit, and intercept with the slope held at 1."""
    one, none = np.ones_like(logit), np.zeros_like(logit)
    slope, _ = _fit(np.stack([logit, one]), none, bad, np.array([1.0, 0.0]))
    (shift,) = _fit(one[np.newaxis], logit, bad, np.array([0.0]))
    return float(slope), float(shift)


def spiegelhalter_z(bad: Floats, pd: Floats) -> float:
    """Standard normal under perfect calibration."""
    top = ((bad - pd) * (1 - 2 * pd)).sum()
    return float(top / math.sqrt(((1 - 2 * pd) ** 2 * pd * (1 - pd)).sum()))


def calibration(bad: Floats, logit: Floats, seed: int, draws: int = _DRAWS) -> dict[str, object]:
    """Whether probabilities mean what they say, beside what a perfectly calibrated model would show by chance.

    Args:
        bad: Outcomes.
        logit: Logits.
        seed: Of the parametric bootstrap: outcomes drawn from the probabilities themselves.
        draws: Of that bootstrap.
    """
    pd, random = sigmoid(logit), np.random.default_rng(seed)
    chance = [expected_calibration_error((random.random(len(pd)) < pd).astype(float), pd) for _ in range(draws)]
    slope, intercept = calibration_line(bad, logit)
    return {
        "ece": expected_calibration_error(bad, pd),
        "ece_95th_percentile_if_perfect": float(np.quantile(chance, 0.95)),
        "slope": slope,
        "intercept": intercept,
        "spiegelhalter_z": spiegelhalter_z(bad, pd),
    }
