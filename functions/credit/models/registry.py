"""Champion and challenger of one model: who may take whose place, and by whose will. Pure.

    candidate ── challenge ──▶ challenger ── propose ──▶ proposed ── promote (another person) ──▶ champion
                                  ◀──────── withdraw ────────┘
    champion ── roll back ──▶ the champion before it is champion again

A promotion is two persons' act. A roll-back is one person's: it only restores what two have approved before, and it
must not wait for a second while a bad model decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from functions.core.errors import ConflictError
from functions.credit.two_people import NothingProposedError, require_second


class ModelStateError(ConflictError):
    """Carries `role`, what the model is now."""

    code, title = "model_state", "The model is not in a role that allows this"


class NoFormerChampionError(ConflictError):
    code, title = "no_former_champion", "There is no earlier champion to go back to"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion that waits for a second person.

    Args:
        version: Of the challenger.
        by: Who proposes it.
        reason: In that person's words.
        at: Aware UTC.
    """

    version: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One act in the history of a model.

    Args:
        what: "challenged", "withdrawn", "proposed", "promoted" or "rolled_back".
        version: Of the model it was done to.
        by: One person, or two separated by a space.
        reason: In the last person's words.
        at: Aware UTC.
    """

    what: str
    version: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Registry:
    """The roles of one model's versions.

    Args:
        champion: Decides.
        former: Champions before it, the latest last.
        challenger: Scores in the shadow; None if none does.
        challenged_at: Since when.
        proposal: Waits for a second person.
        history: Every act, oldest first.
    """

    champion: str
    former: tuple[str, ...] = ()
    challenger: str | None = None
    challenged_at: datetime | None = None
    proposal: Proposal | None = None
    history: tuple[Step, ...] = ()

    def role(self, version: str) -> str:
        """What a version is: "champion", "challenger", "former" or "candidate"."""
        if version == self.champion:
            return "champion"
        if version == self.challenger:
            return "challenger"
        return "former" if version in self.former else "candidate"


def challenge(registry: Registry, version: str, by: str, reason: str, at: datetime) -> Registry:
    """Let a version score in the shadow of the champion, in place of whichever did so.

    Raises:
        ModelStateError: It is the champion, or the challenger already.
    """
    role = registry.role(version)
    if role in {"champion", "challenger"}:
        raise ModelStateError(f"it is the {role}", role=role)
    step = Step("challenged", version, by, reason, at)
    return _with(replace(registry, challenger=version, challenged_at=at, proposal=None), step)


def withdraw(registry: Registry, version: str, by: str, reason: str, at: datetime) -> Registry:
    """Take a challenger out of the shadow.

    Raises:
        ModelStateError: It is none.
    """
    _require_challenger(registry, version)
    step = Step("withdrawn", version, by, reason, at)
    return _with(replace(registry, challenger=None, challenged_at=None, proposal=None), step)


def propose(registry: Registry, version: str, by: str, reason: str, at: datetime) -> Registry:
    """Ask a second person to make the challenger the champion.

    Raises:
        ModelStateError: It is no challenger.
    """
    _require_challenger(registry, version)
    step = Step("proposed", version, by, reason, at)
    return _with(replace(registry, proposal=Proposal(version, by, reason, at)), step)


def promote(registry: Registry, version: str, by: str, reason: str, at: datetime) -> Registry:
    """Make the challenger the champion, as the second person.

    Raises:
        ModelStateError: It is no challenger.
        NothingProposedError: Nobody has proposed it.
        SamePersonError: This person has.
    """
    _require_challenger(registry, version)
    if registry.proposal is None or registry.proposal.version != version:
        raise NothingProposedError
    require_second(registry.proposal.by, by)
    step = Step("promoted", version, f"{registry.proposal.by} {by}", reason, at)
    after = replace(
        registry,
        champion=version,
        former=(*(one for one in registry.former if one != version), registry.champion),
        challenger=None,
        challenged_at=None,
        proposal=None,
    )
    return _with(after, step)


def roll_back(registry: Registry, version: str, by: str, reason: str, at: datetime) -> Registry:
    """Make the champion before this one champion again.

    Raises:
        ModelStateError: It is not the champion.
        NoFormerChampionError: There was none before it.
    """
    if version != registry.champion:
        raise ModelStateError(f"it is the {registry.role(version)}", role=registry.role(version))
    if not registry.former:
        raise NoFormerChampionError
    step = Step("rolled_back", version, by, reason, at)
    after = replace(registry, champion=registry.former[-1], former=registry.former[:-1], proposal=None)
    if after.champion == after.challenger:
        after = replace(after, challenger=None, challenged_at=None)
    return _with(after, step)


def _require_challenger(registry: Registry, version: str) -> None:
    if version != registry.challenger:
        role = registry.role(version)
        raise ModelStateError(f"it is {role}", role=role)


def _with(registry: Registry, step: Step) -> Registry:
    return replace(registry, history=(*registry.history, step))
