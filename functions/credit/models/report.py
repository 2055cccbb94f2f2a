"""The comparison of a challenger with the champion, from its shadow scores and what became of the cases."""

from __future__ import annotations

from typing import Any, Final

from functions.credit.models.artifacts import artifact_of
from functions.credit.models.comparison import Case, compare
from functions.credit.models.kinds import kind_of
from functions.credit.models.store import ShadowItem, read_registry, shadow_scores

MOST_CASES: Final = 5_000


def comparison(version: str) -> dict[str, Any]:
    """How a model would have judged the cases it has seen in the shadow.

    Raises:
        NotFoundError: This package does not carry it.
    """
    model = artifact_of(version).model
    kind = kind_of(model)
    items = shadow_scores(version, MOST_CASES)
    ended = [_case(item, bad) for item, bad in kind.ended(version, items)]
    return {
        "id": version,
        "object": "model_comparison",
        "champion": read_registry(model)[0].champion,
        **compare([_case(item) for item in items], kind.offset(), ended),
    }


def _case(item: ShadowItem, bad: bool | None = None) -> Case:  # noqa: FBT001  the end of the case
    ours, theirs = item.figures["champion"], item.figures["challenger"]
    return Case(
        champion_outcome=ours["outcome"],
        challenger_outcome=theirs["outcome"],
        champion_limit_minor=ours["limit_minor"],
        challenger_limit_minor=theirs["limit_minor"],
        champion_logit=ours["logit"],
        challenger_logit=theirs["logit"],
        bad=bad,
        week=item.figures.get("week", ""),
        amount_minor=item.figures.get("amount_minor", 0),
        currency=item.figures.get("currency", ""),
    )
