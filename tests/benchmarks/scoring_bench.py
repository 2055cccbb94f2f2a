"""Row 4: one row in, probability and exact reasons out, beside LightGBM's predict + pred_contrib of the same ensemble.

Both sides start from the same raw row and share the feature code; ours also ranks and words the reasons. The peer's
time grows with the number of trees, ours hardly (equal tests of all bags are merged), so the row names that number.
Further rows: the absolute time of a score, and the memory that both loaded models add to a process.
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np

from functions.credit.inputs.columns import MODELS
from functions.credit.inputs.features import feature_vector
from functions.credit.scoring import ARTIFACTS, score
from model_artifacts.training.golden import ROWS

REACH = 20.0
MOST_MICROSECONDS = 100.0
MOST_MEGABYTES = 150.0
ROUNDS = 9
CALLS = 200

# VmHWM and not ru_maxrss: the latter is inherited from the parent across fork and exec, which is the bench itself
_MEMORY = """
from functions.credit.scoring import score, warm_up
from model_artifacts.training.golden import ROWS
warm_up()
for model, rows in ROWS.items():
    for row in rows.values():
        score(model, row)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def measure() -> list[dict[str, Any]]:
    """Medians of interleaved rounds, microseconds per row."""
    return [row for model in MODELS for row in _speed(model)] + [_memory()]


def _speed(model: str) -> list[dict[str, Any]]:
    rows = list(ROWS[model].values())  # type: ignore[index]
    text = gzip.decompress((ARTIFACTS / model / "booster.txt.gz").read_bytes()).decode()
    booster = lightgbm.Booster(model_str=text)

    def ours(row: dict[str, Any]) -> float:
        return score(model, row).logit

    def peer(row: dict[str, Any]) -> float:
        vector = np.array([feature_vector(model, row)])
        logit = booster.predict(vector, raw_score=True, num_threads=1)[0]
        contributions = booster.predict(vector, pred_contrib=True, num_threads=1)[0]
        assert abs(contributions.sum() - logit) < 1e-6
        return float(logit)

    trees = booster.num_trees()
    for row in rows:
        if abs(ours(row) - peer(row)) > 1e-6:
            raise AssertionError("the two scores disagree")
    own, other = [], []
    for _ in range(ROUNDS):
        own.append(_timed(ours, rows))
        other.append(_timed(peer, rows))
    mine, theirs = statistics.median(own), statistics.median(other)
    ratio = theirs / mine
    return [
        {
            "id": 4,
            "name": f"score one {model} row with exact reasons vs LightGBM ({trees:,} trees)",
            "ours": round(mine, 1),
            "peer": round(theirs, 1),
            "unit": "µs",
            "ratio": round(ratio, 1),
            "reach": REACH,
            "ok": ratio >= REACH,
        },
        {
            "id": 4,
            "name": f"score one {model} row, absolute",
            "ours": round(mine, 1),
            "peer": MOST_MICROSECONDS,
            "unit": "µs",
            "ratio": round(MOST_MICROSECONDS / mine, 2),
            "reach": 1.0,
            "ok": mine <= MOST_MICROSECONDS,
        },
    ]


def _timed(call: Callable[[dict[str, Any]], float], rows: list[dict[str, Any]]) -> float:
    """Median over single calls of this thread's own time: both sides run on it alone, and waiting is not theirs."""
    times = []
    for number in range(CALLS):
        row = rows[number % len(rows)]
        start = time.thread_time()
        call(row)
        times.append(time.thread_time() - start)
    return statistics.median(times) * 1e6


def _memory() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)
    megabytes = int(done.stdout) / 1024
    return {
        "id": 4,
        "name": "memory of a process with both models loaded",
        "ours": round(megabytes, 1),
        "peer": MOST_MEGABYTES,
        "unit": "MB",
        "ratio": round(MOST_MEGABYTES / megabytes, 2),
        "reach": 1.0,
        "ok": megabytes <= MOST_MEGABYTES,
    }
