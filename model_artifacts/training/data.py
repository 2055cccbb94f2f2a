"""Rows of the training files, as columns for the feature code, with outcomes and protected attributes apart."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from functions.credit.inputs.columns import MISSING, Model, read_columns
from functions.credit.inputs.features import FEATURE_SETS

Floats = npt.NDArray[np.float64]
Columns = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled data set.

    Args:
        model: Whose columns the rows have.
        rows: Columns as `read_columns` gives them.
        bad: 1.0 where the row defaulted.
        groups: Protected attributes by name, as words; for the fairness report only.
        sha256: Of the file.
        weight: Of each row; None where all weigh the same.
    """

    model: Model
    rows: tuple[Columns, ...]
    bad: Floats
    groups: dict[str, tuple[str, ...]]
    sha256: str
    weight: Floats | None = None

    def __len__(self) -> int:
        return len(self.rows)


_AGE_BANDS = ((25, "under 25"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (999, "55 and over"))


def _age_band(years: str) -> str:
    return next(name for limit, name in _AGE_BANDS if float(years) < limit)


_OUTCOME: dict[Model, tuple[str, str]] = {
    "application": ("Status", "bad"),
    "behavior": ("default.payment.next.month", "1"),
}
_GROUPS: dict[Model, dict[str, tuple[str, Callable[[str], str]]]] = {
    "application": {"age band": ("Age", _age_band)},
    "behavior": {
        "sex": ("SEX", lambda code: {"1": "men", "2": "women"}.get(code, "unknown")),
        "age band": ("AGE", _age_band),
    },
}


def load(model: Model, path: Path) -> Sample:
    """Read a training file.

    Args:
        model: "application" or "behavior".
        path: CSV with the column names of `functions.credit.inputs.columns` and the outcome.
    """
    raw = path.read_bytes()
    table = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    column, positive = _OUTCOME[model]
    groups = {name: tuple(word(r[source]) for r in table) for name, (source, word) in _GROUPS[model].items()}
    return Sample(
        model,
        tuple(read_columns(model, row) for row in table),
        np.array([row[column] == positive for row in table], float),
        groups,
        hashlib.sha256(raw).hexdigest(),
    )


def matrix(model: Model, rows: Sequence[Columns]) -> Floats:
    """The features of many rows, [rows, features]."""
    vector = FEATURE_SETS[model].vector
    return np.array([vector(row) for row in rows], float)


def hide(model: Model, row: Columns, random: Random) -> Columns:
    """A copy of the row with some of it unknown, as run time may serve it.

    Application: bureau record and price go missing often, each other column rarely. Behavior: an account younger
    than six cycles (all that lies before its first cut is missing), rarely a single column more.
    """
    out = dict(row)
    often = {"Records": 0.5, "Price": 0.5} if model == "application" else {}
    for name in out:
        if random.random() < often.get(name, 0.02):
            out[name] = MISSING
    if model == "behavior":
        cycles = random.randint(1, 6)
        for cycle in range(cycles + 1, 7):
            out[f"PAY_{cycle}"] = out[f"BILL_AMT{cycle}"] = MISSING
        for cycle in range(cycles, 6):
            out[f"PAY_AMT{cycle}"] = MISSING
        if cycles < 6:
            out["PAY_AMT6"] = MISSING
    return out
