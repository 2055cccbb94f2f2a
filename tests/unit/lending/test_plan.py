"""A plan as a value: what it is born with, what it refuses to be, how late it is."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect
from functions.lending.line import LineChange
from functions.lending.plan import Delinquency, PlanBrokenError, PlanState, days_past_due, delinquency
from functions.lending.rules import PlanRules
from functions.lending.terms import InvalidTermsError
from tests.builders.plans import START, Trial, a_plan, require_books


def test_a_new_plan_owes_its_schedule_and_nothing_else():
    plan = a_plan(120_000, 12)
    assert (plan.outstanding_minor, plan.fee_unpaid_minor, plan.refundable_minor) == (120_000, 7_200, 120_000)
    assert plan.state is PlanState.ACTIVE
    assert [row.original_minor for row in plan.rows] == [10_600] * 12


def test_a_capture_turns_the_hold_into_debt_and_owes_the_merchant():
    plan = a_plan(120_000, 12, subsidy_bps=2500, rules=PlanRules(discount_bps=200))
    effect = capture_effect(plan)
    trial = Trial(effect)
    assert effect.line == LineChange(held_minor=-120_000, outstanding_minor=120_000)
    assert trial.of(Account.MERCHANT_PAYABLE) == 120_000 - 1_800 - 2_400
    assert trial.of(Account.MERCHANT_DISCOUNT_INCOME) == 2_400
    require_books(plan, trial, 0)


def test_on_collection_owes_the_merchant_nothing_yet():
    trial = Trial(capture_effect(a_plan(120_000, 12, rules=PlanRules(on_collection=True, discount_bps=200))))
    assert trial.of(Account.MERCHANT_UNCOLLECTED) == 120_000
    assert trial.of(Account.MERCHANT_PAYABLE) == 0


def test_a_down_payment_stays_outside_the_credit():
    plan = a_plan(120_000, 12, down_payment_bps=1000)
    assert (plan.captured_minor, plan.down_payment_minor, plan.refundable_minor) == (108_000, 12_000, 120_000)
    assert [row.number for row in plan.rows] == list(range(1, 13))


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, Delinquency.CURRENT),
        (1, Delinquency.M1),
        (30, Delinquency.M1),
        (31, Delinquency.M2),
        (60, Delinquency.M2),
        (61, Delinquency.M3),
        (90, Delinquency.M3),
        (91, Delinquency.M4),
    ],
)
def test_delinquency_counts_from_the_due_day_whatever_the_grace(days, bucket):
    plan = a_plan(rules=PlanRules(grace_days=20))
    on = plan.rows[0].due_on + timedelta(days=days)
    assert delinquency(plan, on) is bucket
    assert days_past_due(plan, on) == days


@pytest.mark.pain(24)
def test_days_past_due_count_calendar_days_of_the_customer():
    # The due day itself is not past due, however late in the evening; the caller passes the customer's own day.
    plan = a_plan()
    assert delinquency(plan, date(2026, 2, 10)) is Delinquency.CURRENT
    assert delinquency(plan, date(2026, 2, 11)) is Delinquency.M1


def test_paying_the_oldest_installment_brings_the_bucket_back():
    plan = a_plan()
    late_on = plan.rows[0].due_on + timedelta(days=45)
    assert delinquency(plan, late_on) is Delinquency.M2
    plan, _ = life.repay(plan, 10_600 + 300, on=late_on)
    assert delinquency(plan, late_on) is Delinquency.M1


def test_a_plan_whose_figures_do_not_add_up_is_refused():
    plan = a_plan()
    with pytest.raises(PlanBrokenError, match="should be outstanding"):
        replace(plan, repaid_minor=1).require_sound()
    with pytest.raises(PlanBrokenError, match="installment 1"):
        replace(plan, rows=(replace(plan.rows[0], fee_paid_minor=601), *plan.rows[1:])).require_sound()


@pytest.mark.parametrize(
    "wrong",
    [
        {"waterfall": "fees"},
        {"refund": "none"},
        {"payoff": "rule_of_78"},
        {"grace_days": -1},
        {"late_cap_bps": 10_001},
        {"loss_share_bps": 100},
    ],
)
def test_rules_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidTermsError):
        PlanRules(**wrong)


def test_the_start_is_the_capture_day():
    assert a_plan().settled_on == START
