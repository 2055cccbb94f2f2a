"""Score one order for fraud, with exact reasons, inside the authorization.

The model is one ONNX file whose outputs are the logit and every input's Shapley value, as the credit models are. Its
sha256 is checked when a container starts that scores orders (`prove`), its golden scores on first use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from functions.core.errors import ConflictError, InvalidError
from functions.credit.model_session import ModelSession
from functions.credit.models.artifacts import shipped
from functions.credit.scoring import (
    ARTIFACTS,
    LOGIT_TOLERANCE,
    ModelIntegrityError,
    prove_file,
    read_file,
    released,
    sigmoid,
)
from functions.platform.observability import count
from functions.risk.fraud.features import FEATURES, USUAL_ORDER_MINOR, ScoredOrder, TerminalHistory, fraud_features
from functions.risk.profile import RiskProfile

MODEL_FOLDER: Final = ARTIFACTS / "fraud"
BPS: Final = 10_000
REASONS: Final[dict[str, tuple[str, str, str]]] = {
    "amount": ("fraud_amount", "The amount is unusual for this customer", "金额与该客户的消费习惯不符"),
    "recent": (
        "fraud_recent",
        "Recent purchases are larger than this customer's usual",
        "近期消费金额高于该客户平时水平",
    ),
    "terminal": ("fraud_terminal", "Orders at this terminal turned out to be fraud", "该终端近期出现过欺诈交易"),
}
"""Family of inputs to stable code and text in English and Chinese; for the staff."""


class ModelNotKeptError(ConflictError):
    code, title = "model_not_kept", "The model of this decision is not kept"


class UnknownCurrencyError(InvalidError):
    code, title = "unknown_currency", "No usual order is configured for the currency"


@dataclass(frozen=True, slots=True)
class FraudReason:
    """Why the score is high: one family of inputs.

    Args:
        code: Stable.
        text_en: English.
        text_zh: Chinese.
        contribution: Log-odds that the family adds.
    """

    code: str
    text_en: str
    text_zh: str
    contribution: float


@dataclass(frozen=True, slots=True)
class FraudScore:
    """What the model says of one order.

    Args:
        probability: In the training data's world.
        logit: Log-odds = bias + Σ contributions.
        bias: Expected logit over the training rows.
        contributions: Exact TreeSHAP value of each input, log-odds.
        reasons: Families that raise the score, the strongest first.
        model_version: Of the model that answered.
    """

    probability: float
    logit: float
    bias: float
    contributions: dict[str, float]
    reasons: tuple[FraudReason, ...]
    model_version: str

    @property
    def bps(self) -> int:
        """The probability in basis points, rounded half up: the signal `fraud_score_bps`."""
        return math.floor(self.probability * BPS + 0.5)


@dataclass(frozen=True, slots=True)
class FraudModel:
    """A loaded and checked model.

    Args:
        version: Of the model.
        bias: See `FraudScore`.
        session: Runs it.
    """

    version: str
    bias: float
    session: ModelSession

    def score(self, inputs: Sequence[float]) -> FraudScore:
        """Score one order from its inputs (`FEATURES`, in order).

        Raises:
            ModelIntegrityError: The contributions don't add up to what the model says.
        """
        [outputs] = self.session.run((inputs,))
        contributions = outputs[1:]
        logit = math.fsum((self.bias, *contributions))
        if not abs(logit - outputs[0]) <= LOGIT_TOLERANCE * max(1.0, abs(logit)):
            raise ModelIntegrityError(f"contributions make {logit!r}, the model says {outputs[0]!r}")
        return FraudScore(
            probability=sigmoid(logit),
            logit=logit,
            bias=self.bias,
            contributions=dict(zip(_NAMES, contributions, strict=True)),
            reasons=_reasons(contributions),
            model_version=self.version,
        )


_NAMES: Final = tuple(feature.name for feature in FEATURES)
_FAMILIES: Final = tuple(feature.family for feature in FEATURES)


def usual_order(currency: str, usual_orders: Mapping[str, int] = USUAL_ORDER_MINOR) -> int:
    """The usual order of a currency, minor units: `ScoredOrder.usual_minor`.

    Raises:
        UnknownCurrencyError: None is configured.
    """
    usual = usual_orders.get(currency)
    if usual is None:
        raise UnknownCurrencyError(f"usual orders are configured for {', '.join(sorted(usual_orders))}")
    return usual


def score_order(order: ScoredOrder, profile: RiskProfile, terminal: TerminalHistory) -> FraudScore:
    """Score an order before it is counted anywhere.

    Args:
        order: What is asked.
        profile: The customer's risk profile.
        terminal: Orders and known frauds of the terminal, the shop or the online merchant.

    Raises:
        ModelIntegrityError: See `load_model`.
    """
    return score_inputs(fraud_features(order, profile, terminal))


def score_inputs(inputs: Sequence[float], champion: str = "") -> FraudScore:
    """Score one order from its inputs by the model in force.

    Args:
        inputs: As `fraud_features` makes them.
        champion: Version that people have chosen; "" for the package's release. A package that does not carry it
            scores by its release: an order does not wait for a deployment, and its record names who scored it.

    Raises:
        ModelIntegrityError: See `load_model`.
    """
    if not champion:
        return _loaded().score(inputs)
    try:
        return model_of(champion).score(inputs)
    except ModelNotKeptError:
        count("fraud_champion_not_carried")
        return _loaded().score(inputs)


def model_of(version: str) -> FraudModel:
    """A model by its version: the package's release, or another that the package carries.

    Raises:
        ModelNotKeptError: Neither.
        ModelIntegrityError: See `load_model`.
    """
    return _loaded() if _loaded().version == version else _other(version)


@cache
def _other(version: str) -> FraudModel:
    artifact = shipped().get(version)
    if artifact is None or artifact.model != "fraud":
        raise ModelNotKeptError(version=version)
    return load_model(artifact.folder)


def unload() -> None:
    """Drop what this process has loaded."""
    _loaded.cache_clear()
    _other.cache_clear()


def prove() -> None:
    """Refuse to start with a fraud model that is not the released one; see `scoring.prove_files`.

    Raises:
        ModelIntegrityError: Its sha256 is not the manifest's.
    """
    prove_file(MODEL_FOLDER)


def warm_up() -> None:
    """Load and check the model before the first request."""
    _loaded()


@cache
def _loaded() -> FraudModel:
    return load_model(MODEL_FOLDER)


def load_model(folder: Path = MODEL_FOLDER) -> FraudModel:
    """Load the model and prove that it is the released one.

    Args:
        folder: Holds model.onnx, manifest.json and golden_scores.json.

    Raises:
        ModelIntegrityError: A file is missing, its sha256 is not the manifest's, its inputs are not this code's, or a
            golden score differs.
    """
    raw, manifest = released(folder)
    declared = [(feature["name"], feature["definition"]) for feature in manifest["features"]]
    if declared != [(feature.name, feature.definition) for feature in FEATURES]:
        raise ModelIntegrityError("the fraud model was trained on other inputs than this code computes")
    model = FraudModel(manifest["version"], manifest["bias"], ModelSession(raw))
    _check_golden(model, json.loads(read_file(folder / "golden_scores.json")))
    return model


def _check_golden(model: FraudModel, golden: Mapping[str, Any]) -> None:
    for case in golden["scores"]:
        score = model.score([float(case["inputs"].get(name, 0.0)) for name in _NAMES])
        expected = {"logit": case["logit"], **case["contributions"]}
        actual = {"logit": score.logit, **score.contributions}
        worst = max(abs(expected[name] - actual[name]) for name in actual)
        if not worst <= LOGIT_TOLERANCE:
            raise ModelIntegrityError(f"golden score {case['name']!r} is off by {worst:g}")


def _reasons(contributions: Sequence[float]) -> tuple[FraudReason, ...]:
    sums: dict[str, float] = {}
    for family, contribution in zip(_FAMILIES, contributions, strict=True):
        sums[family] = sums.get(family, 0.0) + contribution
    raising = sorted((-value, family) for family, value in sums.items() if value > 0)
    return tuple(FraudReason(*REASONS[family], -value) for value, family in raising)
