"""What is left of a debt over a new term: nothing is lost, the rate does not rise, and the past stays as it was."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from functions.core.money import UnsupportedLanguageError, format_money
from functions.lending import life
from functions.lending.amendments.document import amendment_of
from functions.lending.cash import capture_effect
from functions.lending.changes.accrual import accrued_fee_minor
from functions.lending.changes.earning import earn
from functions.lending.changes.replan import (
    NewTerm,
    ReplanLimitError,
    ReplanRefusedError,
    carried_fee_minor,
    level_parts,
)
from functions.lending.late import plan_late_due_minor, settle
from functions.lending.payoff import payoff_quote
from functions.lending.plan import Delinquency, PlanState, days_past_due, delinquency
from functions.lending.plans.next_action import ActionKind, due_actions, next_action
from functions.lending.rules import PlanRules
from tests.builders.plans import ANNUAL, FLAT, FREE, Trial, a_plan, require_books

ON = date(2026, 4, 20)
FIRST = date(2026, 5, 10)


def asked(count: int = 12, first: date = FIRST) -> NewTerm:
    return NewTerm(count, first, "customer")


def test_what_is_left_stands_in_the_new_rows_to_the_unit():
    plan, _ = life.repay(a_plan(120_000, 6, FREE), 20_000, on=date(2026, 2, 10))
    new, effect = life.replan(plan, asked(7), on=ON)
    assert [row.principal_unpaid_minor for row in new.rows] == [0, 0, 0, *[14_286] * 6, 14_284]
    assert [row.due_on for row in new.rows[3:5]] == [FIRST, date(2026, 6, 10)]
    assert (new.outstanding_minor, new.fee_unpaid_minor, effect.postings) == (100_000, 0, ())
    assert [notice.type for notice in effect.notices] == ["plan.replanned"]


def test_the_plan_is_current_again_and_its_new_days_are_the_next():
    plan = a_plan(120_000, 6, FREE)
    assert delinquency(plan, ON) is Delinquency.M3
    new, _ = life.replan(plan, asked(), on=ON)
    assert (delinquency(new, ON), days_past_due(new, FIRST + timedelta(days=3))) == (Delinquency.CURRENT, 3)
    following = next_action(new, "standard", "UTC")
    assert following is not None
    first = [each for each in due_actions(new, "standard", "UTC", following) if each.installment > 3]
    assert [(each.kind, each.step) for each in first] == [(ActionKind.REMINDER, -7)]


@pytest.mark.parametrize("pricing", [FLAT, ANNUAL], ids=["flat", "annual"])
def test_fee_to_date_moves_over_and_the_time_to_come_costs_the_plans_own_rate(pricing):
    plan, _ = life.repay(a_plan(1_200_000, 12, pricing), 107_000, on=date(2026, 2, 10))
    carried = sum(accrued_fee_minor(plan, row, ON) - row.fee_paid_minor for row in plan.rows)
    assert carried == carried_fee_minor(plan, ON) > 0
    new, effect = life.replan(plan, asked(24), on=ON)
    ahead, balance, interest, start = new.rows[-24:], plan.outstanding_minor, 0, ON
    for row in ahead:
        days = (row.due_on.year - start.year) * 360 + (row.due_on.month - start.month) * 30 + row.due_on.day - start.day
        interest += int(balance * Fraction(plan.apr_bps, 10_000) * days / 360 + Fraction(1, 2))
        balance -= row.principal_minor
        start = row.due_on
    assert balance == 0
    assert new.fee_unpaid_minor == carried + interest
    payments = [row.unpaid_minor for row in ahead]
    assert max(payments[:-1]) - min(payments[:-1]) <= 1
    assert abs(payments[-1] - payments[0]) <= len(payments)
    assert sum(posting.amount_minor for posting in effect.postings) == new.fee_unpaid_minor - plan.fee_unpaid_minor


def test_a_plan_the_merchant_pays_for_costs_nothing_over_a_longer_time():
    plan = a_plan(120_000, 6, FLAT, subsidy_bps=10_000)
    new, effect = life.replan(plan, asked(18), on=ON)
    assert (new.fee_unpaid_minor, effect.postings) == (0, ())
    assert sum(row.subsidy_minor for row in new.rows) == sum(row.subsidy_minor for row in plan.rows)


@pytest.mark.parametrize("pricing", [FREE, FLAT, ANNUAL], ids=["free", "flat", "annual"])
def test_the_books_hold_from_before_to_the_last_payment(pricing):
    plan = a_plan(1_200_000, 12, pricing)
    trial = Trial(capture_effect(plan))
    for step in (
        lambda plan: life.repay(plan, 150_000, on=date(2026, 3, 10), reference="a"),
        lambda plan: earn(plan, date(2026, 3, 31)),
        lambda plan: life.replan(plan, asked(18), on=ON),
        lambda plan: earn(plan, date(2026, 6, 30)),
        lambda plan: life.prepay(plan, 333_333, "keep_term", on=date(2026, 7, 5)),
        lambda plan: life.refund(plan, 100_000, on=date(2026, 7, 6)),
        lambda plan: life.pay_off(plan, quote := payoff_quote(plan, date(2026, 8, 1)), quote.total_minor),
    ):
        plan, effect = step(plan)
        trial.post(effect)
        require_books(plan, trial, 0 if not effect.credit_balance_minor else effect.credit_balance_minor)
    assert (plan.state, plan.outstanding_minor, plan.fee_unpaid_minor) == (PlanState.PAID_OFF, 0, 0)


@pytest.mark.parametrize("pricing", [FLAT, ANNUAL], ids=["flat", "annual"])
def test_paying_off_at_once_costs_what_it_would_have_cost_without(pricing):
    plan = a_plan(1_200_000, 12, pricing)
    before = payoff_quote(plan, ON)
    new, _ = life.replan(plan, asked(), on=ON)
    after = payoff_quote(new, ON)
    assert (after.total_minor, after.late_minor) == (before.total_minor, before.late_minor)
    ahead, _ = life.prepay(new, 500_000 + before.late_minor, "keep_term", on=ON)
    assert payoff_quote(ahead, ON).total_minor == before.total_minor - 500_000 - before.late_minor


def test_late_charge_stays_due_where_it_was_and_does_not_grow():
    plan = a_plan(120_000, 6, FREE)
    late = plan_late_due_minor(plan, ON)
    assert late > 0
    new, _ = life.replan(plan, asked(), on=ON)
    assert plan_late_due_minor(new, FIRST) == late
    paid, effect = life.repay(new, late, on=date(2026, 5, 1), reference="late")
    assert (effect.late_minor, plan_late_due_minor(paid, FIRST), paid.state) == (late, 0, PlanState.ACTIVE)


def test_a_payment_of_before_that_the_bank_takes_back_reopens_its_principal():
    plan, _ = life.repay(a_plan(120_000, 6, FREE), 20_000, on=date(2026, 2, 10), reference="a")
    new, _ = life.replan(plan, asked(), on=ON)
    back, effect = life.reverse_repayment(new, "a", 20_000, on=date(2026, 5, 2))
    assert (back.outstanding_minor, effect.principal_minor, effect.shortfall_minor) == (120_000, -20_000, 0)


def test_nothing_is_valued_before_it():
    new, _ = life.replan(a_plan(120_000, 6, FREE), asked(), on=ON)
    assert (new.journal, new.base) == ((), None)
    with pytest.raises(life.ValuedTooEarlyError):
        life.repay(new, 100, on=ON - timedelta(days=1))


@pytest.mark.parametrize("period", ["14d", "30d"])
def test_periods_of_days_go_on_by_days(period):
    plan = a_plan(120_000, 6, {"kind": "flat_monthly", "bps": 50}, period=period)
    new, _ = life.replan(plan, asked(4), on=ON)
    step = int(period[:-1])
    assert [row.due_on for row in new.rows[-4:]] == [FIRST + timedelta(days=step * k) for k in range(4)]
    assert new.fee_unpaid_minor > 0


def test_a_plan_is_replanned_as_often_as_its_rules_allow():
    plan, _ = life.replan(a_plan(rules=PlanRules(replans_max=1)), asked(), on=ON)
    with pytest.raises(ReplanLimitError) as refused:
        life.replan(plan, asked(6, date(2026, 6, 10)), on=date(2026, 6, 1))
    assert refused.value.extra == {"replans": 1, "replans_max": 1}


@pytest.mark.parametrize(
    ("count", "first", "by"),
    [(0, FIRST, "staff"), (58, FIRST, "staff"), (6, ON, "staff"), (6, date(2026, 6, 22), "staff"), (6, FIRST, "x")],
)
def test_terms_that_can_not_be_are_refused(count, first, by):
    with pytest.raises(ReplanRefusedError):
        life.replan(a_plan(), NewTerm(count, first, by), on=ON)


def test_a_contested_or_young_plan_and_one_of_few_units_are_refused():
    contested, _ = life.open_dispute(a_plan(), 5, on=ON)
    with pytest.raises(ReplanRefusedError):
        life.replan(contested, asked(), on=ON)
    with pytest.raises(ReplanRefusedError):
        life.replan(a_plan(start_on=ON), asked(), on=ON)
    with pytest.raises(ReplanRefusedError) as few:
        life.replan(a_plan(6, 6, FREE), asked(7), on=ON)
    assert "1 to 6" in few.value.detail


@pytest.mark.parametrize("principal", [1, 2, 59, 60, 61, 100_003, 10**12])
@pytest.mark.parametrize("bps", [0, 1, 1200, 9999])
def test_level_parts_sum_to_the_principal_and_none_is_empty(principal, bps):
    count = min(principal, 60)
    parts = list(level_parts(principal, [Fraction(bps, 120_000)] * count))
    assert sum(part for part, _ in parts) == principal
    assert min(part for part, _ in parts) >= 1
    assert all(interest >= 0 for _, interest in parts)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_document_says_rate_and_cost_before_and_after_first(language):
    plan = settle(a_plan(1_200_000, 12, FLAT), ON)
    new, _ = life.replan(plan, asked(18), on=ON)
    made = amendment_of(plan, new, ON, merchant_name="Corner\nShop", language=language, cap_method="irr_x12")
    lines = made.agreement.document.split("\n")
    assert f"{made.after.apr_bps // 100}.{made.after.apr_bps % 100:02d} %" in lines[1]
    assert f"{made.before.apr_bps // 100}.{made.before.apr_bps % 100:02d} %" in lines[1]
    assert made.after.apr_bps <= plan.apr_bps
    assert made.cost_minor == made.after.fee_minor - made.before.fee_minor > 0
    assert "Corner Shop" in lines[3]
    money = [format_money(seen.total_minor, "CNY", language[:2]) for seen in (made.before, made.after)]
    assert [money[0] in lines[6], money[1] in lines[7]] == [True, True]
    assert sum(row.due_on.isoformat() in line for row in new.rows[-18:] for line in lines[14:]) >= 18


def test_there_is_no_rate_where_all_is_due_already_and_no_other_language():
    plan = settle(a_plan(120_000, 3, FLAT), date(2026, 6, 1))
    new, _ = life.replan(plan, asked(6, date(2026, 6, 20)), on=date(2026, 6, 1))
    about = {"merchant_name": "Shop", "cap_method": "effective"}
    assert amendment_of(plan, new, date(2026, 6, 1), language="en", **about).before.apr_bps is None
    with pytest.raises(UnsupportedLanguageError):
        amendment_of(plan, new, date(2026, 6, 1), language="fr", **about)
