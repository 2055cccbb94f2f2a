"""However the sweep runs (late, twice, across midnight and clock changes), each step comes once and in order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.lending import life
from functions.lending.payoff import payoff_quote
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.next_action import SEGMENTS, next_action
from functions.lending.rules import PlanRules
from functions.messaging.quiet import SEND_FROM_HOUR, SEND_UNTIL_HOUR, quiet_until
from functions.servicing.plan_actions import work_of
from functions.servicing.reminders import Preference as Wish
from functions.servicing.reminders import Step, judge, window_ends_on
from tests.builders.effort import effort
from tests.builders.plans import a_plan

HOUR = timedelta(hours=1)
ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Chatham",
    "Africa/Cairo",
    "Pacific/Kiritimati",
    "UTC",
)
zones = st.sampled_from(ZONES)
segments = st.sampled_from(sorted(SEGMENTS))
starts = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def born(start_on: date, count: int, **rules: int) -> Plan:
    return a_plan(count * 10_000, count, start_on=start_on, rules=PlanRules(**{"charge_off_days": 400, **rules}))


@given(start_on=starts, count=st.sampled_from([1, 3]), zone=zones, segment=segments)
@settings(max_examples=effort(25), deadline=None)
def test_a_punctual_sweep_sends_every_step_once_in_its_hours(start_on: date, count: int, zone: str, segment: str):
    plan = born(start_on, count)
    sent = []
    while (at := next_action(plan, segment, zone)) is not None:
        work = work_of(plan, segment, zone, at)
        plan = work.plan
        for action in work.reminders:
            assert not action.lapsed
            here = at.astimezone(ZoneInfo(zone))
            assert SEND_FROM_HOUR <= here.hour < SEND_UNTIL_HOUR
            assert quiet_until(at, zone) is None
            row = plan.rows[action.installment - 1]
            assert here.date() == row.due_on + timedelta(days=action.step)
            sent.append((action.installment, action.step))
        if plan.state is not PlanState.ACTIVE:
            break
    assert sorted(sent) == [(number, step) for number in range(1, count + 1) for step in SEGMENTS[segment].steps]
    assert len(sent) == len(set(sent))


@given(
    start_on=starts,
    zone=zones,
    segment=segments,
    gaps=st.lists(st.integers(-3, 200), min_size=1, max_size=40),
    minutes=st.integers(0, 59),
)
@settings(max_examples=effort(60), deadline=None)
def test_a_sweep_at_any_times_sends_or_skips_every_step_once_and_in_order(
    start_on: date, zone: str, segment: str, gaps: list[int], minutes: int
):
    """Negative gaps are sweeps that look at an earlier hour than one before them did."""
    plan = born(start_on, 3)
    now = plan.opened_at + timedelta(minutes=minutes)
    seen: list[tuple[int, int]] = []
    order: list[tuple[int, datetime]] = []
    for gap in [*gaps, 24 * 600]:
        now += gap * HOUR
        for _ in range(2):
            while True:
                work = work_of(plan, segment, zone, now)
                plan = work.plan
                seen += [(action.installment, action.step) for action in work.reminders]
                order += [(action.installment, action.at) for action in work.reminders]
                for action in work.reminders:
                    here = now.astimezone(ZoneInfo(zone))
                    assert action.lapsed or (SEND_FROM_HOUR <= here.hour < SEND_UNTIL_HOUR)
                    assert action.at <= now
                if not work.more:
                    break
    assert sorted(seen) == [(number, step) for number in (1, 2, 3) for step in SEGMENTS[segment].steps]
    for number in (1, 2, 3):
        own = [at for each, at in order if each == number]
        assert own == sorted(own)


@given(start_on=starts, zone=zones, segment=segments, late_hours=st.integers(0, 400), seed=st.integers(0, 10**6))
@settings(max_examples=effort(80), deadline=None)
def test_what_may_be_sent_late_is_never_in_quiet_hours_nor_on_the_day_of_the_next_step(
    start_on: date, zone: str, segment: str, late_hours: int, seed: int
):
    plan = born(start_on, 3)
    number = Random(seed).randint(1, 3)
    row = plan.rows[number - 1]
    days = Random(seed + 1).choice(SEGMENTS[segment].steps)
    step = Step(days, row.due_on)
    planned = datetime.combine(row.due_on + timedelta(days=days), datetime.min.time(), ZoneInfo(zone))
    now = (planned + timedelta(hours=SEGMENTS[segment].send_hour + late_hours)).astimezone(UTC)
    refused = judge(plan, segment, number, step, zone=zone, now=now, preference=Wish())
    today = now.astimezone(ZoneInfo(zone)).date()
    assert (refused is None) == (today < window_ends_on(row, step, segment))
    waits_until = quiet_until(now, zone)
    if waits_until is not None:
        assert now < waits_until <= now + timedelta(hours=13)
        assert quiet_until(waits_until, zone) is None


@given(start_on=starts, zone=zones, segment=segments, paid_after=st.integers(0, 40))
@settings(max_examples=effort(25), deadline=None)
def test_nothing_is_due_of_an_installment_once_it_is_paid(start_on: date, zone: str, segment: str, paid_after: int):
    plan = born(start_on, 1)
    paid_on = start_on + timedelta(days=paid_after)
    while (at := next_action(plan, segment, zone)) is not None and at.date() < paid_on:
        plan = work_of(plan, segment, zone, at).plan
    quote = payoff_quote(plan, max(paid_on, plan.settled_on))
    plan, _ = life.pay_off(plan, quote, quote.total_minor)
    assert plan.state is PlanState.PAID_OFF
    assert next_action(plan, segment, zone) is None
    assert work_of(plan, segment, zone, datetime(2030, 1, 1, tzinfo=UTC)).reminders == ()
