"""A person's work on a credit decision: a referral by the policy, or an appeal by the applicant. Pure.

    open ── claim ──▶ claimed ── decide ──▶ closed
                         └── approve over the threshold ──▶ proposed ── confirm ──▶ closed
                         ◀────────── refuse ────────────────┘

Whoever waits too long is brought before more people: first when the policy's days are over, again while there is still
time to keep the law's.

Who writes models or rules judges no single case, and nobody judges an appeal against their own decision.
Source: PIPL art. 24 (a person instead of a solely automated decision); Regulation B, 12 CFR 1002.9(a)(1)(i) (notice of
the action taken within 30 days after the application); api.md (30 days, 10 working days).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from functions.core.calendar import next_business_day
from functions.core.errors import ConflictError, ForbiddenError
from functions.credit.two_people import require_second

AUTHOR_ROLES: Final = frozenset({"modeller", "risk_admin"})
"""Roles that write models and rules."""


class Kind(StrEnum):
    REFERRAL = "referral"
    APPEAL = "appeal"


class Stage(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    PROPOSED = "proposed"
    CLOSED = "closed"


class Late(StrEnum):
    """How far work has been escalated."""

    NO = ""
    OVERDUE = "overdue"
    NOTICE = "notice_due"


NOTICE_DAYS: Final = 30
"""Calendar days in which an applicant is told what was decided, and why."""

_NOTICE_LEAD: Final = timedelta(days=5)
"""So long before the notice is due the staff are told again."""


class WorkStateError(ConflictError):
    """Carries `state`, the stage the work is in."""

    code, title = "decision_state", "The decision is not in a state that allows this"


class AuthorMayNotDecideError(ForbiddenError):
    code, title = "author_may_not_decide", "Who writes models or rules does not judge single cases"


class OwnDecisionError(ForbiddenError):
    code, title = "own_decision", "An appeal is judged by someone who has not decided it before"


class NotYourWorkError(ForbiddenError):
    code, title = "not_your_work", "Someone else has claimed it"


class AppealTooLateError(ConflictError):
    """Carries `until_on`, the last day there was."""

    code, title = "appeal_too_late", "The time to appeal is over"


class NotAppealableError(ConflictError):
    code, title = "not_appealable", "There is nothing to appeal against"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided.

    Args:
        outcome: "approved" opens the line.
        limit_minor: Granted; 0 if declined.
        reason: In the person's words.
        by: Staff subject.
    """

    outcome: Literal["approved", "declined"]
    limit_minor: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work.

    Args:
        kind: Referral or appeal.
        stage: See above.
        opened_at: Aware UTC.
        due_on: Last day for an answer.
        claimed_by: Staff subject; "" if nobody.
        proposal: While a second person is waited for, and once closed by two.
        verdict: Once closed.
        barred: Who decided before and may not again.
        late: How far it was escalated.
        notice_due_on: Last day, by law, for telling the applicant.
    """

    kind: Kind
    stage: Stage
    opened_at: datetime
    due_on: date
    notice_due_on: date
    claimed_by: str = ""
    proposal: Verdict | None = None
    verdict: Verdict | None = None
    barred: tuple[str, ...] = ()
    late: Late = Late.NO


def working_day(on: date, days: int, calendar: str) -> date:
    """The day that so many working days after another one is.

    Args:
        on: Not counted itself.
        days: At least 1.
        calendar: As `core.calendar.next_business_day` takes it.
    """
    for _ in range(days):
        on = next_business_day(on + timedelta(days=1), calendar, "following")
    return on


def open_work(
    kind: Kind, now: datetime, today: date, *, days: int, calendar: str, barred: tuple[str, ...] = ()
) -> Work:
    """New work with its deadline.

    Args:
        kind: Why a person is asked.
        now: Aware UTC.
        today: Calendar day that the working days are counted from.
        days: Working days for an answer.
        calendar: Whose working days.
        barred: Who decided before.
    """
    notice_due_on = today + timedelta(days=NOTICE_DAYS)
    return Work(kind, Stage.OPEN, now, working_day(today, days, calendar), notice_due_on, barred=barred)


def next_escalation(work: Work) -> tuple[Late, date] | None:
    """The next step up, and the applicant's day on which it is taken; None when there is none.

    Args:
        work: At any stage; closed work is late for nobody.
    """
    overdue_on = work.due_on + timedelta(days=1)
    if work.stage is Stage.CLOSED or work.late is Late.NOTICE:
        return None
    if work.late is Late.OVERDUE:
        return Late.NOTICE, max(overdue_on, work.notice_due_on - _NOTICE_LEAD)
    return Late.OVERDUE, overdue_on


def escalate(work: Work, today: date) -> Work:
    """The work as late as it is on a day; the same again changes nothing.

    Args:
        work: At any stage.
        today: Applicant's calendar day.
    """
    while (step := next_escalation(work)) is not None and step[1] <= today:
        work = replace(work, late=step[0])
    return work


def require_appealable(outcome: str, decided_on: date, today: date, appeal_days: int) -> None:
    """Whether a decision can be appealed against today.

    Args:
        outcome: "approved", "referred" or "declined".
        decided_on: Applicant's calendar day of the decision.
        today: Applicant's calendar day.
        appeal_days: From the policy.

    Raises:
        NotAppealableError: Approved, or with a person already.
        AppealTooLateError: The days are over.
    """
    if outcome != "declined":
        raise NotAppealableError(f"the application is {outcome}", current_status=outcome)
    until = decided_on + timedelta(days=appeal_days)
    if today > until:
        raise AppealTooLateError(f"an appeal was possible until {until}", until_on=until.isoformat())


def _require_judge(work: Work, by: str, roles: Collection[str]) -> None:
    if AUTHOR_ROLES & set(roles):
        raise AuthorMayNotDecideError
    if by in work.barred:
        raise OwnDecisionError


def claim(work: Work, by: str, roles: Collection[str]) -> Work:
    """Take the work; taking one's own again changes nothing.

    Raises:
        WorkStateError: Somebody has it, or it is closed.
        AuthorMayNotDecideError, OwnDecisionError: This person may not.
    """
    _require_judge(work, by, roles)
    if work.stage is Stage.CLAIMED and work.claimed_by == by:
        return work
    if work.stage is not Stage.OPEN:
        raise WorkStateError(state=work.stage.value)
    return replace(work, stage=Stage.CLAIMED, claimed_by=by)


def decide(work: Work, verdict: Verdict, roles: Collection[str], *, needs_second: bool) -> Work:
    """Decide alone, propose where one person is not enough, or confirm or refuse another's proposal.

    Args:
        work: Open, claimed by this person, or proposed by another.
        verdict: What this person decides.
        roles: Of this person.
        needs_second: The limit is over what one person may grant.

    Returns:
        Closed work with its verdict; proposed work; or, where the second person decides otherwise than was
        proposed, the work back with its claimer.

    Raises:
        WorkStateError: Closed.
        NotYourWorkError: Claimed by somebody else.
        SamePersonError, AuthorMayNotDecideError, OwnDecisionError: This person may not.
    """
    _require_judge(work, verdict.by, roles)
    if work.stage is Stage.PROPOSED and work.proposal is not None:
        require_second(work.proposal.by, verdict.by)
        if (verdict.outcome, verdict.limit_minor) != (work.proposal.outcome, work.proposal.limit_minor):
            return replace(work, stage=Stage.CLAIMED, proposal=None)
        return replace(work, stage=Stage.CLOSED, verdict=verdict)
    if work.stage is Stage.OPEN:
        work = claim(work, verdict.by, roles)
    if work.stage is not Stage.CLAIMED:
        raise WorkStateError(state=work.stage.value)
    if work.claimed_by != verdict.by:
        raise NotYourWorkError
    if needs_second:
        return replace(work, stage=Stage.PROPOSED, proposal=verdict)
    return replace(work, stage=Stage.CLOSED, verdict=verdict)
