"""The variants that were tried, as changes to the released recipe; all of them without protected columns.

`feature_contri` 0 takes a feature away: no split on it ever gains. `reweighed` balances age bands and outcomes in
training (Kamiran & Calders 2012, "Data preprocessing techniques for classification without discrimination"); the score
itself knows no age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import lightgbm
import numpy as np

from functions.credit.inputs.columns import Model
from functions.credit.inputs.features import FEATURE_SETS
from model_artifacts.training import bagging, crossval
from model_artifacts.training.data import Floats, Sample, matrix
from model_artifacts.training.recipe import RECIPES, Recipe

RELEASED: Final = "as released"
BAGS: Final[dict[Model, int]] = {"application": 4, "behavior": 2}
"""Few, so that many can be tried; more of them help every variant alike, by about .0001 of Brier."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing tried.

    Args:
        changes: Fields of the recipe.
        parameters: LightGBM's, over the recipe's.
        free: Families whose directions are not held; "*" for all.
        without: Features taken away.
        reweighed: Training rows weighed so that the outcome does not depend on the age band.
        fairness: It was tried for a smaller disparity, not for a better fit.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    reweighed: bool = False
    fairness: bool = False


_ANY_PAIR = {"pairs": None}
_DEPTH_3 = Variant({**_ANY_PAIR, "rounds": 150}, {"max_depth": 3, "num_leaves": 8, "learning_rate": 0.07})
_DEPTH_4 = Variant({**_ANY_PAIR, "rounds": 160}, {"max_depth": 4, "num_leaves": 14, "learning_rate": 0.05}, ("*",))
_UNCONSTRAINED = "unconstrained, depth 4"

VARIANTS: Final[dict[Model, dict[str, Variant]]] = {
    "application": {
        RELEASED: Variant(),
        "any pair may meet": Variant(_ANY_PAIR),
        "30 pairs": Variant({"pairs": 30}),
        "no hidden copies": Variant({"hidden_weight": 0.0}),
        "half the learning rate, twice the trees": Variant({"rounds": 400}, {"learning_rate": 0.05}),
        "150 trees": Variant({"rounds": 150}),
        "300 trees": Variant({"rounds": 300}),
        "finer bins (63)": Variant({}, {"max_bin": 63}),
        "best splits instead of random ones": Variant({}, {"extra_trees": False, "learning_rate": 0.05}),
        "no directions held": Variant(free=("*",)),
        "depth 3, any features together": replace(_DEPTH_3, parameters={"max_depth": 3, "num_leaves": 8}),
        _UNCONSTRAINED: _DEPTH_4,
        "less: without housing": Variant(without=("home",), fairness=True),
        "less: without seniority": Variant(without=("seniority",), fairness=True),
        "less: without assets": Variant(without=("assets", "net_assets_cover"), fairness=True),
        "less: without housing and seniority": Variant(without=("home", "seniority"), fairness=True),
        "less: without housing, seniority and assets": Variant(
            without=("home", "seniority", "assets", "net_assets_cover"), fairness=True
        ),
        "less: trained on reweighed rows": Variant(reweighed=True, fairness=True),
        "less: reweighed, without seniority": Variant(without=("seniority",), reweighed=True, fairness=True),
    },
    "behavior": {
        RELEASED: Variant(),
        "110 pairs": Variant({"pairs": 110}),
        "any pair may meet": Variant(_ANY_PAIR),
        "any pair, finer bins (63)": Variant(_ANY_PAIR, {"max_bin": 63}),
        "random splits": Variant({**_ANY_PAIR, "rounds": 300}, {"extra_trees": True, "max_bin": 63}),
        "repayment, utilisation, line free": Variant(_ANY_PAIR, free=("repayment", "utilisation", "line")),
        "no directions held": Variant(_ANY_PAIR, free=("*",)),
        "depth 3, any features together": _DEPTH_3,
        "depth 3, no directions held": replace(_DEPTH_3, free=("*",)),
        _UNCONSTRAINED: _DEPTH_4,
    },
}


def recipe_of(model: Model, variant: Variant) -> Recipe:
    """The released recipe with a variant's changes."""
    released, features = RECIPES[model], FEATURE_SETS[model].features
    directions = [0 if {"*", one.family} & set(variant.free) else one.monotone for one in features]
    weights = [float(one.name not in variant.without) for one in features]
    parameters = {**released.parameters, "monotone_constraints": directions, **variant.parameters}
    if variant.without:
        parameters["feature_contri"] = weights
    return replace(released, bags=BAGS[model], parameters=parameters, **variant.changes)


def _reweighed(sample: Sample) -> Sample:
    bands = sample.groups["age band"]
    both = Counter(zip(bands, sample.bad, strict=True))
    band, outcome = Counter(bands), Counter(sample.bad)
    weight = [band[b] * outcome[bad] / (len(sample) * both[b, bad]) for b, bad in zip(bands, sample.bad, strict=True)]
    return replace(sample, weight=np.array(weight))


def fit_of(model: Model, variant: Variant) -> crossval.Fit:
    """Train on one part, score the other."""
    recipe = recipe_of(model, variant)

    def fit(train: Sample, test: Sample) -> Floats:
        learned = _reweighed(train) if variant.reweighed else train
        booster = lightgbm.Booster(model_str=bagging.train(learned, recipe, recipe.seed))
        return np.asarray(booster.predict(matrix(model, test.rows), raw_score=True))

    return fit
