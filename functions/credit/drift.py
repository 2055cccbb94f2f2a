"""Whether the people who are scored now still look like those the model learned from.

Population stability index over the bins of the training sample, one for the score and one per feature (then called
characteristic stability). Missing values are a bin of their own.
Source: Siddiqi, "Credit Risk Scorecards" (2006), ch. 9: under .10 stable, from .25 on shifted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from functions.core.errors import InvalidError

Verdict = Literal["stable", "watch", "alarm"]
WATCH_FROM, ALARM_FROM = 0.10, 0.25
# An empty bin would make the index infinite; it counts as this share instead.
_LEAST_SHARE = 1e-4


class NothingScoredError(InvalidError):
    code, title = "nothing_scored", "There is nothing to compare"


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one quantity has moved.

    Args:
        name: "points", or a feature.
        index: Population stability index, 0 if unmoved.
        verdict: By the usual thresholds.
        rows: How many values were compared.
    """

    name: str
    index: float
    verdict: Verdict
    rows: int


def bin_shares(edges: Sequence[float], values: Sequence[float]) -> list[float]:
    """Share of values in each bin.

    Args:
        edges: Rising inner bounds; a value equal to a bound belongs below it.
        values: NaN is missing.

    Returns:
        One share per bin, `len(edges) + 1` of them, and last the share of missing values.

    Raises:
        NothingScoredError: No values.
    """
    if not values:
        raise NothingScoredError("no values to bin")
    counts = [0] * (len(edges) + 2)
    for value in values:
        counts[-1 if math.isnan(value) else bisect_left(edges, value)] += 1
    return [count / len(values) for count in counts]


def stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Σ (actual - expected) · ln(actual / expected) over bins.

    Args:
        expected: Shares in the training sample.
        actual: Shares now, same bins.
    """
    total = 0.0
    for before, now in zip(expected, actual, strict=True):
        if before == now:
            continue
        low, high = max(before, _LEAST_SHARE), max(now, _LEAST_SHARE)
        total += (high - low) * math.log(high / low)
    return total


def verdict(index: float) -> Verdict:
    """What an index calls for."""
    return "alarm" if index >= ALARM_FROM else "watch" if index >= WATCH_FROM else "stable"


def drift_report(baseline: Mapping[str, Any], observed: Mapping[str, Sequence[float]]) -> tuple[Drift, ...]:
    """Every quantity of the baseline against what was scored, the most moved first.

    Args:
        baseline: `baseline.json` of the model: name → {"edges", "shares"}.
        observed: Values by the same names; all must be there.

    Raises:
        NothingScoredError: A quantity of the baseline has no values.
    """
    out = []
    for name, bins in baseline.items():
        values = observed.get(name, ())
        if not values:
            raise NothingScoredError(f"no values of {name}")
        index = stability_index(bins["shares"], bin_shares(bins["edges"], values))
        out.append(Drift(name, index, verdict(index), len(values)))
    return tuple(sorted(out, key=lambda one: (-one.index, one.name)))
