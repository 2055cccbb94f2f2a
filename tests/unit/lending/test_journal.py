"""Money that was started earlier than it arrived is put in its place."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.journal import JOURNAL_LIMIT, ValuedTooEarlyError, fold_oldest, plan_as_of
from functions.lending.late import plan_late_due_minor
from functions.lending.payoff import payoff_quote
from functions.lending.plan import PlanState
from functions.lending.plans.next_action import done
from tests.builders.plans import ANNUAL, FREE, START, Trial, a_plan, require_books


def comparable(plan):
    return replace(plan, revision=0, deferred_minor=0, base=None)


@pytest.mark.pain(8)
def test_a_backdated_repayment_reverses_and_replays_each_charge_once():
    plan = a_plan(1_200_000, 12, FREE)
    trial = Trial(capture_effect(plan))
    late, effect = life.repay(plan, 100_350, on=date(2026, 2, 20), reference="second")
    trial.post(effect)
    assert trial.of(Account.LATE_INCOME) == 350
    # 100,000 started on the 13th, within grace, is confirmed now.
    new, effect = life.repay(late, 100_000, on=date(2026, 2, 13), reference="first")
    trial.post(effect)
    assert trial.of(Account.LATE_INCOME) == 0
    assert effect.late_minor == -350
    assert trial.of(Account.CASH_AT_RAIL) == 200_350
    # Of the second nothing was due then: all of it is credit balance.
    require_books(new, trial, 100_350)
    straight, _ = life.repay(plan, 100_000, on=date(2026, 2, 13), reference="first")
    straight, _ = life.repay(straight, 100_350, on=date(2026, 2, 20), reference="second")
    assert comparable(new) == comparable(straight)
    again, effect = life.repay(new, 100_000, on=date(2026, 2, 13), reference="first")
    assert (again, effect.repeated) == (new, True)


def test_a_payoff_that_came_too_early_to_know_is_replayed_and_gives_back_what_is_over():
    plan = a_plan(1_200_000, 12, ANNUAL)
    trial = Trial(capture_effect(plan))
    quote = payoff_quote(plan, date(2026, 3, 1))
    closed, effect = life.pay_off(plan, quote, quote.total_minor, reference="off")
    trial.post(effect)
    due = plan.rows[0].unpaid_minor
    new, effect = life.repay(closed, due, on=date(2026, 2, 10), reference="first")
    trial.post(effect)
    assert new.state is PlanState.PAID_OFF
    # All of it comes back, and the late charge that had not been due with it.
    assert effect.credit_balance_minor == due + quote.late_minor
    assert (effect.fee_minor, effect.late_minor) == (0, -quote.late_minor)
    require_books(new, trial, due + quote.late_minor)


def test_a_reversal_still_finds_its_payment_after_a_replay():
    plan = a_plan(120_000, 12, FREE)
    plan, _ = life.repay(plan, 10_000, on=date(2026, 2, 10), reference="a")
    plan, _ = life.reverse_repayment(plan, "a", 10_000, on=date(2026, 2, 20))
    plan, effect = life.repay(plan, 4_000, on=date(2026, 2, 11), reference="b")
    # Valued between the two, it found the first installment paid: credit balance.
    assert effect.credit_balance_minor == 4_000
    assert plan.rows[0].unpaid_minor == 10_000


def test_nothing_is_valued_before_the_capture_or_before_the_journal():
    plan = a_plan()
    with pytest.raises(ValuedTooEarlyError) as early:
        life.repay(plan, 1, on=START - timedelta(days=1))
    assert early.value.extra == {"earliest_on": "2026-01-10"}
    for n in range(JOURNAL_LIMIT + 5):
        plan, _ = life.repay(plan, 1, on=START + timedelta(days=n), reference=str(n))
    assert len(plan.journal) == JOURNAL_LIMIT
    with pytest.raises(ValuedTooEarlyError) as early:
        life.repay(plan, 1, on=START)
    assert early.value.extra == {"earliest_on": "2026-01-14"}


def test_of_one_day_the_later_arrival_comes_after_and_the_past_is_taken_back_once():
    plan = a_plan(120_000, 12, FREE)
    for name, day in (("a", 10), ("b", 10), ("c", 20)):
        plan, _ = life.repay(plan, 3_000, on=date(2026, 2, day), reference=name)
    plan, effect = life.repay(plan, 3_333, on=date(2026, 2, 10), reference="d")
    assert [line.amount_minor for line in plan.journal] == [3_000, 3_000, 3_333, 3_000]
    ends = {(posting.debit, posting.credit) for posting in effect.postings}
    assert not ends & {(credit, debit) for debit, credit in ends}
    assert len(effect.postings) == len(ends)


def test_what_was_done_for_a_plan_is_not_forgotten_by_a_replay():
    plan, _ = life.repay(a_plan(), 5, on=date(2026, 2, 20))
    plan = done(plan, datetime(2026, 2, 21, tzinfo=UTC))
    new, _ = life.repay(plan, 5, on=date(2026, 2, 10))
    assert new.done_through == plan.done_through
    assert new.revision == plan.revision + 1


def test_only_money_can_be_valued_in_the_past():
    plan, _ = life.repay(a_plan(), 1, on=date(2026, 2, 20))
    before = date(2026, 2, 19)
    for verb in (
        lambda: life.charge_off(plan, on=before),
        lambda: life.defer(plan, 1, 1, on=before, asked_by="staff"),
        lambda: life.waive_late(plan, 1, on=before),
        lambda: life.open_dispute(plan, 1, on=before),
        lambda: life.withdraw(plan, on=before),
        lambda: life.reverse_repayment(plan, "x", 1, on=before),
    ):
        with pytest.raises(ValuedTooEarlyError):
            verb()


def test_folding_changes_nothing_but_how_far_back_one_can_go():
    plan = a_plan()
    for n, day in enumerate((date(2026, 2, 10), date(2026, 3, 12), date(2026, 4, 10))):
        plan, _ = life.repay(plan, 9_000, on=day, reference=str(n))
    folded = fold_oldest(plan)
    assert len(folded.journal) == 2
    assert replace(folded, base=plan.base, journal=plan.journal) == plan
    late = date(2026, 3, 20)
    assert comparable(plan_as_of(folded, late)).rows == comparable(plan_as_of(plan, late)).rows


def test_folding_a_payment_takes_its_reversal_with_it():
    plan, _ = life.repay(a_plan(), 10_600, on=date(2026, 2, 10), reference="a")
    plan, _ = life.repay(plan, 5, on=date(2026, 2, 11), reference="b")
    plan, _ = life.reverse_repayment(plan, "a", 10_600, on=date(2026, 2, 12))
    plan, _ = life.repay(plan, 7, on=date(2026, 2, 13), reference="c")
    assert [line.amount_minor for line in fold_oldest(plan).journal] == [7]


def test_a_plan_can_be_seen_as_of_any_day():
    plan, _ = life.repay(a_plan(1_200_000, 12, FREE), 100_000, on=date(2026, 2, 20), reference="a")
    then = plan_as_of(plan, date(2026, 2, 19))
    assert then.rows[0].unpaid_minor == 100_000
    assert plan_late_due_minor(then, date(2026, 2, 19)) == 300
    assert plan_as_of(plan, date(2026, 2, 20)).rows == plan.rows
    with pytest.raises(ValuedTooEarlyError):
        plan_as_of(plan, START - timedelta(days=1))
