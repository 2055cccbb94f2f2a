"""Reviews: a person takes a case, decides it alone or with a second person, and all that follows is done at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.core.clock import from_epoch_ms
from functions.core.errors import UnavailableError
from functions.core.ids import derived_id
from functions.payments.authorization import AuthorizationStateError
from functions.payments.service import plan_suspension
from functions.payments.store import AuthorizationItem
from functions.platform.container import container
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.risk.casework import cases
from functions.risk.casework.carrying import carry_out
from functions.risk.casework.case_store import CaseItem, Subject, apply, new_case, plan_case, plan_new_case, to_value
from functions.risk.casework.cases import Case, CaseStateError, Closed, Finding, Verdict
from functions.risk.casework.labels import plan_label
from functions.risk.casework.notices import plan_notice
from functions.risk.casework.pivot_store import find_pivot, plan_pivot
from functions.risk.casework.present import present_case, second_person_above_minor
from functions.risk.casework.queue_service import read_case

_TRIES = 4
_FINDING = {Verdict.APPROVE: Finding.CLEARED, Verdict.DECLINE: Finding.INCONCLUSIVE}
_REASON_CHARACTERS = 500

Decide = Callable[[Case, str, str], Case | Closed]
"""Takes the case, who decides, and the currency."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person decides, or asks a second person to.

    Args:
        verdict: What is done.
        finding: What it was.
        reason: Why, in their words; on the timeline.
        measures: What is done besides, of `cases.MEASURES`.
    """

    verdict: Verdict
    finding: Finding
    reason: str = ""
    measures: Sequence[str] = ()

    @classmethod
    def of(cls, verdict: Verdict, outcome: str | None, reason: str, measures: Sequence[str]) -> Said:
        """As the body of a request has it; without an outcome an approval clears, and a decline says nothing."""
        return cls(verdict, Finding(outcome) if outcome else _FINDING[verdict], reason, measures)

    @property
    def noted(self) -> dict[str, str]:
        """What of it stands on the timeline."""
        noted = {"reason": self.reason[:_REASON_CHARACTERS], "measures": " ".join(self.measures)}
        return {name: text for name, text in noted.items() if text}


NOTHING_SAID: Final = Said(Verdict.APPROVE, Finding.CLEARED)
"""For what is no decision."""


def claim(case_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Take a case."""
    return _change(case_id, call, "claimed", NOTHING_SAID, lambda case, by, _: cases.claim(case, by))


def release(case_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Put a case back."""
    return _change(case_id, call, "released", NOTHING_SAID, lambda case, by, _: cases.release(case, by))


def propose(case_id: str, said: Said, call: Call) -> tuple[dict[str, Any], bool]:
    """Ask a second person to confirm."""
    return _change(
        case_id,
        call,
        f"proposed_{said.verdict}",
        said,
        lambda case, by, _: cases.propose(_taken(case, by), said.verdict, said.finding, by),
    )


def decide(case_id: str, said: Said, call: Call) -> tuple[dict[str, Any], bool]:
    """Approve or decline, alone where that is allowed, or as the second person."""

    def decided(case: Case, by: str, currency: str) -> Case | Closed:
        return cases.decide(_taken(case, by), said.verdict, said.finding, by, second_person_above_minor(currency))

    return _change(case_id, call, f"decided_{said.verdict}", said, decided)


def escalate(case_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Make a case more urgent before its time."""
    return _change(case_id, call, "escalated", NOTHING_SAID, lambda case, *_: cases.escalate(case, case.due_at) or case)


def _taken(case: Case, by: str) -> Case:
    """Deciding an open case takes it first."""
    return cases.claim(case, by) if case.state is cases.State.OPEN else case


def reopen(case_id: str, reason: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Ask that a closed case be decided again: a new case about the same, which two persons must decide.

    Raises:
        CaseStateError: It is not closed.
    """
    box, command = container(), call.command()
    closed = read_case(case_id, consistent=True)
    if is_replay(closed.commands, command):
        return present_case(read_case(_reopened_id(closed), consistent=True)), True
    if closed.state != "closed":
        raise CaseStateError("only a closed case is opened again", state=closed.state)
    subject = Subject(closed.pivot, closed.currency, closed.merchant, closed.customer, closed.alias)
    case = new_case(
        subject,
        cases.Kind(closed.kind),
        closed.severity,
        closed.amount,
        closed.reasons,
        cause=closed.pk,
        request_id=call.request_id,
        reversal=True,
    )
    case.orders, case.measures = closed.orders, closed.measures
    now = box.clock.now()
    case.note(now, "reopened", call.who.id, reason=reason[:_REASON_CHARACTERS], of=closed.pk)
    seen = closed.version
    closed.version, closed.commands = seen + 1, remember(closed.commands, command)
    closed.note(now, "reopened_as", call.who.id, case=case.pk)
    closed.tell(now, call.request_id)
    pivot = find_pivot(closed.pivot)
    pivot.case = case.pk
    stopped = _stopped_again(case, now, call.request_id)
    commit(box.tables, plan_case(closed, seen), plan_new_case(case, ConditionFailedError), plan_pivot(pivot), *stopped)
    return present_case(case), False


def _stopped_again(case: CaseItem, now: datetime, request_id: str) -> list[WriteSet]:
    """What of the orders can still be captured is suspended until the new case is decided."""
    stored = container().tables.batch_get(
        [(AuthorizationItem, one, keys.SELF) for one in case.authorization_ids], consistent=True
    )
    stopped = []
    for order in stored:
        if isinstance(order, AuthorizationItem):
            with suppress(AuthorizationStateError):
                stopped.append(plan_suspension(order, case.pk, from_epoch_ms(case.expires_at_ms), now, request_id))
    return stopped


def _reopened_id(closed: CaseItem) -> str:
    return derived_id("case", container().secrets.key("ids"), closed.pivot, closed.pk)


def _change(case_id: str, call: Call, what: str, said: Said, decide_case: Decide) -> tuple[dict[str, Any], bool]:
    box, command, by = container(), call.command(), call.who.id
    for _ in range(_TRIES):
        item = read_case(case_id, consistent=True)
        if is_replay(item.commands, command):
            return present_case(item), True
        now = box.clock.now()
        measures = list(dict.fromkeys([*(item.proposed_measures or []), *said.measures]))
        item.commands = remember(item.commands, command)
        item.note(now, what, by, **said.noted)
        after = decide_case(to_value(item), by, item.currency)
        item.proposed_measures = measures if isinstance(after, Case) and after.proposal else None
        try:
            commit(box.tables, *_writes(item, after, measures, by=by, now=now, request_id=call.request_id))
        except ConditionFailedError:
            continue
        return present_case(item), False
    raise UnavailableError("the case is busy", retry_after_s=1)


def _writes(
    item: CaseItem, after: Case | Closed, measures: Sequence[str], *, by: str, now: datetime, request_id: str
) -> list[WriteSet]:
    """The case's next state and, when it closes, all that this does: orders, line, payouts, labels, what is told."""
    seen = item.version
    item.version = seen + 1
    if isinstance(after, Case):
        escalated = after.escalated and not item.escalated
        apply(item, after)
        item.tell(now, request_id, *([Pending("case.escalated")] if escalated else []))
        return [plan_case(item, seen)]
    apply(item, after.case, after.verdict)
    item.tell(now, request_id, Pending("review.decided", {"decision": str(after.verdict)}))
    waited = item.authorization_ids if "decide_orders" in after.effects else ()
    orders, carried = carry_out(item, after, measures, by=by, now=now, request_id=request_id)
    writes = [plan_case(item, seen), *carried]
    writes += [plan_notice(o, item.pk, at=now, request_id=request_id) for o in orders if o.pk in waited]
    if after.case.label is not None:
        writes += [plan_label(o, fraud=after.case.label, source="case", by=item.pk, known_at=now) for o in orders]
    return writes


def act(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  each is judged by the clock itself
    """What the action-hour sweep does with cases.

    Args:
        due: Keys of cases.
        now: Instant of the sweep.
    """
    each_for_itself(_look_at, [pk for pk, _ in due])


def _look_at(case_id: str) -> None:
    with suppress(ConditionFailedError):  # a person was faster, and has moved the case's hour
        tick(case_id, "sweep")


def tick(case_id: str, request_id: str) -> None:
    """What the sweep does with a case: escalate when its answer is late, close it when its time is over."""
    box = container()
    item = read_case(case_id, consistent=True)
    case, now = to_value(item), box.clock.now()
    after: Case | Closed | None = cases.expire(case, now) or cases.escalate(case, now)
    if after is None:
        return
    item.note(now, "expired" if isinstance(after, Closed) else "escalated")
    commit(box.tables, *_writes(item, after, (), by="", now=now, request_id=request_id))
