"""Writes model_artifacts/fraud: model.onnx, booster.txt.gz, manifest.json, golden_scores.json, MODEL_CARD.md."""

from __future__ import annotations

import gzip
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from functions.credit.scoring import LOGIT_TOLERANCE
from functions.risk.fraud.features import FEATURES, NEVER
from functions.risk.fraud.score import load_model
from model_artifacts.training.compiling import Compiled, compile_booster
from model_artifacts.training.fraud import recipe
from model_artifacts.training.fraud.card import card
from model_artifacts.training.fraud.study import Study
from model_artifacts.training.release import keep_former, write_json

LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxruntime")

_NO_FRAUD = dict.fromkeys(("terminal_first_fraud", "terminal_last_fraud", "terminal_run", "terminal_run_after"), NEVER)
_QUIET = {
    "amount_to_usual": 0.8, "amount_to_mean": 1.0, "amount_z": 0.1, "recent_to_mean": 1.0, "week_to_mean": 1.0,
    **_NO_FRAUD,
}  # fmt: skip
_FRAUDS = {
    "terminal_frauds_1d": 1.0, "terminal_frauds_7d": 1.0, "terminal_frauds_30d": 0.4, "terminal_first_fraud": 16.0,
    "terminal_last_fraud": 7.5, "terminal_run": 16.0, "terminal_run_after": 17.25,
}  # fmt: skip
_ENDED = {"terminal_first_fraud": 36.0, "terminal_last_fraud": 20.0, "terminal_run": NEVER, "terminal_run_after": NEVER}
GOLDEN: dict[str, dict[str, float]] = {
    "quiet": _QUIET,
    "nothing known": {"amount_to_usual": 1.0, **_NO_FRAUD},
    "five times the usual": {**_QUIET, "amount_to_mean": 5.0, "amount_z": 8.0},
    "large amount": {**_QUIET, "amount_to_usual": 4.6, "amount_to_mean": 2.4, "amount_z": 2.8},
    "terminal under attack": {**_QUIET, **_FRAUDS},
    "terminal attacked long ago": {**_QUIET, **_FRAUDS, **_ENDED},
    "stolen card": {**_QUIET, "amount_to_mean": 4.4, "amount_z": 6.9, "recent_to_mean": 3.0, "week_to_mean": 2.0},
}
"""Made-up inputs that every load of the model scores again. What is left out is 0."""


def write(done: Study, metrics: dict[str, Any], artifacts: Path) -> Path:
    """Compile the booster and write its directory.

    Args:
        done: The study of the published town.
        metrics: For the manifest and the card.
        artifacts: Parent folder.
    """
    folder = artifacts / "fraud"
    folder.mkdir(parents=True, exist_ok=True)
    compiled = compile_booster("fraud", done.text, len(FEATURES))
    keep_former(folder, compiled.version)
    (folder / "model.onnx").write_bytes(compiled.raw)
    (folder / "booster.txt.gz").write_bytes(gzip.compress(done.text.encode(), 9, mtime=0))
    manifest = _manifest(done, compiled, metrics)
    write_json(folder / "manifest.json", manifest)
    write_json(folder / "golden_scores.json", {"scores": []})
    write_json(folder / "golden_scores.json", golden_scores(folder))
    (folder / "MODEL_CARD.md").write_text(card(manifest), encoding="utf-8")
    return folder


def _manifest(done: Study, compiled: Compiled, metrics: dict[str, Any]) -> dict[str, Any]:
    contributions = np.asarray(lightgbm.Booster(model_str=done.text).predict(done.inputs, pred_contrib=True))[:, :-1]
    strength = np.abs(contributions).mean(0)
    return {
        "model": "fraud",
        "version": compiled.version,
        "sha256": compiled.sha256,
        "bias": compiled.bias,
        "base_rate": float(done.truth.mean()),
        "features": [
            {
                "name": feature.name,
                "family": feature.family,
                "monotone": feature.monotone,
                "definition": feature.definition,
                "mean_absolute_contribution": float(strength[index]),
            }
            for index, feature in enumerate(FEATURES)
        ],
        "training": {
            "data": "simulated; model_artifacts/training/fraud/simulator.py, seed 0",
            "rows": len(done.train),
            "data_sha256": hashlib.sha256(np.ascontiguousarray(done.inputs).tobytes()).hexdigest(),
            "simulated": True,
            "recipe": {"rounds": recipe.ROUNDS, "parameters": recipe.PARAMETERS},
            "libraries": {name: version(name) for name in LIBRARIES},
            "python": platform.python_version(),
        },
        "metrics": metrics,
    }


def golden_scores(folder: Path) -> dict[str, Any]:
    """What the model of a folder says of the golden inputs."""
    model = load_model(folder)
    cases = []
    for name, inputs in GOLDEN.items():
        values = tuple(float(inputs.get(feature.name, 0.0)) for feature in FEATURES)
        score = model.score(values)
        case = {"name": name, "inputs": inputs, "logit": score.logit, "contributions": score.contributions}
        cases.append({**case, "probability": score.probability})
    return {"model": "fraud", "tolerance": LOGIT_TOLERANCE, "scores": cases}
