"""What a verdict consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What is wrong, as the first word of a report line."""

    CHANGED = "CHANGED"
    DROPPED = "DROPPED"
    INSERTED = "INSERTED"
    REORDERED = "REORDERED"
    LEAF = "LEAF"
    PAGE = "PAGE"
    HEAD = "HEAD"
    LOG = "LOG"
    CHECKPOINT = "CHECKPOINT"
    STATE = "STATE"
    COMMAND = "COMMAND"
    LEGS = "LEGS"
    REVERSAL = "REVERSAL"
    PERIOD = "PERIOD"
    EXPORT = "EXPORT"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong.

    Args:
        subject: The entry, or what else is at fault.
        detail: A sentence.
        index: Place in the log, if it has one.
    """

    kind: FaultKind
    subject: str
    detail: str
    index: int | None = None

    def __str__(self) -> str:
        place = "" if self.index is None else f" (log index {self.index})"
        return f"{self.kind} {self.subject}{place}: {self.detail}"


@dataclass(slots=True)
class Report:
    """The verdict.

    Args:
        faults: Everything wrong; empty means that the export is whole.
        notes: What could not be checked, and figures.
    """

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.faults
