"""Score one row, or many, with exact reasons.

Each model is one ONNX file whose outputs are the logit and every feature's Shapley value (`model_artifacts/training`),
so one run gives both. The runtime is loaded on first use and only after the file's
sha256 and its golden scores have been checked: a container with a wrong model refuses to start (`prove_files`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from functions.core.errors import WhitenoteError
from functions.credit.inputs.columns import MODELS, UnknownModelError, read_columns
from functions.credit.inputs.features import FEATURE_SETS, FeatureSet
from functions.credit.model_session import ModelSession
from functions.credit.reasons import FamilyRanking, Reason

MODEL_FILE = "model.onnx"
ARTIFACTS = Path(__file__).resolve().parents[2] / "model_artifacts"
LOGIT_TOLERANCE = 1e-6
"""Promised; a model compiled to tables keeps 1e-12, a former one that answers in float32 half a millionth."""
_POINTS_PER_LOGIT = 20 / math.log(2)
_LN_20 = math.log(20)


class ModelIntegrityError(WhitenoteError):
    status, code, title = 500, "model_integrity", "The model on this machine is not the one that was released"


class Score(NamedTuple):
    """What the model says of one row.

    Args:
        pd: Probability of default in the training sample's world; decisions use the policy's portfolio offset.
        logit: Log-odds of default = bias + Σ contributions.
        points: 600 at 20 good to 1 bad, 20 points double the odds; unclamped.
        bias: Expected logit over the training rows.
        contributions: Exact TreeSHAP value of each feature, log-odds.
        reasons: Up to four, worst first.
        model_version: Of the model that answered.
    """

    pd: float
    logit: float
    points: int
    bias: float
    contributions: dict[str, float]
    reasons: tuple[Reason, ...]
    model_version: str


def sigmoid(logit: float) -> float:
    """Probability of a log-odds, without overflow at either end."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)


def points(logit: float) -> int:
    """Scorecard points of a log-odds of default: 600 at 20:1, 20 to double the odds, half to even."""
    return round(600 - _POINTS_PER_LOGIT * (logit + _LN_20))


@dataclass(frozen=True, slots=True)
class ScoringModel:
    """One loaded and checked model.

    Args:
        manifest: Its manifest, as written by training.
        session: Runs it.
        feature_set: How a row becomes its inputs.
        names: Of the features, in order.
        ranking: Contributions to reasons.
    """

    manifest: Mapping[str, Any]
    session: ModelSession
    feature_set: FeatureSet
    names: tuple[str, ...]
    ranking: FamilyRanking

    def scores(self, rows: Sequence[Mapping[str, Any]]) -> list[Score]:
        """One score per row, in order."""
        if not rows:
            return []
        model, vector = self.manifest["model"], self.feature_set.vector
        return [self._score(row) for row in self.session.run([vector(read_columns(model, row)) for row in rows])]

    def _score(self, outputs: list[float]) -> Score:
        bias = self.manifest["bias"]
        contributions = outputs[1:]
        logit = math.fsum((bias, *contributions))
        if not abs(logit - outputs[0]) <= LOGIT_TOLERANCE * max(1.0, abs(logit)):
            raise ModelIntegrityError(f"contributions make {logit!r}, the model says {outputs[0]!r}")
        return Score(
            sigmoid(logit),
            logit,
            points(logit),
            bias,
            dict(zip(self.names, contributions, strict=True)),
            self.ranking.reasons(contributions),
            self.manifest["version"],
        )


def read_file(path: Path) -> bytes:
    """A file of a model.

    Raises:
        ModelIntegrityError: It can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelIntegrityError(f"{path.parent.name}/{path.name} can't be read") from error


def released(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """A model's file and its manifest.

    Args:
        folder: The model's.

    Raises:
        ModelIntegrityError: A file is missing, or the one is not what the other says.
    """
    raw, manifest = read_file(folder / MODEL_FILE), json.loads(read_file(folder / "manifest.json"))
    if hashlib.sha256(raw).hexdigest() != manifest["sha256"]:
        raise ModelIntegrityError(f"{folder.name}/model.onnx does not have the sha256 of its manifest")
    return raw, manifest


def prove_files(artifacts: Path = ARTIFACTS) -> None:
    """Refuse to start with a model file that is not the released one; a package without models has nothing to prove.

    Called while the container starts, a few milliseconds without the runtime; the golden scores are checked when a
    model is first loaded.

    Args:
        artifacts: Folder that holds a folder per model.

    Raises:
        ModelIntegrityError: Says which file.
    """
    for model in MODELS:
        prove_file(artifacts / model)


def prove_file(folder: Path) -> None:
    """`prove_files` for one model.

    Args:
        folder: The model's.
    """
    # a package that scores nothing carries manifests alone
    if (folder / MODEL_FILE).exists():
        released(folder)


def check_golden(model: ScoringModel, golden: Mapping[str, Any]) -> None:
    """Score the golden rows again.

    Raises:
        ModelIntegrityError: A logit or contribution differs by more than the tolerance.
    """
    cases = golden["scores"]
    for case, score in zip(cases, model.scores([case["features"] for case in cases]), strict=True):
        expected = {"logit": case["logit"], **case["contributions"]}
        actual = {"logit": score.logit, **score.contributions}
        worst = max(abs(expected[name] - actual[name]) for name in expected)
        if expected.keys() != actual.keys() or not worst <= LOGIT_TOLERANCE:
            raise ModelIntegrityError(f"golden score {case['name']!r} is off by {worst:g}")


def load_model(model: str, artifacts: Path = ARTIFACTS) -> ScoringModel:
    """Load a model and prove that it is the released one.

    Args:
        model: "application" or "behavior".
        artifacts: Folder that holds a folder per model.

    Raises:
        UnknownModelError: No such model.
        ModelIntegrityError: A file is missing, its sha256 is not the manifest's, its features are not this code's,
            or a golden score differs.
    """
    if model not in MODELS:
        raise UnknownModelError(f"models are {', '.join(MODELS)}")
    folder = artifacts / model
    raw, manifest = released(folder)
    feature_set = FEATURE_SETS[model]
    declared = [(feature["name"], feature["definition"]) for feature in manifest["features"]]
    if declared != [(feature.name, feature.definition) for feature in feature_set.features]:
        raise ModelIntegrityError(f"{model} was trained on other features than this code computes")
    loaded = ScoringModel(
        manifest=manifest,
        session=ModelSession(raw),
        feature_set=feature_set,
        names=tuple(feature.name for feature in feature_set.features),
        ranking=FamilyRanking(
            [feature.family for feature in feature_set.features],
            [feature["approved_mean"] for feature in manifest["features"]],
        ),
    )
    check_golden(loaded, json.loads(read_file(folder / "golden_scores.json")))
    return loaded


_loaded = lru_cache(maxsize=len(MODELS))(load_model)


def warm_up(*models: str) -> None:
    """Load and check models before the first request; all of them if none is named."""
    for model in models or MODELS:
        _loaded(model)


def score(model: str, features: Mapping[str, float | str | None]) -> Score:
    """Score one row.

    Args:
        model: "application" or "behavior".
        features: By column names of the training file; None (or left out) is missing; protected columns are
            accepted and ignored.

    Raises:
        UnknownModelError, UnknownFeatureError, UnknownCategoryError, FeatureError: See `columns.read_columns`.
        ModelIntegrityError: See `load_model`.
    """
    return _loaded(model).scores((features,))[0]


def score_batch(model: str, rows: Sequence[Mapping[str, float | str | None]]) -> list[Score]:
    """Score many rows in one run; the same answers as `score` on each."""
    return _loaded(model).scores(rows)
