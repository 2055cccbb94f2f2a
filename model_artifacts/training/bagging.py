"""Trains a bag of boosters and merges it into one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import lightgbm
import numpy as np

from functions.credit.inputs.features import FEATURE_SETS
from model_artifacts.training.data import Sample, hide, matrix
from model_artifacts.training.interactions import best_pairs
from model_artifacts.training.recipe import FIXED, Recipe
from model_artifacts.training.trees import merge_boosters


def _datasets(sample: Sample, parameters: dict[str, Any], recipe: Recipe, seed: int) -> Iterator[lightgbm.Dataset]:
    """One data set per bag: every row, and a copy of it with another part hidden."""
    features = FEATURE_SETS[sample.model].features
    whole = matrix(sample.model, sample.rows)
    weight = np.ones(len(sample)) if sample.weight is None else sample.weight
    # All bags share the first one's bins: equal thresholds merge when the trees are compiled.
    bins: lightgbm.Dataset | None = None
    for bag in range(recipe.bags):
        random = Random(f"{seed} {bag}")  # noqa: S311  reproducible, not secret
        hidden = matrix(sample.model, [hide(sample.model, row, random) for row in sample.rows])
        data = lightgbm.Dataset(
            np.concatenate([whole, hidden]),
            np.concatenate([sample.bad, sample.bad]),
            weight=np.concatenate([weight, weight * recipe.hidden_weight]),
            feature_name=[feature.name for feature in features],
            reference=bins,
            params=parameters,
            free_raw_data=False,
        )
        bins = bins or data
        yield data


def train(sample: Sample, recipe: Recipe, seed: int) -> str:
    """The merged booster of one bag, as LightGBM text.

    Args:
        sample: All of it is used; the caller holds back what it will judge by.
        recipe: How.
        seed: Same seed, same text.
    """
    parameters = {
        **FIXED,
        "monotone_constraints": [feature.monotone for feature in FEATURE_SETS[sample.model].features],
        **recipe.parameters,
    }
    pairs: list[list[int]] | None = None
    texts = []
    for bag, data in enumerate(_datasets(sample, parameters, recipe, seed)):
        seeded = {**parameters, "seed": 1000 * seed + bag}
        if pairs is None and recipe.pairs is not None:
            pairs = best_pairs(lightgbm.train(seeded, data, recipe.rounds), recipe.pairs)
        constrained = seeded if pairs is None else {**seeded, "interaction_constraints": pairs}
        texts.append(lightgbm.train(constrained, data, recipe.rounds).model_to_string())
    return merge_boosters(texts)
