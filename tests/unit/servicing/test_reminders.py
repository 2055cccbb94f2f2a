"""What a reminder says, and when it is not sent: by the state of the plan and the hour where the customer is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.lending import life
from functions.lending.changes.replan import NewTerm
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.next_action import SEGMENTS
from functions.messaging.message import APP, EMAIL, SMS, TEMPLATES, Later, Letter, Money, Route, Suppress
from functions.messaging.quiet import quiet_until
from functions.servicing.reminders import (
    Preference,
    Reader,
    Step,
    compose,
    covered_minor,
    in_order,
    judge,
    routes_of,
    unwanted,
    window_ends_on,
)
from tests.builders.plans import a_plan

SHANGHAI = "Asia/Shanghai"
DUE = date(2026, 2, 10)
READER = Reader("zh-CN", SHANGHAI, (Route(EMAIL, "mei@example.com"), Route(SMS, "+8613800000000")))


def local(day: date, hour: int, minute: int = 0, zone: str = SHANGHAI) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def judged(plan: Plan, step: Step, now: datetime, number: int = 1, **preference: Any) -> str | None:
    found = judge(plan, "standard", number, step, zone=SHANGHAI, now=now, preference=Preference(**preference))
    return found.reason if found else None


def composed(plan: Plan, now: datetime, number: int = 1, **changed: Any) -> Any:
    how = {"zone": SHANGHAI, "preference": Preference(), "reader": READER, "merchant": "Lotus", "url": "https://x/me"}
    return compose(plan, number, now=now, **{**how, **changed})


def paid(plan: Plan, number: int = 1) -> Plan:
    """The plan with its installments up to a number paid on time."""
    row = plan.rows[number - 1]
    due = sum(each.unpaid_minor for each in plan.rows[:number])
    return life.repay(plan, due, on=row.due_on)[0]


@pytest.mark.parametrize(
    ("balance", "of_first", "of_second"),
    [(0, 0, 0), (5_000, 5_000, 0), (10_000, 10_000, 0), (24_000, 10_000, 10_000), (13_000, 10_000, 0)],
)
def test_a_credit_balance_covers_what_falls_due_first_whichever_plan_it_is_of(
    balance: int, of_first: int, of_second: int
):
    first, between = a_plan(30_000, 3, {"kind": "none"}), a_plan(4_000, 1, {"kind": "none"}, number=2)
    plans = [between, first]  # the second is due on the day of the first's first installment, and younger
    found = [covered_minor(plans, first.id, number, balance) for number in (1, 2)]
    assert found == [of_first, of_second]


def test_what_a_credit_balance_covers_is_not_asked_for():
    plan = a_plan(30_000, 3, {"kind": "none"})
    due_on = plan.rows[0].due_on
    letter = composed(plan, local(due_on - timedelta(days=1), 10), covered=4_000)
    assert letter.facts["amount"] == Money(6_000, "CNY")


@pytest.mark.parametrize(
    ("days", "name"), [(-7, "T-7"), (-3, "T-3"), (-1, "T-1"), (0, "T"), (1, "T+1"), (3, "T+3"), (7, "T+7")]
)
def test_a_step_is_named_as_people_write_it_and_read_back(days: int, name: str):
    step = Step(days, DUE)
    assert step.name == name
    assert str(step) == f"{name} 2026-02-10"
    assert Step.parse(str(step)) == step


@pytest.mark.parametrize(
    ("hour", "minute", "end"),
    [
        (0, 0, (11, 9)),
        (8, 59, (11, 9)),
        (9, 0, None),
        (15, 30, None),
        (20, 59, None),
        (21, 0, (12, 9)),
        (23, 59, (12, 9)),
    ],
)
@pytest.mark.parametrize("zone", [SHANGHAI, "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Pacific/Apia"])
def test_quiet_hours_are_nine_at_night_to_nine_in_the_morning_where_the_customer_is(
    zone: str, hour: int, minute: int, end: tuple[int, int] | None
):
    expected = local(date(2026, 2, end[0]), end[1], zone=zone) if end else None
    assert quiet_until(local(date(2026, 2, 11), hour, minute, zone), zone) == expected


@pytest.mark.parametrize("night", [date(2026, 3, 28), date(2026, 10, 24)], ids=["clocks forward", "clocks back"])
def test_the_morning_after_the_clocks_change_is_nine_by_the_new_time(night: date):
    end = quiet_until(local(night, 22, zone="Europe/Berlin"), "Europe/Berlin")
    assert end is not None
    here = end.astimezone(ZoneInfo("Europe/Berlin"))
    assert (here.date(), here.hour, here.minute) == (night + timedelta(days=1), 9, 0)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_step_may_be_sent_until_the_day_of_the_next_one(segment: str):
    row, steps = a_plan().rows[0], SEGMENTS[segment].steps
    for days, following in zip(steps, (*steps[1:], steps[-1] + 7), strict=True):
        assert window_ends_on(row, Step(days, row.due_on), segment) == row.due_on + timedelta(days=following)


def test_a_paused_installment_is_reminded_after_its_pause():
    row = replace(a_plan().rows[0], paused_days=10)
    assert window_ends_on(row, Step(1, row.due_on), "standard") == row.due_on + timedelta(days=13)
    assert window_ends_on(row, Step(-1, row.due_on), "standard") == row.due_on


def test_what_is_owed_and_in_time_is_wanted():
    assert judged(a_plan(), Step(-3, DUE), local(date(2026, 2, 7), 10)) is None


def test_a_paid_installment_is_not_reminded_of_but_the_next_is():
    plan = paid(a_plan())
    assert unwanted(plan, 1, Step(1, DUE)) == "already_paid"
    assert unwanted(plan, 2, Step(-7, date(2026, 3, 10))) is None


def test_a_partly_paid_installment_is_reminded_of_what_is_left():
    plan, _ = life.repay(a_plan(), 4_000, on=DUE)
    assert unwanted(plan, 1, Step(0, DUE)) is None
    letter = composed(plan, local(DUE, 10))
    assert letter.facts["amount"] == Money(plan.rows[0].original_minor - 4_000, "CNY")


def test_a_closed_disputed_or_moved_installment_is_not_reminded_of():
    plan = a_plan()
    charged_off = replace(plan, state=PlanState.CHARGED_OFF)
    disputed, _ = life.open_dispute(plan, 120_000, on=plan.start_on)
    moved, _ = life.defer(plan, 1, 20, on=plan.start_on, asked_by="customer")
    assert unwanted(charged_off, 1, Step(0, DUE)) == "plan_closed"
    assert unwanted(disputed, 1, Step(0, DUE)) == "disputed"
    assert unwanted(moved, 1, Step(0, DUE)) == "rescheduled"
    assert unwanted(moved, 1, Step(0, moved.rows[0].due_on)) is None


def test_a_step_is_too_late_from_the_local_day_of_the_next_one():
    step = Step(-3, DUE)
    assert judged(a_plan(), step, local(date(2026, 2, 8), 23, 59)) is None
    assert judged(a_plan(), step, local(date(2026, 2, 9), 0)) == "too_late"


def test_who_wants_no_reminders_gets_none():
    assert judged(a_plan(), Step(-3, DUE), local(date(2026, 2, 7), 10), enabled=False) == "opted_out"


@pytest.mark.parametrize(
    ("day", "template", "days"),
    [
        (date(2026, 2, 3), "reminder_upcoming", 7),
        (date(2026, 2, 9), "reminder_upcoming", 1),
        (DUE, "reminder_due", None),
        (date(2026, 2, 11), "reminder_overdue", 1),
        (date(2026, 2, 17), "reminder_overdue", 7),
    ],
)
def test_the_text_follows_the_day_on_which_it_is_sent(day: date, template: str, days: int | None):
    letter = composed(a_plan(), local(day, 10))
    assert letter.template == template
    assert letter.facts.get("days") == days
    assert set(letter.facts) == set(TEMPLATES[template].facts)
    assert letter.facts["due_on"] == DUE
    assert (letter.facts["number"], letter.facts["count"]) == (1, 12)
    assert (letter.language, letter.facts["merchant"]) == ("zh-CN", "Lotus")


@pytest.mark.pain(24)
def test_the_day_is_the_customers_and_not_utc():
    """23:30 UTC on the 9th is the 10th in Shanghai: due today, not tomorrow."""
    letter = composed(a_plan(), datetime(2026, 2, 9, 23, 30, tzinfo=UTC), reader=replace(READER, zone="UTC"))
    assert isinstance(letter, Later)
    letter = composed(a_plan(), local(DUE, 9))
    assert letter.template == "reminder_due"


def test_an_overdue_amount_includes_the_late_charge_after_grace():
    plan = a_plan()
    unpaid = plan.rows[0].unpaid_minor
    in_grace, after = composed(plan, local(date(2026, 2, 13), 10)), composed(plan, local(date(2026, 2, 17), 10))
    assert in_grace.facts["amount"] == Money(unpaid, "CNY")
    assert after.facts["amount"].amount_minor == unpaid + round(unpaid * 4 * 0.0005)


def test_in_quiet_hours_it_waits_for_the_morning():
    assert composed(a_plan(), local(DUE, 22)) == Later(local(date(2026, 2, 11), 9))
    elsewhere = replace(READER, zone="America/New_York")
    assert isinstance(composed(a_plan(), local(DUE, 10), reader=elsewhere), Later)


def test_the_preferred_channel_is_first_and_the_other_is_left_as_a_way():
    email, sms = READER.routes
    assert in_order(READER.routes, SMS) == (sms, email)
    assert in_order(READER.routes, EMAIL) == (email, sms)
    assert in_order((sms,), EMAIL) == (sms,)
    assert routes_of("cus_1", "+1", None, EMAIL) == (Route(SMS, "+1"),)
    assert routes_of("cus_1", "+1", "a@b.c", SMS) == (Route(EMAIL, "a@b.c"), Route(SMS, "+1"))
    assert routes_of("cus_1", "+1", "a@b.c", APP) == (Route(EMAIL, "a@b.c"), Route(SMS, "+1"), Route(APP, "cus_1"))


def test_a_verdict_shows_no_address():
    letter = composed(a_plan(), local(DUE, 10))
    assert isinstance(letter, Letter)
    assert "mei@" not in repr(letter)
    assert "86138" not in repr(letter)
    assert Suppress("already_paid") == Suppress("already_paid")


def test_an_installment_that_a_new_term_did_away_with_is_not_reminded_of():
    on = DUE + timedelta(days=3)
    plan, _ = life.replan(a_plan(), NewTerm(1, on + timedelta(days=20), "customer"), on=on)
    assert len(plan.rows) == 2
    assert unwanted(plan, 3, Step(-7, date(2026, 4, 10))) == "rescheduled"
    assert judged(plan, Step(-7, date(2026, 4, 10)), local(DUE, 10), number=3) == "rescheduled"
