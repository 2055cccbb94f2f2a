"""The clock: two times, one form of an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.clock import (
    FixedClock,
    OffsetClock,
    SystemClock,
    epoch_ms,
    from_epoch_ms,
    isoformat,
    local_date,
    parse_instant,
)

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
INSTANTS = st.integers(0, 253_370_764_800_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


def test_business_time_moves_alone_and_wall_time_takes_it_along():
    clock = FixedClock(AT)
    clock.advance_business(timedelta(days=30))
    clock.advance(timedelta(hours=1))
    assert (clock.now(), clock.wall()) == (AT + timedelta(days=30, hours=1), AT + timedelta(hours=1))


def test_the_sandbox_moves_business_time_only():
    clock = OffsetClock(lambda: timedelta(days=7), FixedClock(AT))
    assert (clock.now(), clock.wall()) == (AT + timedelta(days=7), AT)


def test_the_system_clock_tells_whole_milliseconds_in_utc():
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


@given(INSTANTS)
def test_milliseconds_are_exact(at):
    assert from_epoch_ms(epoch_ms(at)) == at


@given(INSTANTS)
def test_an_instant_comes_back_from_its_text(at):
    assert parse_instant(isoformat(at)) == at


def test_an_instant_leaves_in_utc_with_milliseconds_and_a_z():
    shanghai = timezone(timedelta(hours=8))
    assert isoformat(datetime(2026, 11, 22, 16, 0, 0, 5000, tzinfo=shanghai)) == "2026-11-22T08:00:00.005Z"


def test_an_instant_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        parse_instant("2026-11-22T08:00:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_outside_all_years_is_refused(text):
    with pytest.raises(ValueError, match="years"):
        parse_instant(text)


@pytest.mark.pain(24)
def test_the_day_is_that_of_the_place_not_of_utc():
    late = datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert local_date(late, "Asia/Shanghai") == date(2026, 11, 23)
    assert local_date(late, "America/New_York") == date(2026, 11, 22)
