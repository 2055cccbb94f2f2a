"""A merchant gives goods money back."""

from datetime import date

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import Notice, capture_effect
from functions.lending.changes.day_zero import day_zero_apr
from functions.lending.plan import PlanState
from functions.lending.refund import Bearer, RefundExceedsRemainderError, RefundKind, ZeroRefundError
from functions.lending.rules import REFUND_POLICIES, PlanRules
from tests.builders.plans import ANNUAL, FLAT, FREE, START, Trial, a_plan, require_books, rows_of

LATER = date(2026, 4, 20)


def paid_up(plan, count):
    for row in plan.rows[:count]:
        plan, _ = life.repay(plan, row.unpaid_minor, on=row.due_on, reference=f"paid {row.number}")
    return plan


def test_pro_rata_shrinks_every_unpaid_installment_alike_in_principal_and_fee():
    new, effect = life.refund(paid_up(a_plan(), 2), 50_000, on=LATER)
    assert rows_of(new) == [(10_000, 600)] * 2 + [(5_000, 300)] * 10
    assert (effect.credit_balance_minor, effect.principal_released_minor) == (0, 50_000)


def test_last_first_takes_installments_off_the_end_and_prices_the_rest_anew():
    new, effect = life.refund(paid_up(a_plan(), 2), 60_000, on=LATER, policy="last_first")
    assert rows_of(new) == [(10_000, 300)] * 6 + [(0, 0)] * 6
    assert effect.credit_balance_minor == 600  # what the two paid installments had paid above the new fee


def test_next_first_takes_the_next_installments_off():
    new, _ = life.refund(a_plan(), 60_000, on=START, policy="next_first")
    assert rows_of(new) == [(0, 0)] * 6 + [(10_000, 300)] * 6


@pytest.mark.parametrize("policy", REFUND_POLICIES)
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL])
def test_half_refunded_on_the_first_day_is_no_dearer_than_quoted(policy, pricing):
    plan = a_plan(120_000, 12, pricing)
    new, _ = life.refund(plan, 60_000, on=START, policy=policy)
    rate = day_zero_apr(new, [row.fee_minor for row in new.rows])
    assert rate * 100 <= plan.apr_bps + 13


def test_rounding_never_lifts_a_small_rest_above_the_quoted_rate():
    plan = a_plan(100, 12, {"kind": "flat_monthly", "bps": 100})
    new, _ = life.refund(plan, 87, on=START)
    assert day_zero_apr(new, [row.fee_minor for row in new.rows]) * 100 <= plan.apr_bps + 13


def test_an_annual_rate_keeps_interest_to_date_and_lowers_what_comes():
    plan = a_plan(1_200_000, 12, ANNUAL)
    new, _ = life.refund(plan, 600_000, on=date(2026, 1, 25))
    # 15 of 30 days on the whole, 15 on half: 12,000 × (½ + ¼)
    assert new.rows[0].fee_minor == 9_000
    assert new.rows[1].fee_minor == round((new.outstanding_minor - new.rows[0].principal_minor) / 100)


def test_interest_on_overdue_installments_stays_at_an_annual_rate():
    plan = a_plan(1_200_000, 12, ANNUAL)
    new, _ = life.refund(plan, 300_000, on=date(2026, 3, 20))
    assert [row.fee_minor for row in new.rows[:2]] == [row.fee_minor for row in plan.rows[:2]]


@pytest.mark.pain(11)
@pytest.mark.parametrize("policy", REFUND_POLICIES)
@pytest.mark.parametrize("pricing", [FLAT, ANNUAL, FREE])
@pytest.mark.parametrize("paid", [0, 1, 5, 12])
def test_a_full_refund_leaves_a_valid_schedule_and_returns_every_fee(policy, pricing, paid):
    plan = a_plan(123_457, 12, pricing, subsidy_bps=1000)
    trial = Trial(capture_effect(plan))
    money = 0
    for row in plan.rows[:paid]:
        plan, effect = life.repay(plan, row.unpaid_minor, on=row.due_on)
        money += row.unpaid_minor
        trial.post(effect)
    on = plan.rows[-1].due_on
    new, effect = life.refund(plan, 123_457, on=on, policy=policy)
    trial.post(effect)
    assert new.state is PlanState.REFUNDED
    assert rows_of(new) == [(0, 0)] * 12
    assert effect.credit_balance_minor == money
    assert new.refundable_minor == 0
    assert (trial.of(Account.MERCHANT_PAYABLE), trial.of(Account.FEE_INCOME)) == (0, 0)
    require_books(new, trial, money)


def test_a_full_refund_returns_late_charge_too():
    plan, paid = life.repay(a_plan(), 10_600 + 500, on=LATER)
    assert paid.late_minor > 0
    new, effect = life.refund(plan, 120_000, on=LATER)
    assert effect.credit_balance_minor == 11_100
    assert Trial(paid, effect).of(Account.LATE_INCOME) == 0
    assert new.state is PlanState.REFUNDED


@pytest.mark.pain(10)
def test_a_refund_without_a_fee_makes_no_phantom_fee():
    plan = a_plan(120_000, 12, FREE)
    new, effect = life.refund(plan, 120_000, on=START)
    assert [posting.amount_minor for posting in effect.postings] == [120_000]
    assert (new.fee_unpaid_minor, new.deferred_minor, effect.credit_balance_minor) == (0, 0, 0)
    with pytest.raises(ZeroRefundError):
        life.refund(plan, 0, on=START)


@pytest.mark.parametrize("amount", [0, -1, 1.5, True, "1"])
def test_a_refund_is_a_whole_positive_amount(amount):
    with pytest.raises(ZeroRefundError):
        life.refund(a_plan(), amount, on=START)


@pytest.mark.pain(15)
def test_a_refund_over_the_remainder_is_refused_with_the_remainder_shown():
    plan = a_plan(17_925, 3)
    with pytest.raises(RefundExceedsRemainderError) as refused:
        life.refund(plan, 17_926, on=START)
    assert refused.value.extra == {"remaining_minor": 17_925}
    assert (refused.value.status, refused.value.code) == (422, "refund_exceeds_remaining")
    part, _ = life.refund(plan, 10_000, on=START)
    with pytest.raises(RefundExceedsRemainderError) as refused:
        life.refund(part, 7_926, on=START)
    assert refused.value.extra == {"remaining_minor": 7_925}


@pytest.mark.pain(14)
def test_a_refund_of_89_89_arrives_as_89_89():
    plan = paid_up(a_plan(10_000, 3), 3)
    assert plan.state is PlanState.PAID_OFF
    new, effect = life.refund(plan, 8_989, on=plan.rows[-1].due_on)
    assert new.returned_minor == 8_989
    assert Trial(effect).of(Account.MERCHANT_PAYABLE) == -8_989
    # With 89.89 % of the principal goes 89.89 % of the fee.
    assert effect.credit_balance_minor - 8_989 == round(150 * 0.8989)


def test_what_had_been_repaid_becomes_credit_balance():
    plan = paid_up(a_plan(), 10)
    new, effect = life.refund(plan, 50_000, on=date(2026, 12, 1))
    assert new.returned_minor == 30_000
    assert effect.credit_balance_minor == 30_000 + 6_000 * 30_000 // 100_000
    assert effect.principal_released_minor == 20_000
    assert new.state is PlanState.PAID_OFF


@pytest.mark.parametrize("policy", REFUND_POLICIES)
def test_half_of_a_plan_paid_in_full_gives_half_of_its_fee_back(policy):
    plan = paid_up(a_plan(), 12)
    new, effect = life.refund(plan, 60_000, on=plan.rows[-1].due_on, policy=policy)
    assert effect.credit_balance_minor == 60_000 + 3_600
    assert rows_of(new) == [(5_000, 300)] * 12
    assert new.state is PlanState.PAID_OFF


def test_refund_and_lost_dispute_share_one_remainder():
    plan, _ = life.refund(a_plan(), 100_000, on=START)
    plan, _ = life.open_dispute(plan, 20_000, on=START)
    plan, _ = life.close_dispute(plan, on=START, lost_minor=20_000)
    assert (plan.refundable_minor, plan.state) == (0, PlanState.REFUNDED)


def test_the_same_refund_twice_counts_once_even_when_nothing_remains():
    plan, first = life.refund(a_plan(), 120_000, on=START, reference="ref_1")
    again, second = life.refund(plan, 120_000, on=START, reference="ref_1")
    assert (again, second.repeated, first.repeated) == (plan, True, False)


def test_the_down_payment_goes_back_last():
    plan = a_plan(120_000, 12, down_payment_bps=1000)
    new, effect = life.refund(plan, 108_000, on=START)
    assert (new.outstanding_minor, effect.credit_balance_minor, new.refundable_minor) == (0, 0, 12_000)
    new, effect = life.refund(new, 12_000, on=START)
    assert (effect.credit_balance_minor, new.refundable_minor) == (12_000, 0)


def test_discount_and_subsidy_go_back_in_proportion():
    plan = a_plan(120_000, 12, subsidy_bps=5000, rules=PlanRules(discount_bps=300))
    trial = Trial(capture_effect(plan))
    for amount in (1, 39_999, 20_000):
        plan, effect = life.refund(plan, amount, on=START, reference=str(amount))
        trial.post(effect)
    assert trial.of(Account.MERCHANT_DISCOUNT_INCOME) == 1_800
    assert trial.of(Account.MERCHANT_PAYABLE) == 60_000 - 1_800 - 1_800
    kept = a_plan(120_000, 12, rules=PlanRules(discount_bps=300, discount_kept=True))
    _, effect = life.refund(kept, 60_000, on=START)
    assert Trial(capture_effect(kept), effect).of(Account.MERCHANT_DISCOUNT_INCOME) == 3_600


def test_on_collection_a_refund_first_cancels_what_the_merchant_has_not_been_owed():
    plan = a_plan(120_000, 12, FREE, rules=PlanRules(on_collection=True))
    trial = Trial(capture_effect(plan))
    plan, paid = life.repay(plan, 10_000, on=date(2026, 2, 10))
    plan, refunded = life.refund(plan, 115_000, on=date(2026, 2, 11))
    trial.post(paid)
    trial.post(refunded)
    assert trial.of(Account.MERCHANT_UNCOLLECTED) == 0
    assert trial.of(Account.MERCHANT_PAYABLE) == 5_000
    assert refunded.credit_balance_minor == 5_000


def test_the_lender_bears_what_an_insolvent_merchant_can_not():
    plan = paid_up(a_plan(120_000, 12, FREE), 3)
    plan, _ = life.open_dispute(plan, 120_000, on=LATER)
    plan, effect = life.close_dispute(plan, on=LATER, lost_minor=120_000, bearer=Bearer.LENDER)
    trial = Trial(effect)
    assert (trial.of(Account.DISPUTE_LOSS), trial.of(Account.MERCHANT_PAYABLE)) == (120_000, 0)
    assert Notice("refund.created") in effect.notices


def test_a_till_reversal_is_a_refund_of_its_own_kind_and_never_twice():
    plan, _ = life.refund(a_plan(), 120_000, on=START, kind=RefundKind.REVERSAL, reference="till 1")
    assert plan.state is PlanState.REFUNDED
    _, again = life.refund(plan, 120_000, on=START, kind=RefundKind.REVERSAL, reference="till 1")
    assert again.repeated


def test_a_preview_is_the_refund_itself():
    plan = a_plan()
    assert life.refund(plan, 777, on=START) == life.refund(plan, 777, on=START)
