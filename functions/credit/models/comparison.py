"""Champion and challenger on the same cases: where they agree, whom each would take, whose order outcomes bear out.

Pure. Figures in the portfolio's world use the policy's offset, which both models speak to.
Source: Siddiqi, "Credit Risk Scorecards" (2006), ch. 9 (swap set); Hanley & McNeil (1982), AUC as rank statistic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.credit.drift import stability_index
from functions.credit.scoring import points, sigmoid

_BINS: Final = tuple(range(460, 760, 20))
FEW: Final = 100
"""Fewer cases than this say nothing yet."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case that both judged.

    Args:
        champion_outcome: "approved", "referred", "declined", or "scored" for a review.
        challenger_outcome: The same.
        champion_limit_minor: Granted or suggested.
        challenger_limit_minor: The same.
        champion_logit: Shown score, log-odds.
        challenger_logit: The same.
        bad: Whether it went bad; None while nobody knows.
    """

    champion_outcome: str
    challenger_outcome: str
    champion_limit_minor: int
    challenger_limit_minor: int
    champion_logit: float
    challenger_logit: float
    bad: bool | None = None


def compare(cases: Sequence[Case], offset: float) -> dict[str, Any]:
    """The report on two models.

    Args:
        cases: Judged by both.
        offset: From the sample's world to the portfolio's.

    Returns:
        JSON values. `matrix` counts champion outcome → challenger outcome; `swapped_in` and `swapped_out` are cases
        that only the challenger, or only the champion, approves; `auc` stands where outcomes of both kinds are known.
    """
    pairs = Counter((one.champion_outcome, one.challenger_outcome) for one in cases)
    known = [one for one in cases if one.bad is not None]
    return {
        "cases": len(cases),
        "enough": len(cases) >= FEW,
        "agreement": _share(sum(n for (ours, theirs), n in pairs.items() if ours == theirs), len(cases)),
        "matrix": [{"champion": ours, "challenger": theirs, "cases": n} for (ours, theirs), n in sorted(pairs.items())],
        "swapped_in": sum(n for (ours, theirs), n in pairs.items() if theirs == "approved" != ours),
        "swapped_out": sum(n for (ours, theirs), n in pairs.items() if ours == "approved" != theirs),
        "limit_minor": {
            "champion": sum(one.champion_limit_minor for one in cases),
            "challenger": sum(one.challenger_limit_minor for one in cases),
        },
        "mean_pd_portfolio": {
            "champion": _mean([sigmoid(one.champion_logit + offset) for one in cases]),
            "challenger": _mean([sigmoid(one.challenger_logit + offset) for one in cases]),
        },
        "stability_index": _moved(cases),
        "outcomes": _outcomes(known, offset),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _moved(cases: Sequence[Case]) -> float | None:
    """Population stability of the challenger's points against the champion's."""
    if not cases:
        return None
    shares = []
    for logits in ([one.champion_logit for one in cases], [one.challenger_logit for one in cases]):
        counts = [0] * (len(_BINS) + 1)
        for logit in logits:
            counts[sum(points(logit) > edge for edge in _BINS)] += 1
        shares.append([count / len(cases) for count in counts])
    return stability_index(*shares)


def _outcomes(known: Sequence[Case], offset: float) -> dict[str, Any]:
    bad = [one for one in known if one.bad]
    both = 0 < len(bad) < len(known)
    return {
        "known": len(known),
        "bad": len(bad),
        "auc": {
            "champion": auc([one.champion_logit for one in known], [bool(one.bad) for one in known]) if both else None,
            "challenger": auc([one.challenger_logit for one in known], [bool(one.bad) for one in known])
            if both
            else None,
        },
        "expected_bad": {
            "champion": sum(sigmoid(one.champion_logit + offset) for one in known),
            "challenger": sum(sigmoid(one.challenger_logit + offset) for one in known),
        },
    }


def auc(scores: Sequence[float], bad: Sequence[bool]) -> float:
    """Probability that a bad case scores over a good one, ties half.

    Args:
        scores: Higher is riskier.
        bad: Both kinds are there.
    """
    ordered = sorted(zip(scores, bad, strict=True))
    ranks = 0.0
    place = 0
    while place < len(ordered):
        end = place
        while end < len(ordered) and ordered[end][0] == ordered[place][0]:
            end += 1
        ranks += (place + 1 + end) / 2 * sum(is_bad for _, is_bad in ordered[place:end])
        place = end
    positives = sum(bad)
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(bad) - positives))
