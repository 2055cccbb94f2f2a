"""Alerts: what a check found, told once. The same thing again is folded in, and no pivot can flood anyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from functions.core.errors import ConflictError
from functions.risk.casework.cases import SEVERITIES
from functions.risk.counters import hash64

FOLD_WITHIN: Final = timedelta(hours=1)
"""The same finding about the same pivot within this time is the same alert."""

PER_PIVOT: Final = 5
PER: Final = timedelta(hours=1)
"""So many different alerts about one pivot are sent in this time; the rest are kept but not sent."""


class AlertStateError(ConflictError):
    """Carries `state`, the one the alert is in."""

    code, title = "alert_state", "The alert is not in a state that allows this"


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Handling(StrEnum):
    """What becomes of a finding."""

    SEND = "send"
    FOLD = "fold"  # the same again: counted on the alert that is there
    RAISE = "raise"  # the same again, but worse: sent once more
    KEEP = "keep"  # over the rate: stored, listed, not sent


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing found.

    Args:
        kind: Rule or check that found it.
        pivot: The object it is about.
        severity: One of `SEVERITIES`.
        first_at: When it was first found; aware UTC.
        last_at: And last.
        count: How often.
        state: See `_MOVES`.
        sent: It went out to merchant and staff.
        acknowledged_by: Staff id, or "".
    """

    kind: str
    pivot: str
    severity: str
    first_at: datetime
    last_at: datetime
    count: int = 1
    state: State = State.OPEN
    sent: bool = True
    acknowledged_by: str = ""


def dedup_key(kind: str, pivot: str, at: datetime) -> str:
    """Names an alert: the same kind about the same pivot in the same fixed hour has the same key, on any machine.

    A store that creates by this key alone can't hold the same alert twice, even without reading first.
    """
    return f"{hash64(kind, pivot, str(int(at.timestamp() // FOLD_WITHIN.total_seconds()))):016x}"


def handle(kind: str, pivot: str, severity: str, at: datetime, earlier: Sequence[Alert]) -> tuple[Handling, Alert]:
    """Decide what becomes of a finding.

    Args:
        kind: Rule or check that found it.
        pivot: The object it is about.
        severity: One of `SEVERITIES`.
        at: When it was found; aware UTC.
        earlier: Alerts about the same pivot, any order.

    Returns:
        What to do, and the alert to store: a new one, or the one that takes the finding in.
    """
    for alert in earlier:
        fresh = at - alert.last_at < FOLD_WITHIN
        if alert.kind == kind and fresh and alert.state is not State.RESOLVED:
            folded = replace(alert, count=alert.count + 1, last_at=max(alert.last_at, at))
            if SEVERITIES.index(severity) <= SEVERITIES.index(alert.severity):
                return Handling.FOLD, folded
            return Handling.RAISE, replace(folded, severity=severity, sent=True)
    sent = sum(alert.sent and at - alert.first_at < PER for alert in earlier)
    new = Alert(kind, pivot, severity, at, at, sent=sent < PER_PIVOT)
    return (Handling.SEND if new.sent else Handling.KEEP), new


_MOVES: Final = {
    ("acknowledge", State.OPEN): State.ACKNOWLEDGED,
    ("resolve", State.OPEN): State.RESOLVED,
    ("resolve", State.ACKNOWLEDGED): State.RESOLVED,
}


def acknowledge(alert: Alert, by: str) -> Alert:
    """A person has seen it."""
    return replace(alert, state=_next(alert, "acknowledge"), acknowledged_by=by)


def resolve(alert: Alert, by: str) -> Alert:
    """Nothing is left to do about it."""
    return replace(alert, state=_next(alert, "resolve"), acknowledged_by=alert.acknowledged_by or by)


def detection_ms(happened_at: datetime, found_at: datetime) -> int:
    """Milliseconds from the event to the alert, never below zero (clocks of two machines differ)."""
    return max(0, (found_at - happened_at) // timedelta(milliseconds=1))


def _next(alert: Alert, command: str) -> State:
    state = _MOVES.get((command, alert.state))
    if state is None:
        raise AlertStateError(f"an alert that is {alert.state} can't be told to {command}", state=alert.state.value)
    return state
