"""How the cases of the credit models end: a line goes bad within its first year of statements, or does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from functions.credit.inputs.columns import Model
from functions.credit.models.artifacts import loaded
from functions.credit.models.in_force import forget
from functions.credit.models.kinds import Kind
from functions.credit.models.store import ShadowItem
from functions.credit.policies.policy import load_policy
from functions.credit.upkeep.store import LimitFileItem
from functions.platform.container import container
from functions.platform.storage import keys

MATURE_STATEMENTS: Final = 12
"""A line that has not gone bad by its twelfth statement counts as good."""


def outcome_of(file: LimitFileItem) -> bool | None:
    """Whether a line went bad within its first year of statements; None while nobody can tell."""
    if file.bad_on:
        return True
    return False if file.statements >= MATURE_STATEMENTS else None


def ended(_: str, sample: Sequence[ShadowItem]) -> list[tuple[ShadowItem, bool]]:
    """The cases whose line is bad, or old enough to be good."""
    subjects = dict.fromkeys(item.subject for item in sample if item.subject)
    files = container().tables.read_all([(LimitFileItem, subject, keys.SELF) for subject in subjects])
    known = {item.pk: outcome_of(item) for item in files if isinstance(item, LimitFileItem)}
    return [(item, bad) for item in sample if (bad := known.get(item.subject)) is not None]


def _offset(model: Model) -> Callable[[], float]:
    return lambda: load_policy().offset("default", model)


APPLICATION: Final = Kind(loaded, forget, _offset("application"), ended)
BEHAVIOR: Final = Kind(loaded, forget, _offset("behavior"), ended)
