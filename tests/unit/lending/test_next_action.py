"""What a plan is owed, and when."""

from datetime import UTC, date, datetime, timedelta

import pytest

from functions.lending import life
from functions.lending.plans.next_action import (
    SEGMENTS,
    ActionKind,
    QuietHourError,
    Segment,
    UnknownSegmentError,
    done,
    due_actions,
    next_action,
)
from functions.lending.rules import PlanRules
from tests.builders.plans import START, a_plan

SHANGHAI = "Asia/Shanghai"


def walk(plan, segment="standard", zone=SHANGHAI, until=datetime(2028, 1, 1, tzinfo=UTC)):
    """Everything done, jumping from action hour to action hour."""
    found = []
    while (at := next_action(plan, segment, zone)) and at < until:
        found += due_actions(plan, segment, zone, at)
        plan = done(plan, at)
    return found


def test_the_first_thing_owed_is_the_reminder_a_week_before():
    plan = a_plan()
    assert next_action(plan, "standard", SHANGHAI) == datetime(2026, 2, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
    (action,) = due_actions(plan, "standard", SHANGHAI, datetime(2026, 2, 3, 2, tzinfo=UTC))
    assert (action.kind, action.installment, action.step) == (ActionKind.REMINDER, 1, -7)


def test_an_unpaid_installment_goes_through_every_step():
    days = [(each.kind.name, each.step, each.at) for each in walk(a_plan(120_000, 1, {"kind": "none"}))]
    due = datetime(2026, 2, 9, 16, tzinfo=UTC)  # midnight of the 10th in Shanghai
    assert days == [
        ("REMINDER", -7, due + timedelta(days=-7, hours=10)),
        ("REMINDER", -3, due + timedelta(days=-3, hours=10)),
        ("REMINDER", -1, due + timedelta(days=-1, hours=10)),
        ("DUE", 0, due),
        ("REMINDER", 0, due + timedelta(hours=10)),
        ("BUCKET", 1, due + timedelta(days=1)),
        ("OVERDUE", 1, due + timedelta(days=1)),
        ("REMINDER", 1, due + timedelta(days=1, hours=10)),
        ("REMINDER", 3, due + timedelta(days=3, hours=10)),
        ("LATE", 4, due + timedelta(days=4)),
        ("REMINDER", 7, due + timedelta(days=7, hours=10)),
        ("BUCKET", 31, due + timedelta(days=31)),
        ("BUCKET", 61, due + timedelta(days=61)),
        ("BUCKET", 91, due + timedelta(days=91)),
        ("CHARGE_OFF", 180, due + timedelta(days=180)),
    ]


def test_a_paid_installment_is_owed_nothing_and_a_closed_plan_never_anything():
    plan, _ = life.repay(a_plan(120_000, 2), 60_600, on=date(2026, 2, 10))
    assert {each.installment for each in walk(plan)} == {0, 2}
    closed, _ = life.repay(plan, 60_600, on=date(2026, 3, 10))
    assert next_action(closed, "standard", SHANGHAI) is None
    written_off, _ = life.charge_off(a_plan(), on=date(2027, 1, 1))
    assert next_action(written_off, "standard", SHANGHAI) is None


@pytest.mark.pain(24)
def test_the_day_is_the_customers_not_that_of_utc():
    # Due on 10 Feb: overdue from 11 Feb local, which is another instant in each zone.
    plan = a_plan(120_000, 1, {"kind": "none"})
    for zone, hour in [
        ("Pacific/Kiritimati", datetime(2026, 2, 10, 10, tzinfo=UTC)),
        (SHANGHAI, datetime(2026, 2, 10, 16, tzinfo=UTC)),
        ("UTC", datetime(2026, 2, 11, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 2, 11, 8, tzinfo=UTC)),
    ]:
        (overdue,) = [each for each in walk(plan, zone=zone) if (each.kind, each.step) == (ActionKind.BUCKET, 1)]
        assert overdue.at == hour


def test_a_zone_off_by_half_an_hour_waits_for_the_next_whole_hour():
    plan = a_plan()
    # 10:00 in Kolkata is 04:30 UTC: done at 05:00, never before 10:00.
    assert next_action(plan, "standard", "Asia/Kolkata") == datetime(2026, 2, 3, 5, tzinfo=UTC)


def test_a_day_whose_midnight_is_skipped_begins_at_the_jump():
    plan = a_plan(120_000, 1, {"kind": "none"}, start_on=date(2026, 3, 25), period="30d")
    assert plan.rows[0].due_on == date(2026, 4, 24)  # Cairo skips 00:00–01:00 of this day
    (due,) = [each for each in walk(plan, zone="Africa/Cairo") if each.kind is ActionKind.DUE]
    assert due.at == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_the_send_hour_is_local_on_both_sides_of_a_clock_change():
    plan = a_plan(120_000, 2, {"kind": "none"}, start_on=date(2026, 2, 28), due={"kind": "order"})
    hours = {each.at.date(): each.at.hour for each in walk(plan, zone="Europe/Berlin") if each.step == -1}
    assert hours == {date(2026, 3, 27): 9, date(2026, 4, 27): 8}  # 10:00 in winter and in summer


def test_what_was_done_is_not_done_again_when_the_sweep_runs_twice_or_late():
    plan = a_plan()
    now = datetime(2026, 2, 9, 2, 30, tzinfo=UTC)
    assert [each.step for each in due_actions(plan, "standard", SHANGHAI, now)] == [-7, -3, -1]
    after = done(plan, now)
    assert due_actions(after, "standard", SHANGHAI, now) == ()
    assert done(after, now - timedelta(days=3)) == after
    assert next_action(after, "standard", SHANGHAI) > now


def test_a_reminder_whose_day_or_hours_are_over_lapses():
    plan = a_plan()
    day = datetime(2026, 2, 3, tzinfo=UTC)

    def lapsed(now):
        return due_actions(plan, "standard", SHANGHAI, now)[0].lapsed

    assert not lapsed(day.replace(hour=12, minute=59))  # 20:59
    assert lapsed(day.replace(hour=13))  # 21:00, quiet
    assert lapsed(day + timedelta(days=1, hours=3))
    due = due_actions(plan, "standard", SHANGHAI, datetime(2026, 3, 1, tzinfo=UTC))
    assert not any(each.lapsed for each in due if each.kind is not ActionKind.REMINDER)


def test_an_installment_under_dispute_is_left_alone_and_comes_back_with_a_new_day():
    plan, _ = life.open_dispute(a_plan(120_000, 1, {"kind": "none"}), 120_000, on=date(2026, 2, 1))
    assert next_action(plan, "standard", SHANGHAI) is None
    plan, _ = life.close_dispute(plan, on=date(2026, 3, 1))
    steps = [(each.kind.name, each.step) for each in walk(plan)]
    assert steps[:4] == [("DUE", 0), ("REMINDER", 0), ("BUCKET", 1), ("OVERDUE", 1)]
    assert walk(plan)[0].at == datetime(2026, 3, 1, 16, tzinfo=UTC)  # 2 March in Shanghai


def test_steps_done_before_a_dispute_are_not_done_again_after_it():
    plan = done(a_plan(120_000, 1, {"kind": "none"}), datetime(2026, 2, 14, tzinfo=UTC))
    plan, _ = life.open_dispute(plan, 120_000, on=date(2026, 2, 14))
    plan, _ = life.close_dispute(plan, on=date(2026, 3, 14))
    assert [(each.kind.name, each.step) for each in walk(plan)][:2] == [("REMINDER", 7), ("BUCKET", 31)]


def test_a_deferred_installment_is_reminded_of_its_new_day():
    plan, _ = life.defer(a_plan(), 1, 20, on=START, asked_by="customer")
    assert next_action(plan, "standard", SHANGHAI) == datetime(2026, 2, 23, 2, tzinfo=UTC)


def test_held_repayments_are_released_on_their_day_even_when_the_plan_is_over():
    plan = a_plan(120_000, 1, rules=PlanRules(release_hold_days=3))
    plan, _ = life.repay(plan, 120_600, on=date(2026, 2, 10))
    plan = done(plan, datetime(2026, 2, 10, 2, tzinfo=UTC))
    assert [(each.kind, each.at) for each in walk(plan)] == [
        (ActionKind.RELEASE, datetime(2026, 2, 12, 16, tzinfo=UTC))
    ]


def test_free_of_late_charge_means_no_late_step():
    assert not [each for each in walk(a_plan(rules=PlanRules(late_daily_bps=0))) if each.kind is ActionKind.LATE]


@pytest.mark.parametrize("hour", [8, 20, 21, 23])
def test_no_segment_may_send_in_quiet_hours(hour):
    with pytest.raises(QuietHourError):
        Segment((0,), hour)


def test_every_segment_reminds_before_and_after_and_an_unknown_one_is_refused():
    for name, segment in SEGMENTS.items():
        assert min(segment.steps) < 0 < max(segment.steps)
        assert list(segment.steps) == sorted(segment.steps)
        assert next_action(a_plan(), name, SHANGHAI)
    with pytest.raises(UnknownSegmentError):
        next_action(a_plan(), "whales", SHANGHAI)
