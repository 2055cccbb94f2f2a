"""What is due of a plan in an hour, as one piece of work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from functions.ledger.accounts import Account
from functions.ledger.entries import EntryKind
from functions.lending.cash import NOTHING
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.next_action import next_action
from functions.lending.rules import PlanRules
from functions.servicing.plan_actions import MAX_MESSAGES, Work, work_of
from tests.builders.plans import a_plan

SHANGHAI = "Asia/Shanghai"


def local(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZoneInfo(SHANGHAI)).astimezone(UTC)


def work(plan: Plan, now: datetime) -> Work:
    return work_of(plan, "standard", SHANGHAI, now)


def steps(found: Work) -> list[tuple[int, int, bool]]:
    return [(each.installment, each.step, each.lapsed) for each in found.reminders]


def test_before_anything_is_due_there_is_nothing_to_do():
    found = work(a_plan(), local(2026, 2, 3, 9))
    assert (steps(found), found.effect, found.more) == ([], NOTHING, False)


def test_a_reminder_is_due_in_its_hour_and_not_again():
    plan = a_plan()
    found = work(plan, local(2026, 2, 3, 10))
    assert steps(found) == [(1, -7, False)]
    assert steps(work(found.plan, local(2026, 2, 3, 11))) == []
    assert steps(work(found.plan, local(2026, 2, 3, 10))) == []


def test_a_reminder_whose_day_is_over_is_noted_as_lapsed():
    assert steps(work(a_plan(), local(2026, 2, 4, 10))) == [(1, -7, True)]


def test_all_that_is_due_is_one_piece_of_work_in_order():
    found = work(a_plan(), local(2026, 2, 10, 10))
    assert steps(found) == [(1, -7, True), (1, -3, True), (1, -1, True), (1, 0, False)]


@pytest.mark.parametrize("count", [12, 24])
def test_a_plan_forgotten_for_years_catches_up_in_pieces_without_gap_or_repetition(count: int):
    rules = PlanRules(charge_off_days=3650)
    plan, now = a_plan(240_000, count, rules=rules), local(2029, 1, 1, 0)
    seen: list[tuple[int, int, bool]] = []
    while True:
        found = work(plan, now)
        assert len(found.reminders) <= MAX_MESSAGES
        seen += steps(found)
        plan = found.plan
        if not found.more:
            break
    assert len(seen) == len(set(seen)) == count * 7
    assert next_action(plan, "standard", SHANGHAI) is None or next_action(plan, "standard", SHANGHAI) > now


def test_charge_off_moves_money_line_and_ledger_once():
    plan = a_plan()
    day = date(2026, 2, 10) + timedelta(days=180)
    found = work(plan, local(day.year, day.month, day.day, 12))
    while found.more:
        found = work(found.plan, local(day.year, day.month, day.day, 12))
    assert found.kind is EntryKind.CHARGE_OFF
    assert found.plan.state is PlanState.CHARGED_OFF
    assert found.effect.closes_line
    assert found.effect.line.limit_minor == found.effect.line.outstanding_minor == -120_000
    assert sum(p.amount_minor for p in found.effect.postings if p.debit.account is Account.CHARGE_OFF) == 120_000
    again = work(found.plan, local(day.year, day.month, day.day, 13))
    assert again.effect == NOTHING
    assert next_action(found.plan, "standard", SHANGHAI) is None


def test_the_end_of_a_hold_on_repaid_principal_moves_the_line_without_an_entry():
    from functions.lending import life

    plan, _ = life.repay(a_plan(rules=PlanRules(release_hold_days=3)), 10_600, on=date(2026, 2, 10))
    held = sum(each.amount_minor for each in plan.releases)
    assert held == 10_000
    found = work(plan, local(2026, 2, 13, 0))
    assert (found.effect.line.held_minor, found.effect.line.available_minor) == (-held, held)
    assert (found.effect.postings, found.kind) == ((), None)


def test_a_day_that_comes_is_told_and_moves_no_money():
    """Due day, day after and bucket follow from dates."""
    plan = work(a_plan(), local(2026, 2, 9, 10)).plan
    due = work(plan, local(2026, 2, 10, 0))
    assert [(each.type, each.note) for each in due.told] == [("installment.due", {"installments": [1]})]
    overdue = work(due.plan, local(2026, 2, 11, 0))
    assert [(each.type, each.note) for each in overdue.told] == [
        ("installment.overdue", {"installments": [1]}),
        ("plan.delinquent", {"delinquency": "M1", "days_past_due": 1}),
    ]
    assert overdue.effect == NOTHING
    assert not overdue.freezes
    assert overdue.plan.done_through == local(2026, 2, 11, 0)
    assert work(overdue.plan, local(2026, 2, 11, 1)).told == ()


def test_the_second_installment_is_overdue_on_a_day_of_its_own():
    plan = work(a_plan(), local(2026, 3, 10, 0)).plan
    found = work(plan, local(2026, 3, 11, 0))
    assert ("installment.overdue", {"installments": [2]}) in [(each.type, each.note) for each in found.told]


def test_a_line_is_frozen_from_the_second_bucket_on():
    plan = work(a_plan(), local(2026, 3, 12, 0)).plan
    found = work(plan, local(2026, 3, 13, 0))  # 31 days past due
    assert found.freezes
    assert {"delinquency": "M2", "days_past_due": 31} in [each.note for each in found.told]
