"""Champion and challenger: two persons promote, one rolls back, and no role is taken twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.credit.models.registry import (
    ModelStateError,
    NoFormerChampionError,
    Registry,
    challenge,
    promote,
    propose,
    roll_back,
    withdraw,
)
from functions.credit.two_people import NothingProposedError, SamePersonError

AT = datetime(2026, 11, 22, tzinfo=UTC)
START = Registry("v1")


def step(act, registry, version="v2", by="ann"):
    return act(registry, version, by, "because", AT)


@pytest.fixture
def proposed():
    return step(propose, step(challenge, START))


def test_a_promotion_takes_two_persons(proposed):
    with pytest.raises(SamePersonError):
        step(promote, proposed)
    after = step(promote, proposed, by="bob")
    assert (after.champion, after.former, after.challenger, after.proposal) == ("v2", ("v1",), None, None)
    assert after.history[-1].by == "ann bob"


def test_nothing_is_promoted_that_nobody_proposed():
    with pytest.raises(NothingProposedError):
        step(promote, step(challenge, START), by="bob")


def test_only_a_challenger_is_proposed_promoted_or_withdrawn():
    for act in (propose, promote, withdraw):
        with pytest.raises(ModelStateError) as caught:
            step(act, START)
        assert caught.value.extra["role"] == "candidate"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_neither_champion_nor_challenger_becomes_challenger(version):
    with pytest.raises(ModelStateError):
        step(challenge, step(challenge, START), version)


def test_another_challenger_takes_the_place_and_the_proposal_falls(proposed):
    after = step(challenge, proposed, "v3")
    assert (after.challenger, after.proposal) == ("v3", None)
    assert after.role("v2") == "candidate"


def test_one_person_rolls_back_to_the_champion_before(proposed):
    promoted = step(promote, proposed, by="bob")
    after = step(roll_back, promoted, "v2", "carl")
    assert (after.champion, after.former) == ("v1", ())
    with pytest.raises(NoFormerChampionError):
        step(roll_back, after, "v1", "carl")


def test_only_the_champion_is_rolled_back(proposed):
    with pytest.raises(ModelStateError):
        step(roll_back, proposed, "v2")


def test_every_act_is_in_the_history(proposed):
    after = step(withdraw, proposed)
    assert [one.what for one in after.history] == ["challenged", "proposed", "withdrawn"]
    assert {one.reason for one in after.history} == {"because"}
