"""What the training sample looked like: bins and shares that drift is measured against."""

from __future__ import annotations

from typing import Any

import numpy as np

from functions.credit.drift import bin_shares
from functions.credit.inputs.features import FEATURE_SETS
from functions.credit.scoring import points
from model_artifacts.training.data import Floats, Sample, matrix

_BINS = 10


def _bins(values: Floats) -> dict[str, Any]:
    """Deciles of the known values; fewer bins where values repeat."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"edges": [], "shares": bin_shares([], values.tolist())}
    edges = sorted({float(edge) for edge in np.quantile(known, np.arange(1, _BINS) / _BINS)})
    return {"edges": edges, "shares": bin_shares(edges, values.tolist())}


def baseline(sample: Sample, logit: Floats, people: int | None = None) -> dict[str, Any]:
    """Bins of the points and of every feature.

    Args:
        sample: The training sample.
        logit: The model's log-odds of its rows.
        people: How many of the first rows are people, where later ones stand for some of them again.
    """
    columns = matrix(sample.model, sample.rows[:people])
    out = {"points": _bins(np.array([float(points(value)) for value in logit[:people]]))}
    for index, feature in enumerate(FEATURE_SETS[sample.model].features):
        out[feature.name] = _bins(columns[:, index])
    return out
