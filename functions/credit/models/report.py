"""The comparison of a challenger with the champion, from its shadow scores and what became of the people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from functions.credit.models.artifacts import artifact_of
from functions.credit.models.comparison import Case, compare
from functions.credit.models.store import ShadowItem, read_registry, shadow_scores
from functions.credit.policies.policy import load_policy
from functions.credit.upkeep.store import LimitFileItem
from functions.platform.container import container
from functions.platform.storage import keys

MOST_CASES: Final = 5_000
MATURE_STATEMENTS: Final = 12
"""A line that has not gone bad by its twelfth statement counts as good."""


def comparison(version: str) -> dict[str, Any]:
    """How a model would have judged the cases it has seen in the shadow.

    Raises:
        NotFoundError: This package does not carry it.
    """
    artifact = artifact_of(version)
    items = shadow_scores(version, MOST_CASES)
    bad = _outcomes([item.subject for item in items if item.subject])
    offset = load_policy().offset("default", artifact.model)
    report = compare([_case(item, bad.get(item.subject)) for item in items], offset)
    return {
        "id": version,
        "object": "model_comparison",
        "champion": read_registry(artifact.model)[0].champion,
        **report,
    }


def _case(item: ShadowItem, bad: bool | None) -> Case:  # noqa: FBT001  the outcome of the case
    ours, theirs = item.figures["champion"], item.figures["challenger"]
    return Case(
        champion_outcome=ours["outcome"],
        challenger_outcome=theirs["outcome"],
        champion_limit_minor=ours["limit_minor"],
        challenger_limit_minor=theirs["limit_minor"],
        champion_logit=ours["logit"],
        challenger_logit=theirs["logit"],
        bad=bad,
    )


def _outcomes(subjects: Sequence[str]) -> dict[str, bool | None]:
    """Whether each line went bad; None where it is too young to tell."""
    files = container().tables.read_all([(LimitFileItem, subject, keys.SELF) for subject in dict.fromkeys(subjects)])
    return {item.pk: outcome_of(item) for item in files if isinstance(item, LimitFileItem)}


def outcome_of(file: LimitFileItem) -> bool | None:
    """Whether a line went bad within its first year of statements; None while nobody can tell."""
    if file.bad_on:
        return True
    return False if file.statements >= MATURE_STATEMENTS else None
