"""`python -m model_artifacts.training.retrain --model application|behavior [--simulated N]`: train a challenger.

Reads the platform's own outcomes with the environment of its functions (tables, key service), or N made-up people.
Writes `model_artifacts/challengers/<version>/<model>`; the next package carries it, and `/v1/models` lists it as a
candidate. Nothing decides by it until people say so.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from functions.credit.inputs.columns import MODELS, Model
from functions.credit.models.artifacts import CHALLENGERS
from functions.credit.models.outcomes import Labelled, labelled
from functions.credit.policies.policy import load_policy
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import bagging, release
from model_artifacts.training.recipe import RECIPES, Recipe
from model_artifacts.training.retrain.card import write_card
from model_artifacts.training.retrain.judge import judge
from model_artifacts.training.retrain.sample import outcomes_of
from model_artifacts.training.retrain.simulated import simulated
from model_artifacts.training.retrain.simulated_accounts import simulated_accounts

SIMULATED: dict[Model, Callable[[int, int], Iterator[Labelled]]] = {
    "application": simulated,
    "behavior": simulated_accounts,
}
LEAST_BAD = 50
"""Fewer bad rows than this teach nothing that holds."""


def recipe_of(model: Model) -> Recipe:
    """How a challenger is trained: as the release, in fewer bags, for there are fewer rows."""
    return replace(RECIPES[model], bags=8, repeats=1)


def retrain(model: Model, rows: Sequence[Labelled], out: Path, *, made_up: bool, recipe: Recipe | None = None) -> Path:
    """Train, judge and file a challenger.

    Args:
        model: Which.
        rows: Labelled outcomes.
        out: Artifacts folder; the challenger goes below it.
        made_up: Whether the people are.
        recipe: How; `recipe_of` if None.

    Returns:
        The challenger's folder.

    Raises:
        SystemExit: Too few bad rows.
    """
    offset, recipe = load_policy().offset("default", model), recipe or recipe_of(model)
    bad = sum(bool(one.bad) for one in rows)
    if bad < LEAST_BAD:
        sys.exit(f"{len(rows)} rows with {bad} bad ones: it takes {LEAST_BAD} to learn from")
    learned = outcomes_of(model, rows, offset)
    metrics = judge(model, rows, recipe, offset)
    text = bagging.train(learned.sample, recipe, recipe.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = release.write(
            learned.sample, text, metrics, Path(scratch), recipe=recipe, simulated=made_up, people=learned.people
        )
        version = release.read_version(folder)
        write_card(folder, learned, metrics, made_up=made_up)
        place = out / CHALLENGERS / version / model
        shutil.rmtree(place.parent, ignore_errors=True)
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns("booster.txt.gz"))
    return place


def main() -> None:
    """Export, train, file."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.retrain", description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="application")
    parser.add_argument("--simulated", type=int, metavar="N", help="learn from N made-up people or accounts instead")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up people")
    parser.add_argument("--out", type=Path, default=ARTIFACTS)
    arguments = parser.parse_args()
    model = cast("Model", arguments.model)
    make_up = SIMULATED[model]
    rows = list(make_up(arguments.simulated, arguments.seed) if arguments.simulated else labelled(model))
    place = retrain(model, rows, arguments.out, made_up=bool(arguments.simulated))
    print(f"{place.parent.name} is a candidate: {place}")


if __name__ == "__main__":
    main()
