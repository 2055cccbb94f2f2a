"""Closing a plan early."""

from datetime import date

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.late import plan_late_due_minor
from functions.lending.payoff import NothingToPayOffError, PayoffShortError, QuoteVoidError, payoff_quote
from functions.lending.plan import PlanState
from functions.lending.rules import PlanRules
from tests.builders.plans import ANNUAL, FLAT, FREE, Trial, a_plan, require_books


def test_the_quote_is_principal_and_fee_to_the_day():
    quote = payoff_quote(a_plan(), date(2026, 1, 25))  # 15 of 31 days of 600
    assert (quote.principal_minor, quote.fee_minor, quote.late_minor) == (120_000, 290, 0)
    assert quote.saved_minor == 7_200 - 290


def test_fee_of_installments_due_by_the_day_counts_whole():
    quote = payoff_quote(a_plan(), date(2026, 3, 10))
    assert quote.fee_minor == 1_200
    assert quote.late_minor == plan_late_due_minor(a_plan(), date(2026, 3, 10)) > 0


def test_an_annual_rate_counts_by_its_own_day_count():
    start, on = date(2026, 1, 10), date(2026, 1, 25)
    for day_count, days in [("30/360", 15 / 30), ("actual/365", 15 / 31)]:
        plan = a_plan(1_200_000, 12, {**ANNUAL, "day_count": day_count}, start_on=start)
        assert payoff_quote(plan, on).fee_minor == round(plan.rows[0].fee_minor * days)


@pytest.mark.pain(7)
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
@pytest.mark.parametrize("day", [date(2026, 1, 10), date(2026, 1, 25), date(2026, 2, 10), date(2026, 9, 3)])
def test_paying_the_quote_closes_the_plan_with_nothing_over(pricing, day):
    plan = a_plan(123_457, 12, pricing, subsidy_bps=1000)
    trial = Trial(capture_effect(plan))
    quote = payoff_quote(plan, day)
    closed, effect = life.pay_off(plan, quote, quote.total_minor)
    trial.post(effect)
    assert closed.state is PlanState.PAID_OFF
    assert (effect.credit_balance_minor, closed.fee_unpaid_minor, closed.outstanding_minor) == (0, 0, 0)
    assert effect.line.available_minor == plan.outstanding_minor
    assert trial.of(Account.CASH_AT_RAIL) == quote.total_minor
    require_books(closed, trial, 0)
    with pytest.raises(NothingToPayOffError):
        payoff_quote(closed, day)


def test_more_than_the_quote_is_credited_and_less_is_refused():
    plan = a_plan()
    quote = payoff_quote(plan, date(2026, 1, 25))
    _, effect = life.pay_off(plan, quote, quote.total_minor + 1)
    assert effect.credit_balance_minor == 1
    with pytest.raises(PayoffShortError) as short:
        life.pay_off(plan, quote, quote.total_minor - 1)
    assert short.value.extra == {"missing_minor": 1, "total_minor": quote.total_minor}


def test_a_quote_is_void_after_any_new_posting_and_for_another_plan():
    plan = a_plan()
    quote = payoff_quote(plan, date(2026, 1, 25))
    moved, _ = life.refund(plan, 1, on=date(2026, 1, 25))
    with pytest.raises(QuoteVoidError):
        life.pay_off(moved, quote, quote.total_minor)
    with pytest.raises(QuoteVoidError):
        life.pay_off(a_plan(number=2), quote, quote.total_minor)
    with pytest.raises(QuoteVoidError):
        payoff_quote(moved, date(2026, 1, 24))


def test_all_remaining_fees_where_the_product_says_so():
    quote = payoff_quote(a_plan(rules=PlanRules(payoff="all_remaining")), date(2026, 1, 25))
    assert (quote.fee_minor, quote.saved_minor) == (7_200, 0)


def test_subsidy_stays_with_the_lender_on_early_payoff():
    plan = a_plan(subsidy_bps=10_000)
    quote = payoff_quote(plan, date(2026, 1, 25))
    assert quote.fee_minor == 0
    _, effect = life.pay_off(plan, quote, quote.total_minor)
    trial = Trial(capture_effect(plan), effect)
    assert trial.of(Account.MERCHANT_PAYABLE) == 120_000 - 7_200
    assert trial.of(Account.FEE_INCOME) == 7_200


def test_a_charged_off_claim_can_be_paid_off_too():
    plan = a_plan()
    on = date(2026, 8, 9)
    plan, _ = life.charge_off(plan, on=on)
    quote = payoff_quote(plan, on)
    assert (quote.principal_minor, quote.fee_minor) == (120_000, 7_200)
    closed, effect = life.pay_off(plan, quote, quote.total_minor)
    assert closed.state is PlanState.CHARGED_OFF
    assert closed.charged_off_minor == 0
    assert Trial(effect).of(Account.RECOVERY) == quote.total_minor
