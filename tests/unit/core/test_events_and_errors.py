"""The event envelope and the base of errors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.core import errors
from functions.core.errors import WhitenoteError
from functions.core.events import Event

EVENT = Event(
    id="evt_1",
    type="authorization.approved",
    version=1,
    object_id="auth_1",
    sequence=3,
    occurred_at=datetime(2026, 11, 22, 8, tzinfo=UTC),
    request_id="req",
    data={"amount_minor": 59980},
    merchant_id="mer_1",
)


def test_an_event_comes_back_from_its_json_values():
    assert Event.from_dict(EVENT.to_dict()) == EVENT


def test_an_event_says_when_in_the_one_form_of_instants():
    assert EVENT.to_dict()["occurred_at"] == "2026-11-22T08:00:00.000Z"


ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, WhitenoteError)]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_has_its_status_a_code_and_a_title(error):
    assert 400 <= error.status < 600
    assert error.code == error.code.lower().replace(" ", "_")
    assert error().detail == error.title


def test_codes_are_not_used_twice():
    assert len({error.code for error in ALL}) == len(ALL)


def test_further_members_and_the_wait_are_carried():
    error = errors.TooManyRequestsError("slow down", retry_after_s=7, remaining_minor=5)
    assert (error.detail, error.retry_after_s, error.extra) == ("slow down", 7, {"remaining_minor": 5})
