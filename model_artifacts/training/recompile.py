"""`python -m model_artifacts.training.recompile [--model M]`: compile released boosters anew; nothing is trained.

For when the way from booster to ONNX has changed: same trees, same scores but for the last bits, another version. The
release before it is kept (`release.keep_former`), so that what it decided is made again with its own file.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from functions.credit.scoring import ARTIFACTS
from model_artifacts.training import release
from model_artifacts.training.compiling import Compiled, compile_booster
from model_artifacts.training.fraud import release as fraud_release
from model_artifacts.training.release import write_json

_GOLDEN: Final[Mapping[str, Callable[[Path], Mapping[str, Any]]]] = {
    "application": release.golden_scores,
    "behavior": release.golden_scores,
    "fraud": fraud_release.golden_scores,
}
"""Model → the golden scores of its folder."""
MODELS: Final = tuple(_GOLDEN)


def compile_released(folder: Path) -> Compiled:
    """What the booster of a model's folder compiles to.

    Args:
        folder: Holds booster.txt.gz and manifest.json.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    text = gzip.decompress((folder / "booster.txt.gz").read_bytes()).decode()
    return compile_booster(manifest["model"], text, len(manifest["features"]))


def recompile(model: str, artifacts: Path = ARTIFACTS) -> bool:
    """Put the file that its booster compiles to in the place of a released model's file.

    Args:
        model: One of `MODELS`.
        artifacts: Parent of the model's folder.

    Returns:
        Whether it was another one.
    """
    folder = artifacts / model
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    compiled = compile_released(folder)
    if compiled.version == manifest["version"]:
        return False
    release.keep_former(folder, compiled.version)
    (folder / "model.onnx").write_bytes(compiled.raw)
    renewed = {"version": compiled.version, "sha256": compiled.sha256, "bias": compiled.bias}
    write_json(folder / "manifest.json", {**manifest, **renewed})
    write_json(folder / "golden_scores.json", {"scores": []})  # or the load refuses the new file
    write_json(folder / "golden_scores.json", _GOLDEN[model](folder))
    card = folder / "MODEL_CARD.md"
    card.write_text(card.read_text(encoding="utf-8").replace(manifest["version"], compiled.version), encoding="utf-8")
    return True


def main() -> None:
    """Recompile one model, or all."""
    parser = argparse.ArgumentParser(prog="python -m model_artifacts.training.recompile", description=__doc__)
    parser.add_argument("--model", choices=MODELS, action="append")
    for model in parser.parse_args().model or MODELS:
        print(f"{model}: {'another file' if recompile(model) else 'the same file'}")


if __name__ == "__main__":
    main()
