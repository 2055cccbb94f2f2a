"""The fraud model as the registry of models keeps it; how its cases end is what people found out of the orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from functions.credit.models.artifacts import artifact_of
from functions.credit.models.kinds import Kind
from functions.credit.models.store import ShadowItem
from functions.platform.container import container
from functions.platform.storage import keys
from functions.risk.casework.labels import labels_known
from functions.risk.fraud.score import FraudModel, model_of
from functions.risk.fraud.shadow import KEPT
from functions.risk.rule_life.live import forget

MOST_LABELS: Final = 5_000
"""Of the latest; an order that is labelled is one in some hundred, so they are looked for among all cases."""


def load(version: str) -> FraudModel:
    """A fraud model of this package, loaded and proved.

    Raises:
        NotFoundError: This package does not carry it.
        ModelIntegrityError: See `score.load_model`.
    """
    return model_of(artifact_of(version).version)


def ended(challenger: str, sample: Sequence[ShadowItem]) -> list[tuple[ShadowItem, bool]]:
    """The orders of which a case or a dispute found out whether they were fraud; the last finding counts."""
    box = container()
    until = box.clock.now() + timedelta(milliseconds=1)
    found = {label.authorization_id: label.fraud for label in labels_known(until - KEPT, until)}
    labels = dict(list(found.items())[-MOST_LABELS:])
    cases = {item.sk: item for item in sample}
    others = [(ShadowItem, keys.shadow(challenger), order) for order in labels if order not in cases]
    cases |= {item.sk: item for item in box.tables.read_all(others) if isinstance(item, ShadowItem)}
    return [(cases[order], fraud) for order, fraud in labels.items() if order in cases]


FRAUD: Final = Kind(load, forget, lambda: 0.0, ended)
