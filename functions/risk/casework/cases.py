"""A case: a person's work on one suspicion. States and who may move between them are a table.

    open ── claim ──▶ claimed ── propose ──▶ proposed ── confirm ──▶ closed
      ◀── release ──┘   └── decide (small, no reversal) ──▶ closed
                        ◀───────── refuse ──────────┘
    open, claimed, proposed ── expire ──▶ closed (expired)

An amount above the threshold and every reversal of an earlier decision need a second person. Lateness escalates once;
expiry declines and lets the held line go. Time comes in as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from functions.core.errors import ConflictError, ForbiddenError, InvalidError


class State(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    PROPOSED = "proposed"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What is done about the payment."""

    APPROVE = "approve"
    DECLINE = "decline"


class Finding(StrEnum):
    """What it was; the label that backtests and training learn from."""

    CONFIRMED_FRAUD = "confirmed_fraud"
    CLEARED = "cleared"
    INCONCLUSIVE = "inconclusive"
    EXPIRED = "expired"


class Kind(StrEnum):
    """What waits for the person."""

    HELD = "held"  # an authorization, held by the synchronous check
    HELD_IN_STORE = "held_in_store"  # the same at a till, where a customer is waiting
    SUSPENDED = "suspended"  # an approved authorization, stopped before capture
    LINE = "line"
    MERCHANT = "merchant"


class CaseStateError(ConflictError):
    """Carries `state`, the one the case is in."""

    code, title = "case_state", "The case is not in a state that allows this"


class NotYourCaseError(ForbiddenError):
    code, title = "not_your_case", "Someone else has claimed the case"


class SamePersonError(ForbiddenError):
    code, title = "same_person", "The second person must be someone else"


class SecondPersonNeededError(ConflictError):
    code, title = "second_person_needed", "This decision must be proposed and confirmed by a second person"


class FindingMismatchError(InvalidError):
    code, title = "finding_mismatch", "The finding does not go with the decision"


_MOVES: Final = {
    ("claim", State.OPEN): State.CLAIMED,
    ("release", State.CLAIMED): State.OPEN,
    ("propose", State.CLAIMED): State.PROPOSED,
    ("decide", State.CLAIMED): State.CLOSED,
    ("confirm", State.PROPOSED): State.CLOSED,
    ("refuse", State.PROPOSED): State.CLAIMED,
    ("expire", State.OPEN): State.CLOSED,
    ("expire", State.CLAIMED): State.CLOSED,
    ("expire", State.PROPOSED): State.CLOSED,
}

_FINDINGS: Final = {
    Verdict.APPROVE: frozenset({Finding.CLEARED, Finding.INCONCLUSIVE}),
    Verdict.DECLINE: frozenset({Finding.CONFIRMED_FRAUD, Finding.INCONCLUSIVE}),
}

EFFECTS: Final[dict[tuple[Kind, Verdict], tuple[str, ...]]] = {
    (Kind.HELD, Verdict.APPROVE): ("decide_orders",),
    (Kind.HELD, Verdict.DECLINE): ("decide_orders",),
    (Kind.HELD_IN_STORE, Verdict.APPROVE): ("decide_orders",),  # after a minute it is declined, whatever is decided
    (Kind.HELD_IN_STORE, Verdict.DECLINE): ("decide_orders",),
    (Kind.SUSPENDED, Verdict.APPROVE): ("decide_orders", "lift_freeze"),
    (Kind.SUSPENDED, Verdict.DECLINE): ("decide_orders",),
    (Kind.LINE, Verdict.APPROVE): ("lift_freeze",),
    (Kind.LINE, Verdict.DECLINE): ("cut_line",),
    (Kind.MERCHANT, Verdict.APPROVE): ("decide_orders", "release_payout"),
    (Kind.MERCHANT, Verdict.DECLINE): ("decide_orders", "block_payout", "suspend_merchant"),
}
"""What a decision does, by name (`carrying.EFFECTS`); all of it in the transaction that closes the case.

"decide_orders" approves or declines what was held, and resumes or voids, with what that gives back to the line, what
was suspended.
"""

ON_FRAUD: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.HELD: ("freeze_line",),
    Kind.HELD_IN_STORE: ("freeze_line",),
    Kind.SUSPENDED: ("freeze_line",),
}
"""What a decision does besides where it was fraud: who has used a line once will again, until its customer is heard."""

AT_EXPIRY: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.HELD: ("decide_orders",),
    Kind.HELD_IN_STORE: (),
    Kind.SUSPENDED: ("decide_orders", "lift_freeze"),
    Kind.LINE: ("lift_freeze",),
    Kind.MERCHANT: ("decide_orders", "release_payout"),
}
"""What happens when nobody decided in time: orders are declined, and what was only a precaution ends."""

MEASURES: Final = ("step_up_next", "freeze_line", "cut_line", "block_payout")
"""What a person may add to a decision, whichever it is."""

SEVERITIES: Final = ("low", "medium", "high", "critical")
_ANSWER_WITHIN: Final = {
    "low": timedelta(hours=24),
    "medium": timedelta(hours=8),
    "high": timedelta(hours=2),
    "critical": timedelta(minutes=30),
}
_LIFE: Final = {
    Kind.HELD: timedelta(hours=24),
    Kind.HELD_IN_STORE: timedelta(days=7),
    Kind.SUSPENDED: timedelta(days=3),
    Kind.LINE: timedelta(days=7),
    Kind.MERCHANT: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that waits for a second person."""

    verdict: Verdict
    finding: Finding
    by: str


@dataclass(frozen=True, slots=True)
class Case:
    """One suspicion about one pivot (an authorization, a customer, a merchant).

    Args:
        kind: What waits.
        state: See the table.
        severity: One of `SEVERITIES`.
        value_minor: What is at risk.
        opened_at: Aware UTC; so are the others.
        due_at: When someone should have answered.
        expires_at: When it closes by itself.
        reversal: It would undo an earlier decision.
        claimed_by: Staff id, or "".
        proposal: While proposed.
        finding: Once closed.
        decided_by: Who closed it: one or two staff ids, none for expiry.
        escalated: Lateness was reported.
    """

    kind: Kind
    state: State
    severity: str
    value_minor: int
    opened_at: datetime
    due_at: datetime
    expires_at: datetime
    reversal: bool = False
    claimed_by: str = ""
    proposal: Proposal | None = None
    finding: Finding | None = None
    decided_by: tuple[str, ...] = ()
    escalated: bool = False

    @property
    def label(self) -> bool | None:
        """Whether it was fraud, as far as anyone found out: what backtests and training may learn from it."""
        return {Finding.CONFIRMED_FRAUD: True, Finding.CLEARED: False}.get(self.finding) if self.finding else None


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed case and what its decision does (`EFFECTS`)."""

    case: Case
    verdict: Verdict
    effects: tuple[str, ...]


def open_case(
    kind: Kind,
    severity: str,
    value_minor: int,
    now: datetime,
    *,
    reversal: bool = False,
    expires_at: datetime | None = None,
) -> Case:
    """A new case with its deadlines.

    Args:
        kind: What waits.
        severity: One of `SEVERITIES`.
        value_minor: What is at risk.
        now: Aware UTC.
        reversal: It would undo an earlier decision.
        expires_at: Where the thing that waits ends earlier than such a case would.
    """
    own_end = now + _LIFE[kind]
    ends = own_end if expires_at is None else min(own_end, expires_at)
    due = min(now + _ANSWER_WITHIN[severity], ends)
    return Case(kind, State.OPEN, severity, value_minor, now, due, ends, reversal)


def absorb(case: Case, severity: str, value_minor: int, now: datetime, kind: Kind | None = None) -> Case:
    """One more suspicion about the same pivot: the case takes it in, and may become more urgent, never less.

    Args:
        case: Not closed.
        severity: Of the suspicion.
        value_minor: What is at risk by it.
        now: Aware UTC.
        kind: What waits now, if an order has been suspended that was none before.

    Raises:
        CaseStateError: Closed; a new case is due.
    """
    if case.state is State.CLOSED:
        raise CaseStateError(state=case.state.value)
    worse = max(case.severity, severity, key=SEVERITIES.index)
    due = min(case.due_at, now + _ANSWER_WITHIN[worse]) if worse != case.severity else case.due_at
    waits = kind or case.kind
    ends = case.expires_at if waits is case.kind else min(case.expires_at, now + _LIFE[waits])
    value = max(case.value_minor, value_minor)
    return replace(case, kind=waits, severity=worse, due_at=min(due, ends), expires_at=ends, value_minor=value)


def claim(case: Case, by: str) -> Case:
    """Take the case; taking one's own again changes nothing."""
    if case.state is State.CLAIMED and case.claimed_by == by:
        return case
    return replace(case, state=_next(case, "claim"), claimed_by=by)


def release(case: Case, by: str) -> Case:
    """Put the case back into the queue."""
    state = _next(case, "release")
    _claimer(case, by)
    return replace(case, state=state, claimed_by="")


def needs_second(case: Case, threshold_minor: int) -> bool:
    """Whether one person may not decide this alone."""
    return case.reversal or case.value_minor > threshold_minor


def propose(case: Case, verdict: Verdict, finding: Finding, by: str) -> Case:
    """Ask a second person to confirm a decision."""
    state = _next(case, "propose")
    _claimer(case, by)
    _goes_with(verdict, finding)
    return replace(case, state=state, proposal=Proposal(verdict, finding, by))


def decide(case: Case, verdict: Verdict, finding: Finding, by: str, threshold_minor: int) -> Closed | Case:
    """Approve or decline: alone where that is allowed, or as the second person.

    Args:
        case: Claimed by this person, or proposed by another.
        verdict: What is done.
        finding: What it was.
        by: Staff id.
        threshold_minor: Above it two persons decide.

    Returns:
        The closed case with its effects; or, where the second person decides otherwise than was proposed, the case
        back with its claimer.

    Raises:
        SecondPersonNeededError: Claimed, and too much for one person.
        SamePersonError: Proposed by this very person.
        NotYourCaseError, FindingMismatchError, CaseStateError: As they say.
    """
    _goes_with(verdict, finding)
    if case.state is State.PROPOSED and case.proposal is not None:
        if case.proposal.by == by:
            raise SamePersonError
        if case.proposal.verdict is not verdict:
            return replace(case, state=_next(case, "refuse"), proposal=None)
        return _closed(case, "confirm", verdict, finding, (case.proposal.by, by))
    _next(case, "decide")
    _claimer(case, by)
    if needs_second(case, threshold_minor):
        raise SecondPersonNeededError(state=case.state.value)
    return _closed(case, "decide", verdict, finding, (by,))


def expire(case: Case, now: datetime) -> Closed | None:
    """Close a case whose time is over, by declining; None if it is not over or the case is closed already."""
    if case.state is State.CLOSED or now < case.expires_at:
        return None
    closed = _closed(case, "expire", Verdict.DECLINE, Finding.EXPIRED, ())
    return replace(closed, effects=AT_EXPIRY[case.kind])


def escalate(case: Case, now: datetime) -> Case | None:
    """The case one step more severe, once, when its answer is late; None if there is nothing to escalate."""
    if case.state is State.CLOSED or case.escalated or now < case.due_at:
        return None
    worse = SEVERITIES[min(SEVERITIES.index(case.severity) + 1, len(SEVERITIES) - 1)]
    return replace(case, escalated=True, severity=worse)


def queue_key(case: Case, now: datetime) -> tuple[int, float, int]:
    """Sorts the queue: first what is late or nearly so (by deadline), then by value at risk.

    "Nearly" is the last quarter of the time to answer.
    """
    left = (case.due_at - now).total_seconds()
    pressing = left <= (case.due_at - case.opened_at).total_seconds() / 4
    return (0, left, -case.value_minor) if pressing else (1, -case.value_minor, 0)


def _next(case: Case, command: str) -> State:
    state = _MOVES.get((command, case.state))
    if state is None:
        raise CaseStateError(f"a case that is {case.state} can't be told to {command}", state=case.state.value)
    return state


def _claimer(case: Case, by: str) -> None:
    if case.claimed_by != by:
        raise NotYourCaseError


def _goes_with(verdict: Verdict, finding: Finding) -> None:
    if finding not in _FINDINGS[verdict]:
        raise FindingMismatchError(f"{verdict} goes with {' or '.join(sorted(_FINDINGS[verdict]))}, not {finding}")


def _closed(case: Case, command: str, verdict: Verdict, finding: Finding, by: tuple[str, ...]) -> Closed:
    closed = replace(case, state=_next(case, command), proposal=None, finding=finding, decided_by=by)
    further = ON_FRAUD.get(case.kind, ()) if finding is Finding.CONFIRMED_FRAUD else ()
    return Closed(closed, verdict, (*EFFECTS[case.kind, verdict], *further))
