"""Use cases of the registry: list the models, run one in the shadow, promote it by two persons, roll back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from functions.core.errors import ConflictError, UnavailableError
from functions.credit.models import registry as roles
from functions.credit.models.artifacts import Artifact, artifact_of, shipped
from functions.credit.models.kinds import Kind, kind_of
from functions.credit.models.registry import Registry
from functions.credit.models.store import (
    plan_registry,
    present_proposal,
    present_step,
    read_registry,
    registry_item,
)
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call

_TRIES = 4
Act = Callable[[Registry, str, str, str, datetime], Registry]


class SimulatedModelError(ConflictError):
    code, title = "simulated_model", "A model that learned from made-up people is not promoted on a live stage"


def list_models() -> dict[str, Any]:
    """Every model of this package with its role, champions first."""
    order = {"champion": 0, "challenger": 1, "former": 2, "candidate": 3}
    found = {model: read_registry(model)[0] for model in {one.model for one in shipped().values()}}
    shown = [_row(one, found[one.model]) for one in shipped().values()]
    shown.sort(key=lambda row: (row["model"], order[row["role"]], row["id"]))
    return {"data": shown, "next_cursor": None}


def read_model(version: str) -> dict[str, Any]:
    """A model with its card, its figures and its history.

    Raises:
        NotFoundError: This package does not carry it.
    """
    artifact = artifact_of(version)
    registry, _ = read_registry(artifact.model)
    return _present(artifact, registry)


def _row(artifact: Artifact, registry: Registry) -> dict[str, Any]:
    training, metrics = artifact.manifest["training"], artifact.manifest["metrics"]
    return {
        "id": artifact.version,
        "object": "model",
        "model": artifact.model,
        "role": registry.role(artifact.version),
        "released": artifact.released,
        "simulated": artifact.simulated,
        "sha256": artifact.manifest["sha256"],
        "training_rows": training["rows"],
        "training_data_sha256": training["data_sha256"],
        "auc": metrics.get("auc"),
        "brier": metrics.get("brier"),
    }


def _present(artifact: Artifact, registry: Registry) -> dict[str, Any]:
    card = artifact.folder / "MODEL_CARD.md"
    asked = registry.proposal
    mine = [step for step in registry.history if step.version == artifact.version]
    return _row(artifact, registry) | {
        "metrics": dict(artifact.manifest["metrics"]),
        "features": [feature["name"] for feature in artifact.manifest["features"]],
        "card": card.read_text(encoding="utf-8") if card.exists() else None,
        "proposal": present_proposal(asked) if asked and asked.version == artifact.version else None,
        "history": [present_step(step) for step in mine],
    }


def act(version: str, what: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """One act of a person on a model.

    Args:
        version: Of the model.
        what: "challenge", "withdraw", "propose", "promote" or "roll_back".
        reason: In the person's words.
        call: The command.

    Returns:
        The model as it is after it, and whether the command was done before.

    Raises:
        NotFoundError: This package does not carry it, or not the champion that a roll-back would restore.
        ModelIntegrityError: Its files are not what its manifest says.
        SimulatedModelError: It may not be promoted here.
        ModelStateError, SamePersonError, NothingProposedError, NoFormerChampionError: See `registry`.
    """
    box, command, artifact = container(), call.command(), artifact_of(version)
    kind = kind_of(artifact.model)
    for _ in range(_TRIES):
        before, item = read_registry(artifact.model, consistent=True)
        if item is not None and is_replay(item.commands, command):
            return _present(artifact, before), True
        now = box.clock.now()
        after = _ACTS[what](before, version, call.who.id, reason, now)
        _require_fit(kind, before, after)
        changed = registry_item(artifact.model, after, (item.version if item else 0) + 1)
        changed.commands = remember(item.commands if item else None, command)
        told = {"what": after.history[-1].what, "version": version, "champion": after.champion}
        changed.tell(now, call.request_id, Pending(f"model.{after.history[-1].what}", told))
        try:
            commit(box.tables, plan_registry(changed, item.version if item else None))
        except ConditionFailedError:
            continue
        kind.forget()
        count(f"model_{after.history[-1].what}")
        return _present(artifact, after), False
    raise UnavailableError("others act on this model", retry_after_s=1)


_ACTS: dict[str, Act] = {
    "challenge": roles.challenge,
    "withdraw": roles.withdraw,
    "propose": roles.propose,
    "promote": roles.promote,
    "roll_back": roles.roll_back,
}


def _require_fit(kind: Kind, before: Registry, after: Registry) -> None:
    """Nothing decides, or scores in the shadow, that does not load and prove itself here first."""
    if after.champion != before.champion:
        kind.load(after.champion)
        champion = artifact_of(after.champion)
        if container().settings.is_live and champion.simulated and not champion.released:
            raise SimulatedModelError
    if after.challenger is not None and after.challenger != before.challenger:
        kind.load(after.challenger)
