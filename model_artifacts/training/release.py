"""Writes a model directory: model.onnx, booster.txt.gz, manifest.json, baseline.json, golden_scores.json.

The booster is what the ONNX file was compiled from; tests and benchmarks compare the two. It never ships.
"""

from __future__ import annotations

import gzip
import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import lightgbm
import numpy as np

from functions.credit.inputs.columns import BOOKKEEPING, PROTECTED, Model
from functions.credit.inputs.features import FEATURE_SETS
from functions.credit.models.artifacts import CHALLENGERS
from functions.credit.scoring import LOGIT_TOLERANCE, load_model
from model_artifacts.training.baseline import baseline
from model_artifacts.training.compiling import compile_booster
from model_artifacts.training.data import Floats, Sample, matrix
from model_artifacts.training.golden import ROWS
from model_artifacts.training.recipe import RECIPES, Recipe

LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxruntime")
_KEPT = ("model.onnx", "manifest.json", "golden_scores.json", "baseline.json", "MODEL_CARD.md")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401  JSON
    """One way to write JSON: sorted, indented, so that two runs compare."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _feature_entries(model: Model, contributions: Floats, approved: Floats) -> list[dict[str, Any]]:
    means = contributions[approved.astype(bool)].mean(0)
    spread = np.abs(contributions).mean(0)
    return [
        {
            "name": feature.name,
            "family": feature.family,
            "monotone": feature.monotone,
            "definition": feature.definition,
            "approved_mean": float(means[i]),
            "mean_absolute_contribution": float(spread[i]),
        }
        for i, feature in enumerate(FEATURE_SETS[model].features)
    ]


def golden_scores(folder: Path) -> dict[str, Any]:
    """What a model says of the golden rows.

    Args:
        folder: The model's, named after it.
    """
    model = cast("Model", folder.name)
    rows = ROWS[model]
    scores = load_model(model, folder.parent).scores(list(rows.values()))
    return {
        "model": model,
        "tolerance": LOGIT_TOLERANCE,
        "scores": [
            {
                "name": name,
                "features": row,
                "pd": score.pd,
                "logit": score.logit,
                "points": score.points,
                "contributions": score.contributions,
            }
            for (name, row), score in zip(rows.items(), scores, strict=True)
        ],
    }


def read_version(folder: Path) -> str:
    """The version of a written model."""
    return str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["version"])


def write(
    sample: Sample,
    text: str,
    metrics: dict[str, Any],
    artifacts: Path,
    *,
    recipe: Recipe | None = None,
    simulated: bool = False,
    people: int | None = None,
) -> Path:
    """Compile the booster and write its directory.

    Args:
        sample: What it was trained on.
        text: Merged booster.
        metrics: Out-of-fold figures for the manifest.
        artifacts: Parent folder.
        recipe: How it was trained; the release's if None.
        simulated: It learned from made-up people.
        people: How many of the first rows are people, where later ones stand for some of them again; None: all.

    Returns:
        The model's folder.
    """
    model, recipe = sample.model, recipe or RECIPES[sample.model]
    folder = artifacts / model
    folder.mkdir(parents=True, exist_ok=True)
    compiled = compile_booster(model, text, len(FEATURE_SETS[model].features))
    keep_former(folder, compiled.version)
    (folder / "model.onnx").write_bytes(compiled.raw)
    (folder / "booster.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    booster = lightgbm.Booster(model_str=text)
    outputs = booster.predict(matrix(model, sample.rows), pred_contrib=True)
    assert isinstance(outputs, np.ndarray)
    approved = 1 / (1 + np.exp(-outputs.sum(1))) <= recipe.approved_pd
    manifest = {
        "model": model,
        "version": compiled.version,
        "sha256": compiled.sha256,
        "bias": compiled.bias,
        "base_rate": float(np.average(sample.bad, weights=sample.weight)),
        "features": _feature_entries(model, outputs[:, :-1], approved),
        "ignored_columns": {"protected": sorted(PROTECTED[model]), "bookkeeping": sorted(BOOKKEEPING[model])},
        "approved_population": {"pd_at_most": recipe.approved_pd, "share": float(approved.mean())},
        "training": {
            "rows": len(sample),
            "data_sha256": sample.sha256,
            "recipe": _recipe(recipe),
            "libraries": {name: version(name) for name in LIBRARIES},
            "python": platform.python_version(),
            **({"simulated": True} if simulated else {}),
        },
        "metrics": metrics,
    }
    write_json(folder / "manifest.json", manifest)
    write_json(folder / "baseline.json", baseline(sample, outputs.sum(1), people))
    write_json(folder / "golden_scores.json", {"scores": []})
    write_json(folder / "golden_scores.json", golden_scores(folder))
    return folder


def keep_former(folder: Path, version: str) -> None:
    """Set the release aside before another takes its place: its decisions are made again with it.

    Args:
        folder: The model's folder.
        version: Of the model that comes; the same one again replaces itself.
    """
    if not (folder / "manifest.json").exists() or read_version(folder) == version:
        return
    aside = folder.parent / CHALLENGERS / read_version(folder) / folder.name
    aside.mkdir(parents=True, exist_ok=True)
    for name in _KEPT:
        if (folder / name).exists():
            shutil.copy(folder / name, aside / name)


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {
        "bags": recipe.bags,
        "rounds": recipe.rounds,
        "pairs": recipe.pairs,
        "hidden_weight": recipe.hidden_weight,
        "seed": recipe.seed,
        "parameters": recipe.parameters,
    }
