"""The review of a line: at every statement from the third on, on demand, and at once where something gives cause.

Load the line, its file and what the bureau says now; score the behaviour; decide (`limits.review_limit`, pure); write
the change with its reasons, or only that nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from functions.core.clock import isoformat, local_date
from functions.core.errors import UnavailableError
from functions.credit.deciding.facts import BureauResult
from functions.credit.deciding.personas import PERSONAS
from functions.credit.deciding.ports import ask_bureau
from functions.credit.inputs.history import RepaymentFacts, StatementFacts, behavior_row
from functions.credit.limits import grant_temporary, review_limit
from functions.credit.lines.store import LineItem
from functions.credit.models.in_force import score_batch
from functions.credit.policies.policy import Policy, load_policy
from functions.credit.scoring import Score, sigmoid
from functions.credit.upkeep.facts import line_facts, today_of
from functions.credit.upkeep.line_desk import OnLine, on_line
from functions.credit.upkeep.reading import line_of
from functions.credit.upkeep.store import Cut, LimitFileItem, load_file, plan_file
from functions.credit.upkeep.values import Cause, LimitChange, TemporaryLimit
from functions.customers.consents import BUREAU_QUERY
from functions.customers.customer import Profile
from functions.customers.service import get_profile
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.context import Call

_TRIES = 4
_ALERT_FREEZE = timedelta(days=7)
"""A freeze for an alert ends with its case, and by itself when every case has expired."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review came to.

    Args:
        line: After it.
        change: What was changed, if anything.
        row: The behavior model's columns; None with too few statements.
        score: Of that row.
    """

    line: LineItem
    change: LimitChange | None
    row: Row | None
    score: Score | None


def row_of(file: LimitFileItem, line_limit_minor: int, policy: Policy) -> Row | None:
    """The behavior model's columns of a line; None with too few statements, or without a limit.

    Args:
        file: With the latest statements.
        line_limit_minor: Counts where the latest cut knows no limit.
        policy: Least number of statements, reference income.
    """
    return row_of_cuts(file.cuts, file.currency, line_limit_minor, policy)


def row_of_cuts(cuts: Sequence[Cut], currency: str, line_limit_minor: int, policy: Policy) -> Row | None:
    """The same from cuts alone, oldest first: as of the last of them."""
    if len(cuts) < policy.dynamic.statements_at_least:
        return None
    limit = cuts[-1].limit_minor or line_limit_minor
    if limit <= 0:
        return None  # the model sees everything as a share of the limit; without one there is nothing to weigh
    return behavior_row(
        [StatementFacts(_at(cut), cut.bill_minor, cut.months_late) for cut in cuts],
        [RepaymentFacts(_at(cut), cut.paid_minor) for cut in cuts if cut.paid_minor > 0],
        limit_minor=limit,
        currency=currency,
        as_of=_at(cuts[-1]),
        policy=policy,
    )


def _at(cut: Cut) -> datetime:
    """A cut's place in time: what was paid since the cut before it belongs to it."""
    return datetime.combine(cut.cut_on, time(), UTC)


def review_line(
    customer_id: str,
    currency: str,
    *,
    request_id: str,
    cause: Cause,
    at: datetime | None = None,
    days_past_due: int | None = None,
    note: Callable[[LimitFileItem], WriteSet] | None = None,
) -> Reviewed:
    """Review a line now; for an event that it was reviewed for before, only say how it scores.

    Args:
        customer_id: Whose.
        currency: Which.
        request_id: Of the command or event that caused it.
        cause: Why it is looked at.
        at: The business instant it is about; now if None. What is told late is judged as of its own day.
        days_past_due: Of the oldest unpaid due date where whoever asks knows it; None: as the file knows it.
        note: Writes what the caller has learned into the file before it is looked at, and says what else is written.

    Raises:
        NotFoundError: No such customer or line.
        UnavailableError: The line changed at every try.
    """
    profile = get_profile(customer_id)
    customer, bureau = profile.customer, _bureau(profile, currency)
    for _ in range(_TRIES):
        line = line_of(customer, currency, consistent=True)
        file = load_file(customer.id, currency)
        if cause.event_id is not None and file.has_heard(cause.event_id):
            row, scored = _scored(file, line)
            return Reviewed(line, None, row, scored)
        seen, file.version, file.outbox = file.version, file.version + 1, None
        if cause.event_id is not None:
            file.hear(cause.event_id)
        noted = note(file) if note is not None else WriteSet()
        here = OnLine(customer, line, file, seen)
        on = today_of(customer) if at is None else local_date(at, customer.zone)
        reviewed = _look(here, bureau, on, cause, days_past_due)
        try:
            commit(container().tables, _plan(here, reviewed.change, request_id, cause), noted)
        except ConditionFailedError:
            continue
        count(f"limit_review_{reviewed.change.kind if reviewed.change else 'unchanged'}")
        after = line_of(customer, currency, consistent=True) if reviewed.change else line
        return replace(reviewed, line=after)
    raise UnavailableError("the line is busy", retry_after_s=1)


def _scored(file: LimitFileItem, line: LineItem) -> tuple[Row | None, Score | None]:
    row = row_of(file, line.limit, load_policy())
    return row, None if row is None else score_batch("behavior", (row,))[0]


def _look(at: OnLine, bureau: BureauResult, on: date, cause: Cause, days_past_due: int | None = None) -> Reviewed:
    """Score, decide, and note in the file that it was looked at."""
    row, scored = _scored(at.file, at.line)
    facts = line_facts(
        at.customer,
        at.line,
        at.file,
        days_past_due=days_past_due,
        bureau_worse=_worse(at.file, bureau),
        cause=cause,
    )
    change = review_limit(facts, scored, load_policy(), on)
    _remember(at.file, scored, change, bureau, cause)
    return Reviewed(at.line, change, row, scored)


def _plan(at: OnLine, change: LimitChange | None, request_id: str, cause: Cause) -> WriteSet:
    if change is None:
        return plan_file(at.file, at.seen)
    until = cause.alert.raised_at + _ALERT_FREEZE if cause.alert and change.code == "alert" else None
    return at.plan(change, request_id, until=until)


def _bureau(profile: Profile, currency: str) -> BureauResult:
    """What the bureau says now; without consent nobody is asked."""
    box, customer = container(), profile.customer
    persona = None if box.settings.is_live else PERSONAS.get(customer.magic or "")
    if persona is not None:
        return persona.bureau or BureauResult("unavailable", source="sandbox")
    if not customer.has_consented(BUREAU_QUERY):
        return BureauResult("no_hit", source="no_consent")
    _, document = profile.personal["document"]
    return ask_bureau(box.port("credit_bureau"), document, currency)


def _worse(file: LimitFileItem, bureau: BureauResult) -> bool:
    """Whether a default has been reported since the bureau was last asked; silence is no news."""
    open_before, past_before = file.bureau
    return bureau.status == "hit" and (bureau.open_defaults > open_before or bureau.past_defaults > past_before)


def _remember(
    file: LimitFileItem, scored: Score | None, change: LimitChange | None, bureau: BureauResult, cause: Cause
) -> None:
    policy = load_policy()
    if bureau.status == "hit":
        file.bureau = [bureau.open_defaults, bureau.past_defaults]
    file.review = {
        "reviewed_at": isoformat(container().clock.now()),
        "cause": cause.kind,
        "statements": file.statements,
        "points": scored.points if scored else None,
        "pd_portfolio": sigmoid(scored.logit + policy.offset("default", "behavior")) if scored else None,
        "model_version": scored.model_version if scored else None,
        "reasons": [reason.code for reason in scored.reasons] if scored else [],
        "bureau": bureau.status,
        "change": change.code if change else None,
    }


def review_on_demand(customer_id: str, currency: str, call: Call) -> tuple[dict[str, Any], bool]:
    """A review that staff ask for: as `review_line`, once per command."""

    def act(at: OnLine) -> WriteSet:
        bureau, cause = _bureau(get_profile(at.customer.id), at.line.currency), Cause("on_demand")
        return _plan(at, _look(at, bureau, today_of(at.customer), cause).change, call.request_id, cause)

    return on_line(customer_id, currency, call, act)


def grant_extra(
    customer_id: str, currency: str, asked: TemporaryLimit, reason: str, call: Call
) -> tuple[dict[str, Any], bool]:
    """Add a temporary limit for a season.

    Raises:
        TemporaryLimitRefusedError: Says which condition failed.
    """

    def act(at: OnLine) -> WriteSet:
        _, scored = _scored(at.file, at.line)
        facts = line_facts(at.customer, at.line, at.file, bureau_worse=False)
        change = grant_temporary(facts, scored, load_policy(), today_of(at.customer), asked)
        return at.plan(change, call.request_id, reason)

    return on_line(customer_id, currency, call, act)
