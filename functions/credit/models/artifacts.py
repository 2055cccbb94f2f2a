"""The models that this package carries: the released one of each kind, and those that may take its place.

A version is the hash of its file, so whatever names a version names its bytes. `model_artifacts/<model>` is the
release; `model_artifacts/challengers/<version>/<model>` are the others, former champions among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from functions.core.errors import NotFoundError
from functions.credit.scoring import ARTIFACTS, ScoringModel, load_model

Managed = Literal["application", "behavior", "fraud"]
MANAGED: Final[tuple[Managed, ...]] = get_args(Managed)
"""Every model that people let in, compare and promote; the fraud model scores orders, the others credit."""
CHALLENGERS: Final = "challengers"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's folder.

    Args:
        version: For example "behavior-b7c917d3bc54".
        model: Its kind.
        folder: Where its files are.
        manifest: As training wrote it.
        released: It is the package's own release, the champion until people decide otherwise.
    """

    version: str
    model: Managed
    folder: Path
    manifest: Mapping[str, Any]
    released: bool

    @property
    def simulated(self) -> bool:
        """Whether it learned from made-up people: such a model is never promoted on a live stage."""
        return bool(self.manifest["training"].get("simulated", False))


@lru_cache(maxsize=4)
def shipped(artifacts: Path = ARTIFACTS) -> Mapping[str, Artifact]:
    """Every model of the package by version, releases first."""
    releases = [artifacts / model for model in MANAGED]
    others = sorted(path.parent for path in artifacts.glob(f"{CHALLENGERS}/*/*/manifest.json"))
    found: dict[str, Artifact] = {}
    for folder in [*releases, *others]:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        artifact = Artifact(
            manifest["version"], cast("Managed", manifest["model"]), folder, manifest, folder in releases
        )
        found.setdefault(artifact.version, artifact)
    return found


def release_of(model: Managed) -> Artifact:
    """The package's own release of a model."""
    return next(one for one in shipped().values() if one.released and one.model == model)


def artifact_of(version: str) -> Artifact:
    """A model of this package by its version.

    Raises:
        NotFoundError: This package does not carry it.
    """
    found = shipped().get(version)
    if found is None:
        raise NotFoundError(f"this package does not carry {version}")
    return found


@lru_cache(maxsize=4)
def loaded(version: str) -> ScoringModel:
    """A credit model of this package, loaded and proved to be what its manifest says.

    Raises:
        NotFoundError: This package does not carry it.
        UnknownModelError: It is no credit model.
        ModelIntegrityError: See `scoring.load_model`.
    """
    artifact = artifact_of(version)
    return load_model(artifact.model, artifact.folder.parent)
