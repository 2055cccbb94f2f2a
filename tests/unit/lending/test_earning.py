"""When a fee becomes income."""

from datetime import date

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.changes.earning import earn, earned_by, income_by_period
from functions.lending.payoff import payoff_quote
from tests.builders.plans import ANNUAL, FREE, START, Trial, a_plan, require_books


def test_a_flat_fee_is_earned_as_the_money_shrinks():
    plan = a_plan(1_200_000, 12)
    shares = income_by_period(plan)
    assert sum(shares) == 72_000
    assert list(shares) == sorted(shares, reverse=True)
    # The first month's share is the monthly effective rate on all of it.
    assert abs(shares[0] - 1_200_000 * plan.apr_bps / 120_000) <= 10


def test_interest_is_earned_as_it_is_charged():
    plan = a_plan(1_200_000, 12, ANNUAL, subsidy_bps=5000)
    assert income_by_period(plan) == tuple(row.fee_minor + row.subsidy_minor for row in plan.rows)


def test_earning_every_month_comes_to_the_whole_fee_once():
    plan = a_plan(123_456, 12, subsidy_bps=2000)
    trial = Trial(capture_effect(plan))
    for row in plan.rows:
        plan, effect = life.repay(plan, row.unpaid_minor, on=row.due_on)
        trial.post(effect)
        for _ in range(2):  # a second run for the same day finds nothing
            plan, effect = earn(plan, row.due_on)
            trial.post(effect)
        require_books(plan, trial, 0)
    assert plan.deferred_minor == 0
    assert trial.of(Account.FEE_INCOME) == 7_407


def test_no_income_while_ninety_days_past_due_and_all_of_it_when_cured():
    plan = a_plan()
    on = date(2026, 5, 11)
    held, effect = earn(plan, on)
    assert (held, effect.postings) == (plan, ())
    cured, _ = life.repay(plan, 11_061, on=on)
    _, effect = earn(cured, on)
    assert Trial(effect).of(Account.FEE_INCOME) == earned_by(cured, on) > 0


def test_what_was_earned_and_is_then_refunded_leaves_income():
    plan = a_plan()
    trial = Trial(capture_effect(plan))
    plan, effect = earn(plan, date(2026, 2, 9))
    trial.post(effect)
    assert trial.of(Account.FEE_INCOME) > 0
    plan, effect = life.refund(plan, 120_000, on=date(2026, 2, 9))
    trial.post(effect)
    assert trial.of(Account.FEE_INCOME) == 0
    require_books(plan, trial, 0)


def test_a_part_refunded_after_it_was_earned_leaves_income_while_the_plan_goes_on():
    plan = a_plan()
    trial = Trial(capture_effect(plan))
    for row in plan.rows[:11]:
        plan, effect = life.repay(plan, row.unpaid_minor, on=row.due_on)
        trial.post(effect)
    on = plan.rows[10].due_on
    plan, effect = earn(plan, on)
    trial.post(effect)
    plan, effect = life.refund(plan, 5_000, on=on, policy="last_first")
    trial.post(effect)
    assert effect.credit_balance_minor == 11 * 25  # 5,000 of 120,000 off every fee paid
    assert plan.deferred_minor == 0
    assert trial.of(Account.FEE_INCOME) == sum(row.fee_minor for row in plan.rows)
    require_books(plan, trial, 275)


def test_earning_voids_no_payoff_quote():
    plan = a_plan()
    quote = payoff_quote(plan, date(2026, 1, 31))
    plan, _ = earn(plan, date(2026, 1, 31))
    closed, _ = life.pay_off(plan, quote, quote.total_minor)
    assert closed.deferred_minor == 0


def test_a_plan_without_a_fee_earns_nothing():
    plan = a_plan(120_000, 12, FREE)
    assert earn(plan, START.replace(year=2027))[1].postings == ()
