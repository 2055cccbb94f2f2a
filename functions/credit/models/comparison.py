"""Champion and challenger on the same cases: where they agree, whom each would take, whose order outcomes bear out.

Pure. Cases are applications, reviewed rows, or orders. Figures in the portfolio's world use the policy's offset, which
both models speak to; the fraud model has none.
Source: Siddiqi, "Credit Risk Scorecards" (2006), ch. 9 (swap set); Hanley & McNeil (1982), AUC as rank statistic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.credit.drift import stability_index
from functions.credit.scoring import points, sigmoid

_BINS: Final = tuple(range(460, 760, 20))
_GOES_ON: Final = frozenset({"approved", "scored"})
FEW: Final = 100
"""Fewer cases than this say nothing yet."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case that both judged.

    Args:
        champion_outcome: Of an application "approved", "referred" or "declined", of an order "approved", "step_up",
            "held" or "declined", of a review "scored".
        challenger_outcome: The same.
        champion_limit_minor: Granted or suggested.
        challenger_limit_minor: The same.
        champion_logit: Shown score, log-odds.
        challenger_logit: The same.
        bad: Whether it went bad, or was fraud; None while nobody knows.
        week: ISO week it was judged in, "2026-W47"; "" if that is not told.
        amount_minor: Of an order; 0 of what is none.
        currency: Of the order, ISO 4217.
    """

    champion_outcome: str
    challenger_outcome: str
    champion_limit_minor: int
    challenger_limit_minor: int
    champion_logit: float
    challenger_logit: float
    bad: bool | None = None
    week: str = ""
    amount_minor: int = 0
    currency: str = ""


def compare(cases: Sequence[Case], offset: float, ended: Sequence[Case] | None = None) -> dict[str, Any]:
    """The report on two models.

    Args:
        cases: Judged by both.
        offset: From the sample's world to the portfolio's.
        ended: Cases whose end is known, where those are not just the ones among `cases`.

    Returns:
        JSON values. `matrix` counts champion outcome → challenger outcome; `swapped_in` and `swapped_out` are cases
        that only the challenger, or only the champion, approves; `scores` counts points from one edge to the next;
        `outcomes.stopped` counts, of the cases whose end is known, those that each would not have let go on;
        `bad_minor` is what fraudulent orders were worth, by currency; `auc` stands where ends of both kinds are known.
    """
    pairs = Counter((one.champion_outcome, one.challenger_outcome) for one in cases)
    known = [one for one in (cases if ended is None else ended) if one.bad is not None]
    return {
        "cases": len(cases),
        "enough": len(cases) >= FEW,
        "agreement": _agreement(cases),
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
        "scores": _scores(cases),
        "weeks": _weeks(cases),
        "outcomes": _outcomes(known, offset),
    }


def _agreement(cases: Sequence[Case]) -> float | None:
    return _share(sum(one.champion_outcome == one.challenger_outcome for one in cases), len(cases))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _moved(cases: Sequence[Case]) -> float | None:
    """Population stability of the challenger's points against the champion's."""
    if not cases:
        return None
    ours, theirs = _counts(cases)
    return stability_index([n / len(cases) for n in ours], [n / len(cases) for n in theirs])


def _counts(cases: Sequence[Case]) -> tuple[list[int], list[int]]:
    """How many cases each has in every bin of points."""
    ours, theirs = [0] * (len(_BINS) + 1), [0] * (len(_BINS) + 1)
    for one in cases:
        ours[bisect_left(_BINS, points(one.champion_logit))] += 1
        theirs[bisect_left(_BINS, points(one.challenger_logit))] += 1
    return ours, theirs


def _scores(cases: Sequence[Case]) -> list[dict[str, int | None]]:
    """Where their points lie; without an edge: over the last one."""
    rows = zip((*_BINS, None), *_counts(cases), strict=True)
    return [
        {"points_to": edge, "champion": ours, "challenger": theirs} for edge, ours, theirs in rows if ours or theirs
    ]


def _weeks(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The same by week, the latest first."""
    found: dict[str, list[Case]] = {}
    for one in cases:
        if one.week:
            found.setdefault(one.week, []).append(one)
    return [
        {"week": week, "cases": len(rows), "agreement": _agreement(rows), "stability_index": _moved(rows)}
        for week, rows in sorted(found.items(), reverse=True)
    ]


def _outcomes(known: Sequence[Case], offset: float) -> dict[str, Any]:
    bad = [one for one in known if one.bad]
    both = 0 < len(bad) < len(known)
    return {
        "known": len(known),
        "bad": len(bad),
        "bad_minor": _ends(known)["bad_minor"],
        "stopped": {
            "champion": _ends([one for one in known if one.champion_outcome not in _GOES_ON]),
            "challenger": _ends([one for one in known if one.challenger_outcome not in _GOES_ON]),
        },
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


def _ends(cases: Sequence[Case]) -> dict[str, Any]:
    """How many of them ended badly and well, and what the orders among the bad ones were worth, by currency."""
    bad = [one for one in cases if one.bad]
    worth: Counter[str] = Counter()
    for one in bad:
        worth[one.currency] += one.amount_minor
    bad_minor = {currency: total for currency, total in sorted(worth.items()) if currency}
    return {"bad": len(bad), "good": len(cases) - len(bad), "bad_minor": bad_minor}


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
