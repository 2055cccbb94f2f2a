"""`python -m model_artifacts.training --model application|behavior --data CSV [--out DIR] [--quick]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from functions.credit.inputs.columns import MODELS
from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import bagging, crossval, release
from model_artifacts.training.card import write_card
from model_artifacts.training.data import load
from model_artifacts.training.recipe import RECIPES


def main() -> None:
    """Train one model and write its directory."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training", description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the training file (CSV)")
    parser.add_argument("--out", type=Path, default=ARTIFACTS, help="parent of the model's folder")
    parser.add_argument("--quick", action="store_true", help="no cross-validation: no metrics and no card")
    parser.add_argument("--scores", type=Path, help="keep the out-of-fold logits here (.npy), for the report")
    arguments = parser.parse_args()
    sample = load(arguments.model, arguments.data)
    recipe = RECIPES[sample.model]
    text = bagging.train(sample, recipe, recipe.seed)
    metrics, logit = ({}, np.empty(0)) if arguments.quick else crossval.metrics(sample, recipe)
    folder = release.write(sample, text, metrics, arguments.out)
    if not arguments.quick:
        write_card(sample, folder, logit)
    if arguments.scores:
        np.save(arguments.scores, logit)
    print(f"{folder}: {(folder / 'model.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
