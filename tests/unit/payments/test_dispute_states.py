"""The state table of disputes: who may say what until when, and who bears it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.payments.disputes import dispute as rules
from functions.payments.disputes.dispute import OPEN, TRANSITIONS, Dispute, Evidence, Kind, Outcome, State

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
DUE = NOW + timedelta(days=10)
LARGE = rules.SECOND_PERSON_ABOVE_MINOR + 1


def a_dispute(kind: Kind = Kind.NOT_RECEIVED, amount_minor: int = 10_000, **changes: object) -> Dispute:
    return replace(rules.open_dispute(kind, amount_minor, NOW), **changes)


def piece(at: datetime = NOW) -> Evidence:
    return Evidence("delivery", "parcel-1", "", at)


def test_every_state_is_first_or_entered_and_no_closed_state_is_left() -> None:
    entered = {after for moves in TRANSITIONS.values() for after in moves.values()}
    assert entered == set(State)
    assert {before for moves in TRANSITIONS.values() for before in moves} == OPEN


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
def test_nothing_moves_a_closed_dispute(state: State) -> None:
    closed = a_dispute(state=state)
    for act in (
        lambda: rules.answer(closed, piece()),
        lambda: rules.accept(closed),
        lambda: rules.decide(closed, Outcome.WON, "stf_1", NOW),
    ):
        with pytest.raises(rules.DisputeStateError) as refused:
            act()
        assert refused.value.extra == {"current_status": str(state)}
    assert rules.ask(closed) is None
    assert rules.lapse(closed, DUE) is None


def test_silence_loses_when_ten_days_are_over_and_not_before() -> None:
    asked = rules.ask(a_dispute())
    assert asked is not None
    assert (asked.state, rules.next_look(asked)) == (State.EVIDENCE_DUE, DUE)
    assert rules.lapse(asked, DUE - timedelta(milliseconds=1)) is None
    lost = rules.lapse(asked, DUE)
    assert lost is not None
    assert (lost.state, lost.decided_by, rules.next_look(lost)) == (State.LOST, ("clock",), None)


def test_an_answer_stops_the_clock() -> None:
    answered = rules.answer(a_dispute(), piece())
    assert (answered.state, rules.next_look(answered), rules.lapse(answered, DUE)) == (State.EVIDENCE_DUE, None, None)


def test_evidence_after_the_ten_days_is_late() -> None:
    rules.answer(a_dispute(), piece(DUE - timedelta(milliseconds=1)))
    with pytest.raises(rules.EvidenceLateError):
        rules.answer(a_dispute(), piece(DUE))


def test_at_most_twenty_pieces_of_evidence() -> None:
    with pytest.raises(rules.TooMuchEvidenceError):
        rules.answer(a_dispute(evidence=(piece(),) * rules.MAX_EVIDENCE), piece())


@pytest.mark.parametrize("kind", sorted(rules.LENDER_BEARS))
def test_what_is_not_the_merchants_to_answer_is_not_lost_by_silence_and_is_the_lenders_loss(kind: Kind) -> None:
    dispute = a_dispute(kind)
    assert (rules.ask(dispute), rules.next_look(dispute), rules.lapse(dispute, DUE)) == (None, None, None)
    assert rules.lender_bears(rules.decide(dispute, Outcome.LOST, "stf_1", NOW))
    assert not rules.lender_bears(rules.accept(dispute))


def test_a_merchant_who_may_still_answer_is_not_judged_lost() -> None:
    with pytest.raises(rules.EvidenceAwaitedError):
        rules.decide(a_dispute(), Outcome.LOST, "stf_1", NOW)
    answered = rules.answer(a_dispute(), piece())
    assert rules.decide(answered, Outcome.LOST, "stf_1", NOW).state is State.LOST
    assert rules.decide(a_dispute(), Outcome.WON, "stf_1", NOW).state is State.WON


def test_above_the_threshold_two_people_must_say_the_same() -> None:
    dispute = rules.answer(a_dispute(amount_minor=LARGE), piece())
    proposed = rules.decide(dispute, Outcome.LOST, "stf_1", NOW)
    assert (proposed.state, proposed.proposal) == (State.EVIDENCE_DUE, rules.Proposal(Outcome.LOST, "stf_1"))
    with pytest.raises(rules.SamePersonError):
        rules.decide(proposed, Outcome.LOST, "stf_1", NOW)
    other = rules.decide(proposed, Outcome.WON, "stf_2", NOW)
    assert (other.state, other.proposal) == (State.EVIDENCE_DUE, rules.Proposal(Outcome.WON, "stf_2"))
    closed = rules.decide(proposed, Outcome.LOST, "stf_2", NOW)
    assert (closed.state, closed.decided_by, closed.proposal) == (State.LOST, ("stf_1", "stf_2"), None)
    small = rules.answer(a_dispute(amount_minor=LARGE - 1), piece())
    assert rules.decide(small, Outcome.LOST, "stf_1", NOW).state is State.LOST
