"""When a customer may be contacted about a late debt, as a pure rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from functions.servicing.collections.contact import Contact, next_contact_at

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)  # 12:00 in Shanghai
ZONE = "Asia/Shanghai"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def call(ago: timedelta, outcome: str = "no_answer", channel: str = "phone") -> Contact:
    return Contact(NOON - ago, channel, outcome, "stf_1")


def test_the_first_contact_may_be_made_at_once():
    assert next_contact_at([], "phone", NOON, ZONE) == NOON


@pytest.mark.parametrize("channel", ["phone", "email", "letter"])
def test_there_is_one_contact_a_day_whatever_the_channel(channel: str):
    following = next_contact_at([call(HOUR, "sent", "sms")], channel, NOON, ZONE)
    midnight = datetime(2026, 3, 10, 16, tzinfo=UTC)
    assert following == (midnight if channel == "letter" else midnight + 8 * HOUR)


def test_an_eighth_call_in_seven_days_waits_for_the_first_to_be_seven_days_old():
    calls = [call(6 * DAY - place * 18 * HOUR) for place in range(7)]
    assert next_contact_at(calls, "phone", NOON, ZONE) == calls[0].at + 7 * DAY
    assert next_contact_at(calls[1:], "phone", NOON, ZONE) < calls[0].at + 7 * DAY


@pytest.mark.parametrize("outcome", ["reached", "promised", "refused"])
def test_after_a_conversation_no_call_for_seven_days_but_a_letter(outcome: str):
    talk = [call(2 * DAY, outcome)]
    assert next_contact_at(talk, "phone", NOON, ZONE) == talk[0].at + 7 * DAY
    assert next_contact_at(talk, "email", NOON, ZONE) == NOON


@pytest.mark.parametrize(("hour", "wait"), [(7, 1), (8, 0), (20, 0), (21, 11), (23, 9)])
def test_no_call_before_eight_or_from_nine_in_the_evening_where_the_customer_is(hour: int, wait: int):
    now = datetime(2026, 3, 10, tzinfo=UTC) + (hour - 8) * HOUR
    assert next_contact_at([], "phone", now, ZONE) == now + wait * HOUR
    assert next_contact_at([], "letter", now, ZONE) == now


def test_an_hour_that_clocks_skip_is_no_trap():
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin, half an hour before clocks go on
    assert next_contact_at([], "phone", night, "Europe/Berlin") == datetime(2026, 3, 29, 6, tzinfo=UTC)
