"""From a booster's text to the file that is shipped: the same text, the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from model_artifacts.training.onnx_export import to_onnx
from model_artifacts.training.shapley import expand
from model_artifacts.training.trees import read_trees


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model file.

    Args:
        model: "application", "behavior" or "fraud".
        raw: The ONNX file.
        sha256: Of it, hexadecimal.
        bias: Expected logit over the training rows.
    """

    model: str
    raw: bytes
    sha256: str
    bias: float

    @property
    def version(self) -> str:
        """Names these bytes and no others."""
        return f"{self.model}-{self.sha256[:12]}"


def compile_booster(model: str, text: str, features: int) -> Compiled:
    """The model file of a booster.

    Args:
        model: See `Compiled`.
        text: Merged booster, LightGBM text.
        features: Number of the model's inputs.

    Raises:
        ValueError: A split that is not exported (`trees.read_trees`), or trees too deep (`onnx_export.to_onnx`).
    """
    expansion = expand(read_trees(text))
    raw = to_onnx(expansion, features, f"whitenote_{model}").SerializeToString(deterministic=True)
    return Compiled(model, raw, hashlib.sha256(raw).hexdigest(), expansion.bias)
