"""The life of a rule, from draft to retirement. Whoever wrote a rule never lets it count.

draft ─ validate ─▶ validated ─ backtest ─▶ backtested ─ shadow ─▶ shadow ─ canary ─▶ canary ─ activate ─▶ live
shadow, canary and live can be snoozed until a time and woken; anything but retired can be retired. A rule is never
edited: a change is its next version, which begins as a draft.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from functions.core.errors import ConflictError, ForbiddenError, InvalidError
from functions.risk.counters import hash64
from functions.risk.rules import Rule
from functions.risk.ruling.ruleset import BUCKETS, Deployed, Mode


class RuleState(StrEnum):
    DRAFT = "draft"
    VALIDATED = "validated"
    BACKTESTED = "backtested"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    SNOOZED = "snoozed"
    RETIRED = "retired"


class RuleStateError(ConflictError):
    """Carries `state`, the one the rule is in."""

    code, title = "rule_state", "The rule is not in a state that allows this"


class AuthorApprovesError(ForbiddenError):
    code, title = "author_approves", "The author of a rule can't approve it"


class BadShareError(InvalidError):
    code, title = "bad_share", "A canary counts for more than nothing and less than everything"


_MOVES: Final[dict[tuple[str, RuleState], RuleState]] = {
    ("validate", RuleState.DRAFT): RuleState.VALIDATED,
    ("backtest", RuleState.VALIDATED): RuleState.BACKTESTED,
    ("backtest", RuleState.BACKTESTED): RuleState.BACKTESTED,
    ("shadow", RuleState.BACKTESTED): RuleState.SHADOW,
    ("shadow", RuleState.CANARY): RuleState.SHADOW,
    ("shadow", RuleState.LIVE): RuleState.SHADOW,
    ("canary", RuleState.SHADOW): RuleState.CANARY,
    ("canary", RuleState.CANARY): RuleState.CANARY,
    ("activate", RuleState.SHADOW): RuleState.LIVE,
    ("activate", RuleState.CANARY): RuleState.LIVE,
    ("snooze", RuleState.SHADOW): RuleState.SNOOZED,
    ("snooze", RuleState.CANARY): RuleState.SNOOZED,
    ("snooze", RuleState.LIVE): RuleState.SNOOZED,
    **{("retire", state): RuleState.RETIRED for state in RuleState if state is not RuleState.RETIRED},
}
_APPROVED: Final = frozenset({"canary", "activate"})
"""Moves after which the rule decides about people, so that a second person makes them."""


@dataclass(frozen=True, slots=True)
class RuleLife:
    """Where a rule stands.

    Args:
        author: Staff id.
        state: See the table.
        share_bps: Share of decisions for which a canary counts.
        until: While snoozed, when it wakes; while live, when it expires. None for never.
        woken: The state it wakes into.
        approved_by: Staff id, or "".
    """

    author: str
    state: RuleState = RuleState.DRAFT
    share_bps: int = BUCKETS
    until: datetime | None = None
    woken: RuleState | None = None
    approved_by: str = ""


def move(life: RuleLife, command: str, by: str, *, share_bps: int = BUCKETS, until: datetime | None = None) -> RuleLife:
    """Carry a rule one step on.

    Args:
        life: Where it stands.
        command: A verb of the API: validate, backtest, shadow, canary, activate, snooze, retire.
        by: Staff id.
        share_bps: For a canary, 1 … 9999.
        until: For snooze, when it wakes; for activate, when it expires.

    Raises:
        RuleStateError: Not from here.
        AuthorApprovesError: The author may not let the rule count.
        BadShareError: The canary's share is out of range.
    """
    state = _MOVES.get((command, life.state))
    if state is None:
        raise RuleStateError(f"a rule that is {life.state} can't be told to {command}", state=life.state.value)
    if command in _APPROVED and by == life.author:
        raise AuthorApprovesError
    if command == "canary" and not 0 < share_bps < BUCKETS:
        raise BadShareError(f"{share_bps} basis points")
    return replace(
        life,
        state=state,
        share_bps=share_bps if command == "canary" else life.share_bps if command == "snooze" else BUCKETS,
        until=until if command in {"snooze", "activate"} else None,
        woken=life.state if command == "snooze" else None,
        approved_by=by if command in _APPROVED else life.approved_by,
    )


def as_of(life: RuleLife, now: datetime) -> RuleLife:
    """The same after what time alone does: a snooze ends, a live rule expires into retirement."""
    if life.until is None or now < life.until:
        return life
    if life.state is RuleState.SNOOZED and life.woken is not None:
        return replace(life, state=life.woken, until=None, woken=None)
    if life.state is RuleState.LIVE:
        return replace(life, state=RuleState.RETIRED, until=None)
    return life


_MODES: Final = {
    RuleState.SHADOW: Mode.SHADOW,
    RuleState.CANARY: Mode.CANARY,
    RuleState.LIVE: Mode.LIVE,
    RuleState.SNOOZED: Mode.SNOOZED,
}


def deployed(rule: Rule, life: RuleLife, now: datetime) -> Deployed | None:
    """How the rule stands in a ruleset now; None if it doesn't run at all."""
    current = as_of(life, now)
    mode = _MODES.get(current.state)
    return None if mode is None else Deployed(rule, mode, current.share_bps if mode is Mode.CANARY else BUCKETS)


def canary_bucket(subject: str) -> int:
    """0 … 9999, always the same for the same customer: a canary treats a person the same every time."""
    return hash64("canary", subject) % BUCKETS
