"""Cases and alerts: who may do what when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from functions.risk.casework import alerts
from functions.risk.casework.alerts import (
    Alert,
    AlertStateError,
    Handling,
    acknowledge,
    dedup_key,
    detection_ms,
    handle,
    resolve,
)
from functions.risk.casework.cases import (
    EFFECTS,
    Case,
    CaseStateError,
    Closed,
    Finding,
    FindingMismatchError,
    Kind,
    NotYourCaseError,
    SamePersonError,
    SecondPersonNeededError,
    State,
    Verdict,
    absorb,
    claim,
    decide,
    escalate,
    expire,
    needs_second,
    open_case,
    propose,
    queue_key,
    release,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
THRESHOLD = 100_000


def small(**members: object) -> Case:
    return open_case(Kind.HELD, "medium", 5_000, NOW, **members)  # type: ignore[arg-type]


def large() -> Case:
    return open_case(Kind.SUSPENDED, "high", THRESHOLD + 1, NOW)


def test_one_person_decides_a_small_case_alone() -> None:
    closed = decide(claim(small(), "ann"), Verdict.APPROVE, Finding.CLEARED, "ann", THRESHOLD)
    assert isinstance(closed, Closed)
    assert closed.effects == ("decide_orders",)
    assert (closed.case.state, closed.case.decided_by, closed.case.label) == (State.CLOSED, ("ann",), False)


def test_an_amount_above_the_threshold_takes_two_persons() -> None:
    claimed = claim(large(), "ann")
    with pytest.raises(SecondPersonNeededError):
        decide(claimed, Verdict.DECLINE, Finding.CONFIRMED_FRAUD, "ann", THRESHOLD)
    proposed = propose(claimed, Verdict.DECLINE, Finding.CONFIRMED_FRAUD, "ann")
    with pytest.raises(SamePersonError):
        decide(proposed, Verdict.DECLINE, Finding.CONFIRMED_FRAUD, "ann", THRESHOLD)
    closed = decide(proposed, Verdict.DECLINE, Finding.CONFIRMED_FRAUD, "bob", THRESHOLD)
    assert isinstance(closed, Closed)
    assert closed.effects == ("decide_orders", "freeze_line")
    assert (closed.case.decided_by, closed.case.label) == (("ann", "bob"), True)


def test_exactly_the_threshold_is_for_one() -> None:
    assert not needs_second(replace(large(), value_minor=THRESHOLD), THRESHOLD)


def test_every_reversal_takes_two_persons_whatever_its_value() -> None:
    reversal = claim(small(reversal=True), "ann")
    with pytest.raises(SecondPersonNeededError):
        decide(reversal, Verdict.APPROVE, Finding.CLEARED, "ann", THRESHOLD)


def test_a_second_person_who_disagrees_sends_it_back() -> None:
    proposed = propose(claim(large(), "ann"), Verdict.APPROVE, Finding.CLEARED, "ann")
    back = decide(proposed, Verdict.DECLINE, Finding.CONFIRMED_FRAUD, "bob", THRESHOLD)
    assert isinstance(back, Case)
    assert (back.state, back.claimed_by, back.proposal) == (State.CLAIMED, "ann", None)


def test_only_the_claimer_proposes_decides_and_releases() -> None:
    claimed = claim(small(), "ann")
    with pytest.raises(NotYourCaseError):
        propose(claimed, Verdict.APPROVE, Finding.CLEARED, "bob")
    with pytest.raises(NotYourCaseError):
        decide(claimed, Verdict.APPROVE, Finding.CLEARED, "bob", THRESHOLD)
    with pytest.raises(NotYourCaseError):
        release(claimed, "bob")
    assert release(claimed, "ann").state is State.OPEN


def test_claiming_twice_is_one_claim_and_another_may_not() -> None:
    claimed = claim(small(), "ann")
    assert claim(claimed, "ann") == claimed
    with pytest.raises(CaseStateError) as caught:
        claim(claimed, "bob")
    assert caught.value.extra == {"state": "claimed"}


def test_an_open_case_is_not_decided_unclaimed() -> None:
    with pytest.raises(CaseStateError):
        decide(small(), Verdict.APPROVE, Finding.CLEARED, "ann", THRESHOLD)
    with pytest.raises(CaseStateError):
        propose(small(), Verdict.APPROVE, Finding.CLEARED, "ann")


@pytest.mark.parametrize(
    ("verdict", "finding"),
    [
        (Verdict.APPROVE, Finding.CONFIRMED_FRAUD),
        (Verdict.DECLINE, Finding.CLEARED),
        (Verdict.DECLINE, Finding.EXPIRED),
        (Verdict.APPROVE, Finding.EXPIRED),
    ],
)
def test_a_finding_goes_with_its_decision(verdict: Verdict, finding: Finding) -> None:
    with pytest.raises(FindingMismatchError):
        decide(claim(small(), "ann"), verdict, finding, "ann", THRESHOLD)


@pytest.mark.parametrize("state", ["open", "claimed", "proposed"])
def test_expiry_declines_and_lets_the_line_go_in_any_state_once(state: str) -> None:
    case = small()
    if state != "open":
        case = claim(case, "ann")
    if state == "proposed":
        case = propose(case, Verdict.APPROVE, Finding.CLEARED, "ann")
    assert expire(case, case.expires_at - timedelta(milliseconds=1)) is None
    closed = expire(case, case.expires_at)
    assert closed is not None
    assert closed.effects == ("decide_orders",)
    assert (closed.case.finding, closed.case.label, closed.case.decided_by) == (Finding.EXPIRED, None, ())
    assert expire(closed.case, case.expires_at) is None
    with pytest.raises(CaseStateError):
        claim(closed.case, "ann")


def test_a_case_never_outlives_what_waits_for_it() -> None:
    soon = NOW + timedelta(minutes=5)
    case = small(expires_at=soon)
    assert (case.due_at, case.expires_at) == (soon, soon)
    assert small(expires_at=NOW + timedelta(days=99)).expires_at == NOW + timedelta(hours=24)


def test_deadlines_follow_severity() -> None:
    hours = [open_case(Kind.LINE, s, 1, NOW).due_at - NOW for s in ("low", "medium", "high", "critical")]
    assert hours == [timedelta(hours=24), timedelta(hours=8), timedelta(hours=2), timedelta(minutes=30)]


def test_lateness_escalates_once() -> None:
    case = small()
    assert escalate(case, case.due_at - timedelta(seconds=1)) is None
    late = escalate(case, case.due_at)
    assert late is not None
    assert (late.severity, late.escalated) == ("high", True)
    assert escalate(late, case.due_at + timedelta(days=1)) is None


def test_one_case_takes_in_more_suspicion_and_never_becomes_less_urgent() -> None:
    case = large()
    worse = absorb(case, "critical", 5, NOW + timedelta(minutes=1))
    assert (worse.severity, worse.value_minor, worse.due_at) == ("critical", THRESHOLD + 1, NOW + timedelta(minutes=31))
    assert absorb(case, "low", 999_999, NOW + timedelta(hours=1)) == replace(case, value_minor=999_999)
    with pytest.raises(CaseStateError):
        absorb(replace(case, state=State.CLOSED), "low", 1, NOW)


def test_the_queue_puts_late_cases_first_then_value() -> None:
    late = open_case(Kind.HELD, "medium", 1, NOW - timedelta(hours=9))
    nearly = open_case(Kind.HELD, "medium", 2, NOW - timedelta(hours=7))
    rich = open_case(Kind.HELD, "low", 10**9, NOW)
    poor = open_case(Kind.HELD, "critical", 3, NOW)
    assert sorted([poor, rich, nearly, late], key=lambda c: queue_key(c, NOW)) == [late, nearly, rich, poor]


def test_every_kind_and_verdict_has_its_effects() -> None:
    assert set(EFFECTS) == set(product(Kind, Verdict))


# alerts


def alert(**changes: object) -> Alert:
    return replace(Alert("velocity", "cus_1", "medium", NOW, NOW), **changes)  # type: ignore[arg-type]


def test_the_same_finding_within_the_hour_is_folded_in() -> None:
    how, folded = handle("velocity", "cus_1", "medium", NOW + timedelta(minutes=59), [alert()])
    assert (how, folded.count, folded.first_at) == (Handling.FOLD, 2, NOW)
    assert handle("velocity", "cus_1", "medium", NOW + timedelta(hours=1), [alert()])[0] is Handling.SEND
    assert handle("bust_out", "cus_1", "medium", NOW, [alert()])[0] is Handling.SEND
    assert handle("velocity", "cus_1", "medium", NOW, [alert(state=alerts.State.RESOLVED)])[0] is Handling.SEND


def test_a_worse_finding_is_told_again() -> None:
    how, raised = handle("velocity", "cus_1", "critical", NOW, [alert()])
    assert (how, raised.severity, raised.count) == (Handling.RAISE, "critical", 2)


def test_no_pivot_floods_anyone() -> None:
    earlier: list[Alert] = []
    handled = []
    for n in range(8):
        how, new = handle(f"kind{n}", "cus_1", "high", NOW + timedelta(minutes=n), earlier)
        handled.append(how)
        earlier.append(new)
    assert handled == [Handling.SEND] * 5 + [Handling.KEEP] * 3
    assert handle("kind9", "cus_1", "high", NOW + timedelta(minutes=61), earlier)[0] is Handling.SEND


def test_a_person_acknowledges_once_and_resolves() -> None:
    seen = acknowledge(alert(), "ann")
    assert (seen.state.value, seen.acknowledged_by) == ("acknowledged", "ann")
    with pytest.raises(AlertStateError):
        acknowledge(seen, "bob")
    assert resolve(seen, "bob").acknowledged_by == "ann"
    assert resolve(alert(), "bob").acknowledged_by == "bob"
    with pytest.raises(AlertStateError):
        resolve(resolve(seen, "bob"), "bob")


def test_the_name_of_an_alert_is_the_same_on_every_machine() -> None:
    assert dedup_key("velocity", "cus_1", NOW) == dedup_key("velocity", "cus_1", NOW + timedelta(minutes=59))
    names = {dedup_key(k, p, a) for k in "ab" for p in "cd" for a in (NOW, NOW + timedelta(hours=1))}
    assert len(names) == 8


def test_detection_time_is_never_negative() -> None:
    assert detection_ms(NOW, NOW + timedelta(milliseconds=730)) == 730
    assert detection_ms(NOW, NOW - timedelta(seconds=2)) == 0
