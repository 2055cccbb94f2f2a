"""The customer's bank takes a repayment back."""

from datetime import date, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import Source, capture_effect
from functions.lending.changes.reversal import ReversalMismatchError
from functions.lending.journal import fold_oldest
from functions.lending.late import plan_late_due_minor
from functions.lending.payoff import payoff_quote
from functions.lending.plan import PlanState
from functions.lending.rules import PlanRules
from tests.builders.plans import ANNUAL, FLAT, FREE, Trial, a_plan, require_books

PAID = date(2026, 2, 10)
BACK = date(2026, 2, 25)


def test_the_debt_reopens_and_the_merchant_is_untouched():
    plan = a_plan()
    paid, first = life.repay(plan, 10_600, on=PAID, reference="a")
    back, second = life.reverse_repayment(paid, "a", 10_600, on=BACK)
    assert back.rows[0].unpaid_minor == 10_600
    assert second.line.available_minor == -10_000
    trial = Trial(first, second)
    assert set(trial.signed.values()) == {0}
    assert (back.repaid_minor, back.reversed_minor) == (10_000, 10_000)


def test_days_with_the_money_here_bear_no_late_charge():
    plan, _ = life.repay(a_plan(1_200_000, 12, FREE), 100_000, on=PAID, reference="a")
    back, _ = life.reverse_repayment(plan, "a", 100_000, on=BACK)
    assert plan_late_due_minor(back, BACK) == 0
    assert plan_late_due_minor(back, BACK + timedelta(days=2)) == 100


@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
def test_a_payoff_taken_back_brings_the_plan_back_as_it_was(pricing):
    plan, _ = life.repay(a_plan(120_000, 12, pricing), 5_000, on=PAID, reference="a")
    trial = Trial(capture_effect(a_plan(120_000, 12, pricing)), _)
    quote = payoff_quote(plan, BACK)
    closed, effect = life.pay_off(plan, quote, quote.total_minor, reference="b")
    trial.post(effect)
    assert closed.state is PlanState.PAID_OFF
    back, effect = life.reverse_repayment(closed, "b", quote.total_minor, on=BACK)
    trial.post(effect)
    assert back.state is PlanState.ACTIVE
    assert [(r.principal_minor, r.fee_minor, r.unpaid_minor) for r in back.rows] == [
        (r.principal_minor, r.fee_minor, r.unpaid_minor) for r in plan.rows
    ]
    assert [notice.type for notice in effect.notices] == ["repayment.reversed", "plan.reopened"]
    assert trial.of(Account.CUSTOMER_PRINCIPAL) == back.outstanding_minor
    assert trial.of(Account.CUSTOMER_FEE) == back.fee_unpaid_minor


@pytest.mark.parametrize("mode", ["keep_term", "keep_payment"])
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
def test_a_prepayment_taken_back_restores_the_schedule(mode, pricing):
    plan = a_plan(123_457, 12, pricing)
    ahead, _ = life.prepay(plan, 60_000, mode, on=date(2026, 1, 20), reference="a")
    back, _ = life.reverse_repayment(ahead, "a", 60_000, on=date(2026, 1, 28))
    assert [(r.principal_minor, r.fee_minor) for r in back.rows] == [
        (r.principal_minor, r.fee_minor) for r in plan.rows
    ]


@pytest.mark.pain(9)
def test_a_reversal_on_an_overpaid_plan_never_makes_a_negative_balance():
    plan = a_plan(120_000, 12, FREE)
    trial = Trial(capture_effect(plan))
    plan, paid = life.repay(plan, 15_000, on=PAID, reference="a")  # 10,000 due, 5,000 credit balance
    plan, refunded = life.refund(plan, 120_000, on=BACK)  # 10,000 more
    for effect in (paid, refunded):
        trial.post(effect)
    assert trial.of(Account.CUSTOMER_CREDIT_BALANCE) == 15_000
    # 8,000 of it was paid out before the bank took the 15,000 back.
    back, effect = life.reverse_repayment(plan, "a", 15_000, on=BACK, credit_available_minor=7_000)
    trial.post(effect)
    assert (effect.credit_balance_minor, effect.shortfall_minor) == (-7_000, 8_000)
    assert trial.of(Account.CUSTOMER_CREDIT_BALANCE) == 8_000  # what was paid out, not posted here
    assert trial.of(Account.REPAYMENT_IN_TRANSIT) == 8_000
    assert (back.state, back.outstanding_minor) == (PlanState.REFUNDED, 0)
    assert (back.repaid_minor, back.returned_minor, back.reversed_minor) == (10_000, 3_000, 7_000)
    back.require_sound()


def test_reversed_twice_counts_once_and_another_amount_is_refused():
    plan, _ = life.repay(a_plan(), 10_600, on=PAID, reference="a")
    with pytest.raises(ReversalMismatchError):
        life.reverse_repayment(plan, "a", 10_599, on=BACK)
    back, _ = life.reverse_repayment(plan, "a", 10_600, on=BACK)
    again, effect = life.reverse_repayment(back, "a", 10_600, on=BACK)
    assert (again, effect.repeated) == (back, True)


def test_a_repayment_older_than_the_journal_is_undone_newest_installment_first():
    plan, _ = life.repay(a_plan(), 10_600, on=PAID, reference="a")
    plan, _ = life.repay(plan, 10_600, on=date(2026, 3, 10), reference="b")
    forgotten = fold_oldest(fold_oldest(plan))
    assert forgotten.journal == ()
    back, effect = life.reverse_repayment(forgotten, "a", 10_600, on=date(2026, 3, 11))
    assert [row.unpaid_minor for row in back.rows[:3]] == [0, 10_600, 10_600]
    assert effect.principal_minor == -10_000


def test_held_releases_go_first():
    plan, _ = life.repay(a_plan(rules=PlanRules(release_hold_days=5)), 10_600, on=PAID, reference="a")
    _, effect = life.reverse_repayment(plan, "a", 10_600, on=PAID + timedelta(days=1))
    assert (effect.line.held_minor, effect.line.available_minor) == (-10_000, 0)


def test_a_recovery_taken_back_is_a_claim_again():
    plan, _ = life.charge_off(a_plan(), on=date(2026, 8, 9))
    trial = Trial(capture_effect(a_plan()), _)
    plan, effect = life.repay(plan, 30_000, on=date(2026, 9, 1), reference="a")
    trial.post(effect)
    plan, effect = life.reverse_repayment(plan, "a", 30_000, on=date(2026, 9, 9))
    trial.post(effect)
    assert plan.charged_off_minor == 120_000
    assert trial.of(Account.RECOVERY) == 0
    assert effect.line.limit_minor == 0
    require_books(plan, trial, 0)


def test_a_payment_from_before_the_charge_off_is_charged_off_with_the_rest():
    plan, _ = life.repay(a_plan(), 10_600, on=PAID, reference="a")
    plan, _ = life.charge_off(plan, on=date(2026, 9, 9))
    plan, effect = life.reverse_repayment(plan, "a", 10_600, on=date(2026, 9, 10))
    assert plan.charged_off_minor == 120_000
    trial = Trial(effect)
    assert (trial.of(Account.CHARGE_OFF), trial.of(Account.FEE_INCOME)) == (10_000, -600)
    assert (effect.line.limit_minor, effect.line.outstanding_minor) == (-10_000, 0)


def test_what_was_drawn_from_credit_balance_goes_back_there():
    plan, drawn = life.repay(a_plan(), 5_000, on=PAID, reference="draw", source=Source.CREDIT_BALANCE)
    assert drawn.credit_balance_minor == -5_000
    back, effect = life.reverse_repayment(plan, "draw", 5_000, on=BACK)
    assert effect.credit_balance_minor == 5_000
    assert back.rows[0].unpaid_minor == 10_600
