"""When a collection is tried again, as a pure rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from functions.servicing.autopay.attempt import ATTEMPT_DAYS, Step, attempt_at, following
from functions.servicing.repayment import Status

DUE = date(2026, 3, 8)


@pytest.mark.parametrize(
    ("attempt", "status", "failure", "step"),
    [
        (0, Status.RECEIVED, None, Step.DONE),
        (0, Status.REVERSED, None, Step.DONE),
        (0, Status.PENDING, None, Step.WAIT),
        (0, Status.FAILED, "insufficient_funds", Step.AGAIN),
        (len(ATTEMPT_DAYS) - 1, Status.FAILED, "insufficient_funds", Step.GIVE_UP),
        (0, Status.FAILED, "account_closed", Step.GIVE_UP),
        (0, Status.FAILED, None, Step.GIVE_UP),
    ],
)
def test_only_what_may_pass_is_tried_again(attempt: int, status: Status, failure: str | None, step: Step):
    assert following(attempt, status, failure) is step


def test_attempts_are_made_in_the_morning_where_the_customer_is_also_when_clocks_change():
    assert attempt_at(DUE, 0, "America/New_York") == datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert attempt_at(date(2026, 3, 7), 0, "America/New_York") == datetime(2026, 3, 7, 13, tzinfo=UTC)


def test_a_late_attempt_is_followed_no_sooner_than_a_day_after():
    late = datetime(2026, 4, 1, tzinfo=UTC)
    assert attempt_at(DUE, 1, "UTC", after=late) == late + timedelta(days=1)
    assert attempt_at(DUE, 1, "UTC", after=attempt_at(DUE, 0, "UTC")) == datetime(2026, 3, 9, 8, tzinfo=UTC)
