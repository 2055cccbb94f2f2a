"""Deferral, dispute, charge-off, withdrawal, waiver, release."""

from datetime import date, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.changes.charge_off import ChargeOffTooEarlyError
from functions.lending.changes.deferral import DeferralLimitError, DeferralRefusedError
from functions.lending.changes.dispute import DisputeExceedsRemainderError, DisputeOpenError, NoDisputeError
from functions.lending.changes.waiver import NothingToWaiveError
from functions.lending.changes.withdrawal import WithdrawalClosedError
from functions.lending.late import plan_late_due_minor
from functions.lending.line import LineChange
from functions.lending.plan import Delinquency, PlanState, days_past_due, delinquency
from functions.lending.refund import RefundExceedsRemainderError
from functions.lending.rules import PlanRules
from tests.builders.plans import ANNUAL, FLAT, FREE, START, Trial, a_plan, require_books

DUE = date(2026, 2, 10)
CHARGE_OFF_ON = DUE + timedelta(days=180)


def test_a_deferral_moves_the_next_due_day_and_its_late_charge():
    plan, effect = life.defer(a_plan(), 1, 15, on=date(2026, 2, 1), asked_by="customer")
    assert [row.due_on for row in plan.rows[:2]] == [date(2026, 2, 25), date(2026, 3, 10)]
    assert effect.postings == ()  # a flat fee has no cost of time
    assert plan_late_due_minor(plan, date(2026, 2, 28)) == 0
    assert delinquency(plan, date(2026, 2, 25)) is Delinquency.CURRENT


def test_a_deferral_at_an_annual_rate_costs_the_interest_of_the_longer_time():
    plan = a_plan(1_200_000, 12, {**ANNUAL, "day_count": "actual/365"})
    trial = Trial(capture_effect(plan))
    new, effect = life.defer(plan, 1, 15, on=date(2026, 2, 1), asked_by="staff")
    trial.post(effect)
    cost = new.fee_unpaid_minor - plan.fee_unpaid_minor
    exact = plan.rows[0].principal_minor * 0.12 * 15 / 365  # only the first installment stays out longer
    assert abs(cost - exact) <= 1
    require_books(new, trial, 0)


def test_all_due_days_may_move_together():
    plan, _ = life.defer(a_plan(), 12, 31, on=START, asked_by="policy")
    assert [row.due_on for row in plan.rows][::11] == [date(2026, 3, 13), date(2027, 2, 10)]


def test_a_plan_is_deferred_as_often_as_its_rules_allow():
    plan = a_plan(rules=PlanRules(deferrals_max=1))
    plan, _ = life.defer(plan, 1, 5, on=START, asked_by="customer")
    with pytest.raises(DeferralLimitError) as refused:
        life.defer(plan, 1, 5, on=START, asked_by="customer")
    assert refused.value.extra == {"deferrals": 1, "deferrals_max": 1}


@pytest.mark.parametrize(
    ("installments", "days", "asked_by"),
    [(1, 0, "staff"), (1, 93, "staff"), (0, 5, "staff"), (13, 5, "staff"), (1, 29, "staff"), (1, 5, "merchant")],
)
def test_due_days_that_can_not_move_are_refused(installments, days, asked_by):
    with pytest.raises(DeferralRefusedError):
        life.defer(a_plan(), installments, days, on=START, asked_by=asked_by)


def test_an_open_dispute_bears_no_late_charge_and_no_delinquency():
    plan, _ = life.open_dispute(a_plan(), 120_000, on=date(2026, 2, 1))
    assert plan_late_due_minor(plan, date(2026, 6, 1)) == 0
    assert days_past_due(plan, date(2026, 6, 1)) == 0


def test_only_the_earliest_installments_that_cover_the_contested_amount_stand_still():
    plan, _ = life.open_dispute(a_plan(), 15_000, on=date(2026, 2, 1))
    assert [row.disputed for row in plan.rows] == [True, True] + [False] * 10


def test_after_a_dispute_is_won_the_days_meanwhile_never_counted():
    plan = a_plan(1_200_000, 12, FREE)
    plan, _ = life.open_dispute(plan, 100_000, on=date(2026, 2, 15))  # two charged days, five past due
    plan, _ = life.close_dispute(plan, on=date(2026, 3, 1))
    assert plan_late_due_minor(plan, date(2026, 3, 1)) == 100
    assert days_past_due(plan, date(2026, 3, 1)) == 5
    assert plan_late_due_minor(plan, date(2026, 3, 2)) == 150


def test_what_fell_due_during_a_dispute_is_due_the_day_after_with_its_grace():
    plan, _ = life.open_dispute(a_plan(1_200_000, 12, FREE), 100_000, on=date(2026, 2, 1))
    plan, _ = life.close_dispute(plan, on=date(2026, 3, 1))
    assert days_past_due(plan, date(2026, 3, 2)) == 0
    assert plan_late_due_minor(plan, date(2026, 3, 5)) == 0
    assert plan_late_due_minor(plan, date(2026, 3, 6)) == 50


def test_a_lost_dispute_is_a_refund():
    plan, _ = life.open_dispute(a_plan(), 60_000, on=START)
    plan, effect = life.close_dispute(plan, on=START, lost_minor=60_000)
    assert (plan.refunded_minor, plan.outstanding_minor, plan.disputed_minor) == (60_000, 60_000, 0)
    assert effect.line.available_minor == 60_000


def test_disputes_over_nothing_or_too_much_or_twice_are_refused():
    plan = a_plan()
    for amount in (0, 120_001):
        with pytest.raises(DisputeExceedsRemainderError):
            life.open_dispute(plan, amount, on=START)
    with pytest.raises(NoDisputeError):
        life.close_dispute(plan, on=START)
    plan, _ = life.open_dispute(plan, 5, on=START)
    with pytest.raises(DisputeOpenError):
        life.open_dispute(plan, 5, on=START)
    with pytest.raises(RefundExceedsRemainderError):
        life.close_dispute(plan, on=START, lost_minor=120_001)


def test_charge_off_waits_for_its_day():
    plan = a_plan()
    with pytest.raises(ChargeOffTooEarlyError) as early:
        life.charge_off(plan, on=CHARGE_OFF_ON - timedelta(days=1))
    assert early.value.extra == {"days_missing": 1}
    with pytest.raises(ChargeOffTooEarlyError):
        life.charge_off(life.charge_off(plan, on=CHARGE_OFF_ON)[0], on=CHARGE_OFF_ON)


def test_charge_off_takes_principal_to_expense_fee_out_of_income_and_lowers_the_limit():
    plan, paid = life.repay(a_plan(), 10_600, on=DUE)
    trial = Trial(capture_effect(a_plan()), paid)
    plan, effect = life.charge_off(plan, on=CHARGE_OFF_ON + timedelta(days=30))
    trial.post(effect)
    assert plan.state is PlanState.CHARGED_OFF
    assert (plan.outstanding_minor, plan.charged_off_minor) == (0, 110_000)
    assert trial.of(Account.CHARGE_OFF) == 110_000
    assert trial.of(Account.FEE_INCOME) == 600  # what was paid; the rest was reversed
    assert effect.line == LineChange(limit_minor=-110_000, outstanding_minor=-110_000)
    assert effect.closes_line
    require_books(plan, trial, 0)


def test_after_charge_off_money_is_a_recovery_and_no_late_charge_runs():
    plan, _ = life.charge_off(a_plan(), on=CHARGE_OFF_ON)
    frozen = plan_late_due_minor(plan, CHARGE_OFF_ON)
    assert frozen == plan_late_due_minor(plan, CHARGE_OFF_ON + timedelta(days=500)) > 0
    paid, effect = life.repay(plan, 50_000, on=CHARGE_OFF_ON + timedelta(days=9))
    assert Trial(effect).of(Account.RECOVERY) == 50_000
    assert paid.charged_off_minor == 120_000 - effect.principal_minor
    assert effect.line == LineChange()
    back, effect = life.refund(paid, 120_000, on=CHARGE_OFF_ON + timedelta(days=9))
    assert (back.charged_off_minor, back.state) == (0, PlanState.CHARGED_OFF)
    assert effect.credit_balance_minor == 50_000


def test_charge_off_is_final_even_when_a_payment_that_came_too_late_had_been_in_time():
    plan = a_plan()
    trial = Trial(capture_effect(plan))
    plan, effect = life.charge_off(plan, on=date(2027, 3, 1))
    trial.post(effect)
    plan, effect = life.repay(plan, 150_000, on=date(2027, 1, 10), reference="lost in the post")
    trial.post(effect)
    assert (plan.state, plan.charged_off_minor, plan.written_off_minor) == (PlanState.CHARGED_OFF, 0, 0)
    assert effect.line == LineChange(limit_minor=120_000, available_minor=120_000)
    assert (trial.of(Account.CHARGE_OFF), trial.of(Account.RECOVERY)) == (0, 0)
    require_books(plan, trial, effect.credit_balance_minor)


def test_the_merchants_share_of_a_loss_is_never_paid_to_it():
    rules = PlanRules(on_collection=True, loss_share_bps=4000)
    plan = a_plan(100_000, 10, FREE, rules=rules)
    trial = Trial(capture_effect(plan))
    plan, effect = life.charge_off(plan, on=CHARGE_OFF_ON)
    trial.post(effect)
    assert (trial.of(Account.MERCHANT_PAYABLE), trial.of(Account.CHARGE_OFF)) == (60_000, 60_000)
    plan, effect = life.repay(plan, 10_000 + plan_late_due_minor(plan, CHARGE_OFF_ON), on=CHARGE_OFF_ON)
    trial.post(effect)
    assert trial.of(Account.MERCHANT_PAYABLE) == 60_000 + effect.principal_minor * 4 // 10
    require_books(plan, trial, 0)


def test_withdrawal_returns_fees_and_asks_the_principal_back():
    plan = a_plan(120_000, 12, FLAT, rules=PlanRules(withdrawal_days=14), subsidy_bps=5000)
    trial = Trial(capture_effect(plan))
    plan, effect = life.withdraw(plan, on=START + timedelta(days=14))
    trial.post(effect)
    assert (plan.fee_unpaid_minor, plan.outstanding_minor, plan.withdrawn_on) == (0, 120_000, date(2026, 1, 24))
    owed = [row for row in plan.rows if row.unpaid_minor]
    assert [(row.due_on, row.unpaid_minor) for row in owed] == [(date(2026, 2, 23), 120_000)]
    assert [notice.type for notice in effect.notices] == ["plan.withdrawn"]
    require_books(plan, trial, 0)
    assert trial.of(Account.FEE_INCOME) == 0
    plan, effect = life.repay(plan, 120_000, on=date(2026, 2, 23))
    assert plan.state is PlanState.PAID_OFF


@pytest.mark.parametrize(("days", "after"), [(0, 0), (14, 15)])
def test_withdrawal_is_within_the_legal_days_only(days, after):
    with pytest.raises(WithdrawalClosedError):
        life.withdraw(a_plan(rules=PlanRules(withdrawal_days=days)), on=START + timedelta(days=after))


def test_withdrawal_happens_once():
    plan, _ = life.withdraw(a_plan(rules=PlanRules(withdrawal_days=14)), on=START)
    with pytest.raises(WithdrawalClosedError):
        life.withdraw(plan, on=START)


def test_waived_late_charge_was_never_income():
    plan = a_plan(1_200_000, 12, FREE)
    on = date(2026, 2, 20)
    new, effect = life.waive_late(plan, 200, on=on)
    assert (plan_late_due_minor(new, on), effect.postings) == (150, ())
    with pytest.raises(NothingToWaiveError) as refused:
        life.waive_late(new, 151, on=on)
    assert refused.value.extra == {"late_minor": 150}


def test_a_release_hold_keeps_repaid_principal_on_the_line_for_its_days():
    plan, effect = life.repay(a_plan(rules=PlanRules(release_hold_days=3)), 10_600, on=DUE)
    assert effect.line == LineChange(held_minor=10_000, outstanding_minor=-10_000)
    early, effect = life.release(plan, on=DUE + timedelta(days=2))
    assert (effect.line, early) == (LineChange(), plan)
    done, effect = life.release(plan, on=DUE + timedelta(days=3))
    assert effect.line == LineChange(available_minor=10_000, held_minor=-10_000)
    assert (done.releases, done.revision) == ((), plan.revision)
