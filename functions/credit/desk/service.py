"""Use cases of the desk: read a decision, make it again, decide where a person is asked, appeal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, local_date
from functions.core.errors import ConflictError, FieldError, InvalidError, UnavailableError
from functions.credit.application_store import (
    ApplicationItem,
    load_application,
    open_record,
    plan_application,
)
from functions.credit.deciding.application import count_finances
from functions.credit.deciding.grant import Candidate, judge_limits
from functions.credit.deciding.record import DecisionInputs, read_record
from functions.credit.desk.reconsideration import (
    Kind,
    NotAppealableError,
    Stage,
    Verdict,
    Work,
    WorkStateError,
    claim,
    decide,
    open_work,
    require_appealable,
)
from functions.credit.desk.store import (
    DECISIONS,
    QUEUE,
    DecisionItem,
    DecisionRow,
    load_decision,
    plan_decision,
    present_decision,
    put_work,
    row_key,
    to_work,
)
from functions.credit.models.in_force import score_batch, scorer_of
from functions.credit.models.monitoring import override_counts
from functions.credit.opening import commit_opening
from functions.credit.policies.policy import load_policy
from functions.credit.replay import replay
from functions.customers.service import get_customer, sealer_of
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page

_TRIES = 4
_NEVER_OVERRIDDEN = frozenset({"under_age", "document_invalid", "line_exists"})
STATEMENT = "statement"
"""Name under which the applicant's words are sealed."""


class HardStopError(ConflictError):
    """Carries `rule`, the code of what no person can set aside."""

    code, title = "hard_stop", "The law or the line that exists does not allow an approval"


class LimitNotCarriedError(ConflictError):
    """Carries `carried_limits_minor`, what could be granted."""

    code, title = "limit_not_carried", "Income and caps do not carry this limit"


class IdentityUndecidedError(ConflictError):
    code, title = "identity_undecided", "Who the applicant is must be decided first"


def list_decisions(call: Call) -> dict[str, Any]:
    """Every decision, newest first; `?queue=people` keeps those that wait for a person, the late ones first.

    Raises:
        InvalidError: Another queue.
    """
    asked = call.query.get("queue")
    if asked not in {None, "people"}:
        raise InvalidError("no such queue", errors=(FieldError("queue", "not_allowed", "people, or nothing"),))
    waiting = asked == "people"
    kind = QUEUE if waiting else DECISIONS
    found, cursor = listed(call, row_key(kind, 0, "")[0], DecisionRow, DecisionItem, lambda row: row.subject)
    if waiting:
        found = [item for item in found if item.stage != Stage.CLOSED]
        found.sort(key=lambda item: (item.late is None, item.due_on or "", item.opened_at_ms or 0))
    return page(found, cursor, present_decision)


def read_decision(decision_id: str) -> dict[str, Any]:
    """A decision with its record, opened for staff."""
    item = load_decision(decision_id)
    record = open_record(load_application(item.pk, item.customer_id))
    return _whole(item, record)


def _whole(item: DecisionItem, record: bytes) -> dict[str, Any]:
    said = sealer_of(item.customer_id).open(STATEMENT, item.said) if item.said else None
    return present_decision(item) | {
        "carried_limits_minor": [one.limit_minor for one in carried(record)],
        "statement": said,
        "record": json.loads(record),
    }


def replay_decision(decision_id: str) -> dict[str, Any]:
    """Make a decision again from its record.

    Raises:
        ReplayMismatchError: It comes out differently, or this package does not carry the model that scored it; carries
            the first part that differs.
    """
    item = load_decision(decision_id)
    record = open_record(load_application(item.pk, item.customer_id))
    again = replay(record, scorer_of(item.model))
    return {
        "id": item.pk,
        "object": "decision_replay",
        "identical": True,
        "outcome": again.outcome,
        "limit_minor": again.limit_minor,
        "model_version": again.model_version,
        "policy_hash": again.policy_hash,
        "record_sha256": again.record_sha256,
    }


def carried(record: bytes) -> list[Candidate]:
    """The limits that the applicant's income and the caps carry today, whatever the probability; smallest first.

    A hard stop leaves a record without scores, so the limits are judged anew from its inputs.
    """
    inputs = DecisionInputs.from_dict(read_record(record)["inputs"])
    policy = load_policy()
    counted = count_finances(inputs.application, inputs.bureau, inputs.income, policy)
    if counted.income_minor is None:
        return []
    judged = judge_limits(inputs.application, counted, inputs.bureau, score_batch, policy)
    return [one for one in judged if one.carried]


def claim_decision(decision_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Take a referral or an appeal."""

    def change(item: DecisionItem, work: Work) -> None:
        put_work(item, claim(work, call.who.id, call.who.scopes))
        commit(container().tables, plan_decision(item, item.version - 1))

    return _on_work(decision_id, call, change)


def approve_decision(decision_id: str, limit_minor: int, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Grant a limit: open the line, or wait for the second person where one is needed.

    Raises:
        HardStopError, LimitNotCarriedError, IdentityUndecidedError: It can't be granted, by nobody.
    """
    verdict = Verdict("approved", limit_minor, reason, call.who.id)
    return _on_work(decision_id, call, lambda item, work: _decide(item, work, verdict, call))


def decline_decision(decision_id: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Decline: a referred application ends so, an appeal leaves the decision as it was."""
    verdict = Verdict("declined", 0, reason, call.who.id)
    return _on_work(decision_id, call, lambda item, work: _decide(item, work, verdict, call))


def _on_work(decision_id: str, call: Call, change: Callable[[DecisionItem, Work], None]) -> tuple[dict[str, Any], bool]:
    command = call.command()
    for _ in range(_TRIES):
        item = load_decision(decision_id)
        if is_replay(item.commands, command):
            return present_decision(item), True
        work = to_work(item)
        if work is None:
            raise WorkStateError("no person was asked", state="none")
        item.version += 1
        item.commands, item.outbox = remember(item.commands, command), None
        try:
            change(item, work)
        except ConditionFailedError:
            continue
        return present_decision(item), False
    raise UnavailableError("others work on this decision", retry_after_s=1)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What an approval gives."""

    limit_minor: int
    grade: str
    terms: tuple[int, ...]


def _granted(record: bytes, limit_minor: int) -> _Grant:
    stops = [
        rule["code"]
        for rule in read_record(record)["rules"]
        if rule["outcome"] == "decline" and rule["code"] in _NEVER_OVERRIDDEN
    ]
    if stops:
        raise HardStopError(f"{stops[0]} stands", rule=stops[0])
    possible = {one.limit_minor: one for one in carried(record)}
    chosen = possible.get(limit_minor)
    if chosen is None:
        raise LimitNotCarriedError(carried_limits_minor=sorted(possible))
    grade = chosen.grade or "E"  # past the last cut-off the dearest tier is the nearest
    return _Grant(limit_minor, grade, load_policy().tiers[grade].terms)


def _decide(item: DecisionItem, work: Work, verdict: Verdict, call: Call) -> None:
    application = load_application(item.pk, item.customer_id)
    record = open_record(application)
    approves = verdict.outcome == "approved"
    grant = _granted(record, verdict.limit_minor) if approves else None
    needs_second = approves and load_policy().needs_second_person(item.currency, verdict.limit_minor)
    after = decide(work, verdict, call.who.scopes, needs_second=needs_second)
    put_work(item, after)
    if after.stage is not Stage.CLOSED:
        commit(container().tables, plan_decision(item, item.version - 1))
        return
    seen = _close(item, application, grant, call.request_id)
    month = container().clock.now().strftime("%Y-%m")
    counted = override_counts(str(work.kind), item.suggested, verdict.outcome, month)

    def plan() -> WriteSet:
        return plan_application(application, seen) + plan_decision(item, item.version - 1) + counted

    if grant is None:
        commit(container().tables, plan())
    else:
        customer = get_customer(item.customer_id)
        if customer.status != "verified":
            raise IdentityUndecidedError(current_status=customer.status)
        sealer = sealer_of(customer.id)
        commit_opening(application, customer, sealer, record, request_id=call.request_id, plan=plan)
    count(f"application_{verdict.outcome}_by_person")


def _close(item: DecisionItem, application: ApplicationItem, grant: _Grant | None, request_id: str) -> int:
    """Write a person's answer into both items; the application's version as it was read."""
    now, seen = container().clock.now(), application.version
    application.version = seen + 1
    application.outcome = item.outcome = "approved" if grant else "declined"
    application.limit = item.granted = grant.limit_minor if grant else 0
    if grant:
        application.grade, application.terms = grant.grade, ",".join(str(term) for term in grant.terms)
        application.reasons = []
    application.decided_by, application.decided_at_ms = "person", epoch_ms(now)
    application.answer_due_on = None
    application.tell(now, request_id, Pending("credit_application.reconsidered", {"kind": item.kind}))
    return seen


def appeal(application_id: str, statement: str, call: Call) -> tuple[ApplicationItem, bool]:
    """Ask for a person to look at a decline again.

    Raises:
        NotFoundError: Not the caller's application.
        NotAppealableError: It was not declined, or an appeal was made already.
        AppealTooLateError: The days are over.
    """
    box, command, people = container(), call.command(), load_policy().people
    application = load_application(application_id, call.who.id)
    if is_replay(application.commands, command):
        return application, True
    if application.appealed:
        raise NotAppealableError("an appeal was made already")
    customer, item = get_customer(call.who.id), load_decision(application.id)
    now = box.clock.now()
    today = local_date(now, customer.zone)
    decided_on = local_date(from_epoch_ms(application.decided_at_ms), customer.zone)
    require_appealable(application.outcome, decided_on, today, people.appeal_days)
    earlier = to_work(item)
    barred = tuple({v.by: None for v in (earlier.proposal, earlier.verdict) if v}) if earlier else ()
    days = people.appeal_answer_working_days
    put_work(item, open_work(Kind.APPEAL, now, today, days=days, calendar=people.working_calendar, barred=barred))
    item.said = sealer_of(customer.id).seal(STATEMENT, statement)
    seen_item, seen = item.version, application.version
    item.version, item.outbox = seen_item + 1, None
    application.version, application.appealed = seen + 1, 1
    application.answer_due_on = item.due_on
    application.commands = remember(application.commands, command)
    application.tell(now, call.request_id, Pending("credit_application.appealed"))
    commit(box.tables, plan_application(application, seen), plan_decision(item, seen_item))
    count("application_appealed")
    return application, False
