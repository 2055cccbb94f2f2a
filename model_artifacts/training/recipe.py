"""How each model is trained: every number that was chosen, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from functions.credit.inputs.columns import Model


@dataclass(frozen=True, slots=True)
class Recipe:
    """One bag of monotone LightGBM boosters.

    Args:
        bags: Boosters, alike but for their seed; the model is their mean.
        rounds: Trees per booster.
        pairs: Pairs of features that may meet in a tree (`interactions.best_pairs`); None: any may.
        hidden_weight: Weight of the copy of each row with part of it hidden (the row itself weighs 1).
        approved_pd: Rows up to this probability are the approved population that reasons compare with.
        repeats: Of the cross-validation.
        seed: Of everything random.
        parameters: LightGBM's, beyond those that make it deterministic.
    """

    bags: int
    rounds: int
    pairs: int | None
    hidden_weight: float
    approved_pd: float
    repeats: int
    seed: int = 20_261_101
    parameters: dict[str, Any] = field(default_factory=dict)


FIXED: dict[str, Any] = {
    "objective": "binary",
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "bagging_freq": 1,
    "monotone_constraints_method": "basic",
}

RECIPES: dict[Model, Recipe] = {
    "application": Recipe(
        bags=20,
        rounds=200,
        pairs=60,
        hidden_weight=0.25,
        approved_pd=0.3,
        repeats=3,
        parameters={
            "max_depth": 2,
            "num_leaves": 4,
            "learning_rate": 0.1,
            "min_data_in_leaf": 30,
            "lambda_l2": 5.0,
            "bagging_fraction": 0.6,
            "feature_fraction": 0.5,
            "extra_trees": True,
            "max_bin": 31,
        },
    ),
    "behavior": Recipe(
        bags=40,
        rounds=200,
        pairs=60,
        hidden_weight=0.25,
        approved_pd=0.3,
        repeats=1,
        parameters={
            "max_depth": 2,
            "num_leaves": 4,
            "learning_rate": 0.1,
            "min_data_in_leaf": 50,
            "lambda_l2": 10.0,
            "bagging_fraction": 0.6,
            "feature_fraction": 0.4,
            "max_bin": 31,
        },
    ),
}
