"""The model that decides now: the registry's champion, looked up at most once a minute per container."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from functions.credit.deciding.grant import Scorer
from functions.credit.inputs.columns import Model
from functions.credit.models.artifacts import loaded, shipped
from functions.credit.models.store import read_registry
from functions.credit.scoring import Score, ScoringModel

CACHED_S: Final = 60.0


@dataclass(slots=True)
class _Copies:
    read_at: dict[str, float] = field(default_factory=dict)
    champions: dict[str, str] = field(default_factory=dict)


_copies = _Copies()


def forget() -> None:
    """Drop what this process remembers; for whoever has just changed it."""
    _copies.read_at.clear()


def champion(model: Model) -> ScoringModel:
    """The model that decides.

    Raises:
        NotFoundError: The champion is not in this package: it must be deployed before it can decide.
        ModelIntegrityError: See `scoring.load_model`.
        UnavailableError: Storage did not answer.
    """
    if time.monotonic() - _copies.read_at.get(model, float("-inf")) > CACHED_S:
        _copies.champions[model] = read_registry(model)[0].champion
        _copies.read_at[model] = time.monotonic()
    return loaded(_copies.champions[model])


def score_batch(model: str, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
    """Score many rows with the champion; as `scoring.score_batch` does with the release."""
    return champion(cast("Model", model)).scores(rows)


def scorer_of(version: str) -> Scorer:
    """A scorer by one version, for replaying what it scored; the champion where this package does not carry it.

    Args:
        version: Of the model; "" where none had a say.
    """
    if version not in shipped():
        return score_batch  # its answer names another version, and the replay says so

    def scorer(_: str, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
        return loaded(version).scores(rows)

    return scorer
