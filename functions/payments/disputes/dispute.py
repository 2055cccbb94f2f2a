"""A dispute as a value, and its state table: pure, total, and the only place where a state changes.

    opened ── ask ──▶ evidence_due ── answer ──▶ evidence_due          (ten days from the opening)
       │                  │ lapse (nothing said in time) ──▶ lost
       ├── accept ──▶ accepted ◀── accept ──┤
       └── win ──▶ won, lose ──▶ lost ◀─────┘

A kind that is the merchant's to answer is asked as soon as the merchant has been told. The others (`unauthorized`,
`merchant_insolvent`) wait for the staff; the merchant may answer them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.core.clock import isoformat
from functions.core.errors import ConflictError, ForbiddenError

EVIDENCE_DAYS: Final = 10
MAX_EVIDENCE: Final = 20
SECOND_PERSON_ABOVE_MINOR: Final = 500_000


class State(StrEnum):
    """States of product.md; a state never goes back."""

    OPENED = "opened"
    EVIDENCE_DUE = "evidence_due"
    WON = "won"
    LOST = "lost"
    ACCEPTED = "accepted"


class Kind(StrEnum):
    """What the customer says."""

    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    UNAUTHORIZED = "unauthorized"
    DUPLICATE = "duplicate"
    REFUND_NOT_PROCESSED = "refund_not_processed"
    MERCHANT_INSOLVENT = "merchant_insolvent"


class Outcome(StrEnum):
    """For the merchant."""

    WON = "won"
    LOST = "lost"


ASKED: Final = frozenset({Kind.NOT_RECEIVED, Kind.NOT_AS_DESCRIBED, Kind.DUPLICATE, Kind.REFUND_NOT_PROCESSED})
"""The merchant's to answer: silence loses these."""
LENDER_BEARS: Final = frozenset({Kind.UNAUTHORIZED, Kind.MERCHANT_INSOLVENT})
"""Lost against a merchant who captured in time and unsuspended, or can't pay: the lender's loss, unless accepted."""

TRANSITIONS: Final[Mapping[str, Mapping[State, State]]] = MappingProxyType(
    {
        "ask": {State.OPENED: State.EVIDENCE_DUE},
        "answer": {State.OPENED: State.EVIDENCE_DUE, State.EVIDENCE_DUE: State.EVIDENCE_DUE},
        "propose": {State.OPENED: State.OPENED, State.EVIDENCE_DUE: State.EVIDENCE_DUE},
        "accept": {State.OPENED: State.ACCEPTED, State.EVIDENCE_DUE: State.ACCEPTED},
        "win": {State.OPENED: State.WON, State.EVIDENCE_DUE: State.WON},
        "lose": {State.OPENED: State.LOST, State.EVIDENCE_DUE: State.LOST},
    }
)
"""Action → state before → state after; what is not in the table is refused."""
OPEN: Final = frozenset({State.OPENED, State.EVIDENCE_DUE})
_ACTION: Final = {Outcome.WON: "win", Outcome.LOST: "lose"}


class DisputeStateError(ConflictError):
    code, title = "dispute_state", "The dispute's state does not allow this"


class EvidenceLateError(ConflictError):
    code, title = "evidence_late", "The days for evidence are over"


class TooMuchEvidenceError(ConflictError):
    code, title = "too_much_evidence", f"A dispute takes at most {MAX_EVIDENCE} pieces of evidence"


class EvidenceAwaitedError(ConflictError):
    code, title = "evidence_awaited", "The merchant has not answered and still may"


class SamePersonError(ForbiddenError):
    code, title = "same_person", "The second person must be someone else"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece, by where it is kept and what it hashes to; the document itself stays with the merchant.

    Args:
        kind: For example "delivery".
        reference: The merchant's own.
        sha256: Of the document, hexadecimal; "" if there is none.
    """

    kind: str
    reference: str
    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that waits for a second person."""

    outcome: Outcome
    by: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A customer's word against a merchant's.

    Args:
        amount_minor: Goods value contested.
        evidence_due_at: Business instant until which the merchant may answer.
        evidence: In the order it came.
        decided_by: Who closed it: staff subjects, "merchant" or "clock".
    """

    kind: Kind
    state: State
    version: int
    amount_minor: int
    opened_at: datetime
    evidence_due_at: datetime
    evidence: tuple[Evidence, ...] = ()
    proposal: Proposal | None = None
    decided_by: tuple[str, ...] = ()

    def _moved(self, action: str, **changes: object) -> Dispute:
        after = TRANSITIONS[action].get(self.state)
        if after is None:
            raise DisputeStateError(f"the dispute is {self.state}", current_status=str(self.state))
        return replace(self, state=after, version=self.version + 1, **changes)  # type: ignore[arg-type]

    def _closed(self, action: str, *by: str) -> Dispute:
        return self._moved(action, proposal=None, decided_by=by)


def open_dispute(kind: Kind, amount_minor: int, now: datetime) -> Dispute:
    """A dispute as the customer files it."""
    return Dispute(kind, State.OPENED, 1, amount_minor, now, now + timedelta(days=EVIDENCE_DAYS))


def ask(dispute: Dispute) -> Dispute | None:
    """The merchant has been told and is to answer; None where it is not the merchant's to answer, or was asked."""
    return dispute._moved("ask") if dispute.kind in ASKED and dispute.state is State.OPENED else None  # noqa: SLF001


def answer(dispute: Dispute, evidence: Evidence) -> Dispute:
    """Add a piece of evidence.

    Raises:
        DisputeStateError: It is closed.
        EvidenceLateError: The ten days are over.
        TooMuchEvidenceError: The twenty-first piece.
    """
    after = dispute._moved("answer", evidence=(*dispute.evidence, evidence))  # noqa: SLF001
    if evidence.at >= dispute.evidence_due_at:
        raise EvidenceLateError(
            f"evidence was due by {isoformat(dispute.evidence_due_at)}", current_status=str(dispute.state)
        )
    if len(after.evidence) > MAX_EVIDENCE:
        raise TooMuchEvidenceError
    return after


def accept(dispute: Dispute) -> Dispute:
    """The merchant gives in.

    Raises:
        DisputeStateError: It is closed.
    """
    return dispute._closed("accept", "merchant")  # noqa: SLF001


def lapse(dispute: Dispute, now: datetime) -> Dispute | None:
    """The merchant has said nothing in time; None where nothing was to be said, or there is time still."""
    silent = dispute.kind in ASKED and dispute.state in OPEN and not dispute.evidence
    return dispute._closed("lose", "clock") if silent and now >= dispute.evidence_due_at else None  # noqa: SLF001


def decide(dispute: Dispute, outcome: Outcome, by: str, now: datetime) -> Dispute:
    """A person decides; above the threshold, a second one who says the same.

    Args:
        dispute: As it is.
        outcome: For the merchant.
        by: The person.
        now: Business instant.

    Returns:
        Closed, or with a proposal that waits for the second person.

    Raises:
        DisputeStateError: It is closed.
        EvidenceAwaitedError: Lost before the merchant has answered or had the time to.
        SamePersonError: Both are one.
    """
    proposed = dispute._moved("propose", proposal=Proposal(outcome, by))  # noqa: SLF001
    unheard = dispute.kind in ASKED and not dispute.evidence and now < dispute.evidence_due_at
    if outcome is Outcome.LOST and unheard:
        raise EvidenceAwaitedError(
            f"the merchant may answer until {isoformat(dispute.evidence_due_at)}", current_status=str(dispute.state)
        )
    if dispute.amount_minor <= SECOND_PERSON_ABOVE_MINOR:
        return dispute._closed(_ACTION[outcome], by)  # noqa: SLF001
    first = dispute.proposal
    if first is None or first.outcome is not outcome:
        return proposed
    if first.by == by:
        raise SamePersonError
    return dispute._closed(_ACTION[outcome], first.by, by)  # noqa: SLF001


def next_look(dispute: Dispute) -> datetime | None:
    """When the clock has something to do with it; None once the merchant has answered: a person decides then."""
    waits = dispute.kind in ASKED and dispute.state in OPEN and not dispute.evidence
    return dispute.evidence_due_at if waits else None


def lender_bears(dispute: Dispute) -> bool:
    """Whether what the customer gets back is the lender's loss."""
    return dispute.state is State.LOST and dispute.kind in LENDER_BEARS
