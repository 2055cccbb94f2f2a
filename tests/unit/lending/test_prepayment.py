"""Paying principal ahead."""

from datetime import date

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.plan import PlanState
from functions.lending.terms import InvalidTermsError
from tests.builders.plans import ANNUAL, FLAT, FREE, Trial, a_plan, require_books, rows_of


@pytest.mark.pain(5)
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
def test_the_active_schedule_shows_the_lower_payment(pricing):
    plan = a_plan(120_000, 12, pricing)
    new, _ = life.prepay(plan, 60_000, "keep_term", on=date(2026, 2, 10))
    paid, before = new.rows[0], plan.rows[0]
    assert (paid.principal_minor, paid.unpaid_minor) == (before.principal_minor, 0)
    for row, was in zip(new.rows[1:], plan.rows[1:], strict=True):
        assert 0 < row.unpaid_minor < was.unpaid_minor
        assert row.due_on == was.due_on
    assert new.outstanding_minor == 120_000 - before.principal_minor - (60_000 - before.original_minor)


def test_keep_term_shrinks_every_coming_installment_alike():
    new, effect = life.prepay(a_plan(), 60_000, "keep_term", on=date(2026, 1, 10))
    assert rows_of(new) == [(5_000, 300)] * 12
    assert (effect.principal_minor, effect.fee_minor, effect.credit_balance_minor) == (60_000, 0, 0)
    assert Trial(effect).of(Account.CUSTOMER_FEE) == -3_600


def test_fee_earned_to_date_stays():
    new, _ = life.prepay(a_plan(), 60_000, "keep_term", on=date(2026, 1, 25))  # 15 of 31 days
    assert rows_of(new)[0] == (5_000, 290 + round(310 / 2))
    assert rows_of(new)[1:] == [(5_000, 300)] * 11


@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
def test_keep_payment_keeps_what_each_installment_costs_and_ends_sooner(pricing):
    plan = a_plan(120_000, 12, pricing)
    new, _ = life.prepay(plan, 60_000, "keep_payment", on=date(2026, 1, 10))
    costs = [row.unpaid_minor for row in new.rows]
    full = [cost for cost in costs if cost][:-1]
    assert full == [row.unpaid_minor for row in plan.rows][: len(full)]
    assert costs[6:] == [0] * 6 or costs[7:] == [0] * 5
    assert new.fee_unpaid_minor <= plan.fee_unpaid_minor * 6 // 12


def test_interest_after_a_prepayment_is_on_the_lower_balance():
    plan = a_plan(1_200_000, 12, ANNUAL)
    new, _ = life.prepay(plan, 600_000, "keep_term", on=date(2026, 1, 10))
    balance = 600_000
    for row in new.rows:
        assert row.fee_minor == (balance * 100 + 5_000) // 10_000
        balance -= row.principal_minor


@pytest.mark.pain(6)
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, {"kind": "annual_rate", "bps": 1200, "day_count": "actual/365"}])
@pytest.mark.parametrize("mode", ["keep_term", "keep_payment"])
def test_two_prepayments_on_one_day_never_give_negative_interest(pricing, mode):
    plan = a_plan(120_000, 12, pricing)
    for n in range(6):
        plan, effect = life.prepay(plan, 19_999, mode, on=date(2026, 1, 11), reference=str(n))
        assert all(row.fee_minor >= 0 for row in plan.rows)
        assert effect.principal_minor == 19_999
    assert plan.outstanding_minor == 120_000 - 6 * 19_999


def test_what_is_due_is_paid_before_anything_ahead():
    new, effect = life.prepay(a_plan(), 60_000, "keep_term", on=date(2026, 2, 10))
    assert new.rows[0].unpaid_minor == 0
    assert effect.principal_minor == 60_000 - 600
    assert new.prepaid_minor == 60_000 - 10_600


def test_all_principal_ahead_leaves_the_fee_to_date_and_credits_the_rest():
    plan = a_plan()
    trial = Trial(capture_effect(plan))
    new, effect = life.prepay(plan, 130_000, "keep_term", on=date(2026, 1, 25))
    trial.post(effect)
    require_books(new, trial, 10_000)
    assert new.outstanding_minor == 0
    assert (new.fee_unpaid_minor, new.rows[0].fee_minor) == (290, 290)
    assert new.state is PlanState.ACTIVE
    closed, _ = life.repay(new, 290, on=date(2026, 2, 10))
    assert closed.state is PlanState.PAID_OFF


def test_a_charged_off_plan_has_nothing_to_pay_ahead():
    plan, _ = life.open_dispute(a_plan(), 120_000, on=date(2026, 2, 1))
    plan, _ = life.close_dispute(plan, on=date(2026, 2, 2))
    plan, _ = life.open_dispute(plan, 15_000, on=date(2026, 8, 1))
    plan, _ = life.charge_off(plan, on=date(2026, 12, 1))
    new, effect = life.prepay(plan, 200_000, "keep_payment", on=date(2026, 12, 2))
    assert Trial(effect).of(Account.CUSTOMER_FEE) == 0
    assert new.charged_off_minor == 20_000  # the contested installments stand still
    assert new.rows[0].fee_minor == plan.rows[0].fee_minor


def test_another_mode_is_refused():
    with pytest.raises(InvalidTermsError):
        life.prepay(a_plan(), 1, "keep_calm", on=date(2026, 2, 1))
