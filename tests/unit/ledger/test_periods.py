"""Closed months stay closed; the allowance follows the buckets."""

from __future__ import annotations

from datetime import date

import pytest

from functions.core.errors import InvalidError
from functions.ledger.accounts import Account
from functions.ledger.balances import Balances
from functions.ledger.periods import (
    ALLOWANCE_BPS,
    Bucket,
    NotAPeriodError,
    Period,
    PeriodLockedError,
    PeriodNotClosableError,
    allowance,
    allowance_entry,
    bucket_of,
    open_day,
    require_closable,
    require_open,
)
from tests.builders.ledger import AT, an_entry, an_id

OCTOBER = Period(2026, 10)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-10", "0000-01", "2026-10-01", "", "2026-10\n"])
def test_only_a_month_is_a_period(text):
    with pytest.raises(NotAPeriodError):
        Period.parse(text)


@pytest.mark.parametrize(
    ("text", "last", "after"),
    [
        ("2026-10", date(2026, 10, 31), "2026-11"),
        ("2028-02", date(2028, 2, 29), "2028-03"),
        ("2026-12", date(2026, 12, 31), "2027-01"),
    ],
)
def test_months_end_where_the_calendar_says(text, last, after):
    period = Period.parse(text)
    assert (str(period), period.last_on, str(period.next())) == (text, last, after)
    assert Period.of(last) == period


def test_a_closed_month_takes_no_entry_and_says_where_it_may_go():
    locked = date(2026, 11, 22)
    with pytest.raises(PeriodLockedError, match="2026-11-23") as caught:
        require_open(an_entry(), locked)
    assert caught.value.status == 409
    assert caught.value.extra == {"first_open_on": "2026-11-23"}
    require_open(an_entry(), date(2026, 11, 21))
    require_open(an_entry(), None)


def test_what_belongs_to_a_closed_month_is_posted_on_the_first_open_day():
    locked = OCTOBER.last_on
    assert open_day(date(2026, 10, 31), locked) == date(2026, 11, 1)
    assert open_day(date(2026, 1, 1), locked) == date(2026, 11, 1)
    assert open_day(date(2026, 11, 5), locked) == date(2026, 11, 5)
    assert open_day(date(2026, 1, 1), None) == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("period", "today", "locked", "says"),
    [
        ("2026-10", date(2026, 10, 31), None, "ends on 2026-10-31"),
        ("2026-09", date(2026, 11, 2), date(2026, 9, 30), "closed already"),
        ("2026-10", date(2026, 11, 2), date(2026, 8, 31), "2026-09 has to be closed first"),
    ],
)
def test_months_close_in_turn_and_after_their_end(period, today, locked, says):
    with pytest.raises(PeriodNotClosableError, match=says):
        require_closable(Period.parse(period), today, locked)


def test_a_month_closes_the_day_after_its_end():
    require_closable(OCTOBER, date(2026, 11, 1), None)
    require_closable(OCTOBER, date(2026, 11, 1), date(2026, 9, 30))


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-5, "current"),
        (0, "current"),
        (1, "M1"),
        (30, "M1"),
        (31, "M2"),
        (60, "M2"),
        (61, "M3"),
        (90, "M3"),
        (91, "M4+"),
        (999, "M4+"),
    ],
)
def test_buckets_are_thirty_days_wide(days, bucket):
    assert bucket_of(days) == bucket


def test_the_allowance_is_rounded_half_up_once_per_bucket():
    rates = dict.fromkeys(Bucket, 50)
    rows = allowance([(0, 60), (0, 40), (5, 99), (40, 100)], rates)
    assert [row.exposure_minor for row in rows] == [100, 99, 100, 0, 0]
    assert [row.allowance_minor for row in rows] == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("rates", [{}, {**ALLOWANCE_BPS, Bucket.M3: 10_001}, {**ALLOWANCE_BPS, Bucket.M1: -1}])
def test_a_missing_or_impossible_rate_is_refused(rates):
    with pytest.raises(InvalidError, match="allowance rate"):
        allowance([], rates)


def test_a_negative_exposure_is_refused():
    with pytest.raises(InvalidError, match="-1"):
        allowance([(0, -1)])


@pytest.mark.parametrize("booked", [0, 400, 1_000, 1_600, -300])
def test_the_allowance_entry_brings_the_balance_to_what_is_wanted(booked):
    entry = allowance_entry(
        1_000, booked, entry_id=an_id("txn", 1), currency="CNY", occurred_at=AT, period=OCTOBER, command_id="close"
    )
    change = Balances.after([entry] if entry else []).of(Account.LOSS_ALLOWANCE.of(), "CNY")
    assert booked + change == 1_000
    if entry:
        assert (entry.effective_on, entry.explains) == (OCTOBER.last_on, ("period_2026-10",))
