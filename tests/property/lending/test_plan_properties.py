"""Laws of a plan, whatever its price, count and day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from functions.lending import life
from functions.lending.allocation import Due, allocate_repayment
from functions.lending.apr import irr_annual, reg_z_apr
from functions.lending.cash import capture_effect
from functions.lending.changes.earning import earn, earned_by, income_by_period
from functions.lending.late import late_charge_minor, plan_late_due_minor, settle
from functions.lending.payoff import payoff_quote
from functions.lending.plan import PlanState
from functions.lending.plans.next_action import SEGMENTS, done, due_actions, next_action
from functions.lending.rules import REFUND_POLICIES, PlanRules
from tests.builders.effort import effort
from tests.builders.plans import CUSTOMER, Trial, a_plan, require_books

PRICES = st.one_of(
    st.just({"kind": "none"}),
    st.builds(lambda bps: {"kind": "flat_monthly", "bps": bps}, st.integers(1, 134)),
    st.builds(
        lambda bps, day_count: {"kind": "annual_rate", "bps": bps, "day_count": day_count},
        st.integers(1, 2400),
        st.sampled_from(["30/360", "30E/360", "actual/365", "actual/360", "actual/actual-isda"]),
    ),
)
DUES = st.one_of(
    st.just({"kind": "order"}),
    st.builds(lambda day: {"kind": "bill", "bill_day": day, "due_day": 10}, st.integers(1, 28)),
)


@st.composite
def plans(draw, prices=PRICES, **rules):
    count = draw(st.integers(1, 24))
    return a_plan(
        draw(st.integers(count, 5_000) | st.integers(5_000, 10**8)),
        count,
        draw(prices),
        start_on=date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 1500))),
        subsidy_bps=draw(st.sampled_from([0, 0, 2500, 10_000])),
        residual=draw(st.sampled_from(["last", "first", "spread"])),
        due=draw(DUES),
        rules=PlanRules(**rules),
    )


@settings(max_examples=effort(60), deadline=None)
@given(plan=plans(), part=st.floats(0.001, 0.999), policy=st.sampled_from(REFUND_POLICIES), pieces=st.integers(1, 3))
def test_a_refund_on_the_first_day_lifts_the_rate_by_no_more_than_an_eighth_of_a_point(plan, part, policy, pieces):
    assume(plan.captured_minor > pieces)
    quoted = _rate(plan)
    for n in range(pieces):
        amount = max(1, int(plan.refundable_minor * part))
        assume(amount < plan.refundable_minor)
        plan, _ = life.refund(plan, amount, on=plan.start_on, policy=policy, reference=str(n))
    assert _rate(plan) <= quoted + 0.125


def _rate(plan):
    if plan.terms.due.kind == "order":
        payments = [(row.principal_minor + row.fee_minor, row.number, 0) for row in plan.rows]
        return float(reg_z_apr([(plan.outstanding_minor, 0, 0)], payments, 12))
    flows = [(row.due_on, -row.principal_minor - row.fee_minor) for row in plan.rows]
    return float(irr_annual([(plan.start_on, plan.outstanding_minor), *flows], "nominal_monthly"))


@settings(max_examples=effort(60), deadline=None)
@given(plan=plans(), days=st.lists(st.integers(0, 60), min_size=1, max_size=6), share=st.floats(0.05, 1.5))
def test_paying_the_payoff_quote_closes_at_zero_after_anything_paid_before(plan, days, share):
    trial, on, credit = Trial(capture_effect(plan)), plan.start_on, 0
    for n, each in enumerate(days):
        on += timedelta(days=each)
        amount = max(1, int(plan.rows[0].original_minor * share))
        plan, effect = life.repay(plan, amount, on=on, reference=str(n))
        trial.post(effect)
        credit += effect.credit_balance_minor
    assume(plan.state is PlanState.ACTIVE)
    quote = payoff_quote(plan, on)
    assert quote.saved_minor >= 0
    plan, effect = life.pay_off(plan, quote, quote.total_minor)
    trial.post(effect)
    assert effect.credit_balance_minor == 0
    assert plan.state is PlanState.PAID_OFF
    assert (plan.outstanding_minor, plan.fee_unpaid_minor, plan_late_due_minor(plan, on)) == (0, 0, 0)
    require_books(plan, trial, credit)


@settings(max_examples=effort(50), deadline=None)
@given(
    plan=plans(),
    payments=st.lists(st.tuples(st.integers(1, 70), st.floats(0.05, 2)), min_size=2, max_size=7),
    data=st.data(),
)
def test_a_payment_that_arrives_late_leaves_the_plan_as_if_it_had_come_in_time(plan, payments, data):
    def amount(share):
        return max(1, int(plan.rows[0].original_minor * share))

    on, dated = plan.start_on, []
    for n, (days, share) in enumerate(payments):
        on += timedelta(days=days)
        dated.append((on, amount(share), str(n)))
    arrives_last = data.draw(st.sampled_from(dated))
    by_date, shuffled = plan, plan
    straight, replayed = Trial(capture_effect(plan)), Trial(capture_effect(plan))
    for day, each, name in dated:
        by_date, effect = life.repay(by_date, each, on=day, reference=name)
        straight.post(effect)
    for day, each, name in [*[one for one in dated if one != arrives_last], arrives_last]:
        shuffled, effect = life.repay(shuffled, each, on=day, reference=name)
        replayed.post(effect)
    assert replace(shuffled, deferred_minor=0) == replace(by_date, deferred_minor=0)
    straight.signed.subtract(replayed.signed)
    # Only when income was taken may differ: what a plan that seemed closed had earned, it has earned.
    assert {account.name for account, amount in straight.signed.items() if amount} <= {
        "DEFERRED_FEE_INCOME",
        "FEE_INCOME",
    }


@settings(max_examples=effort(60), deadline=None)
@given(plan=plans(), stops=st.lists(st.integers(1, 40), max_size=8), last=st.integers(1, 400))
def test_late_charge_is_a_function_of_dates_however_often_it_is_looked_at(plan, stops, last):
    end = plan.rows[0].due_on + timedelta(days=last)
    looked_at, on = plan, plan.start_on
    for stop in stops:
        on = min(end, on + timedelta(days=stop))
        looked_at = settle(looked_at, on)
    charges = [late_charge_minor(looked_at, row, end) for row in looked_at.rows]
    assert charges == [late_charge_minor(plan, row, end) for row in plan.rows]
    for row, charge in zip(plan.rows, charges, strict=True):
        days = max(0, (end - row.due_on).days - plan.rules.grace_days)
        exact = row.unpaid_minor * days * plan.rules.late_daily_bps / 10_000
        assert charge <= row.original_minor * 30 // 100
        assert abs(charge - min(exact, row.original_minor * 0.3)) <= 1


ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Beirut",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
]


@settings(max_examples=effort(25), deadline=None)
@given(
    plan=plans(),
    zone=st.sampled_from(ZONES),
    segment=st.sampled_from(sorted(SEGMENTS)),
    delays=st.lists(st.integers(0, 200), max_size=6),
)
def test_jumping_from_action_to_action_visits_each_once_and_in_order(plan, zone, segment, delays):
    end = datetime(2045, 1, 1, tzinfo=UTC)
    expected = due_actions(plan, segment, zone, end)
    found, delays = [], list(delays)
    while (at := next_action(plan, segment, zone)) is not None:
        assert at == at.replace(minute=0, second=0, microsecond=0)
        # A sweep may be late by some hours; what it then finds comes in the same order.
        now = at + timedelta(hours=delays.pop() if delays else 0)
        due = due_actions(plan, segment, zone, now)
        assert due
        assert due[0].at == at
        found += due
        plan = done(plan, now)
        assert due_actions(plan, segment, zone, now) == ()
    key = [(each.at, each.kind, each.installment, each.step) for each in found]
    assert key == [(each.at, each.kind, each.installment, each.step) for each in expected]
    assert key == sorted(key)


@settings(max_examples=effort(40), deadline=None)
@given(plan=plans(), days=st.lists(st.integers(1, 45), min_size=1, max_size=10))
def test_income_never_runs_ahead_and_comes_to_the_whole_fee(plan, days):
    gross = sum(row.fee_minor + row.subsidy_minor for row in plan.rows)
    assert sum(income_by_period(plan)) == gross
    on = plan.start_on
    for each in days:
        on += timedelta(days=each)
        before = plan.deferred_minor
        plan, _ = earn(plan, on)
        assert 0 <= plan.deferred_minor <= before
    assert earned_by(plan, plan.rows[-1].due_on) == gross


@settings(max_examples=effort(40), deadline=None)
@given(
    data=st.data(),
    counts=st.lists(st.sampled_from([1, 3, 6]), min_size=1, max_size=4),
    days=st.integers(0, 300),
    amount=st.integers(1, 400_000),
)
def test_an_allocation_pays_the_oldest_first_and_loses_nothing(data, counts, days, amount):
    start = date(2026, 1, 10)
    owned = [
        a_plan(
            data.draw(st.integers(6, 90_000)),
            count,
            start_on=start + timedelta(days=data.draw(st.integers(0, 40))),
            number=n,
        )
        for n, count in enumerate(counts, 1)
    ]
    on = start + timedelta(days=days + 40)
    result = allocate_repayment(owned, amount, Due(), on=on, customer_id=CUSTOMER, reference="r")
    after = {plan.id: plan for plan in (*owned, *result.plans)}
    assert sum(part.amount_minor for part in result.parts) + result.credit_minor == amount
    waiting = [row for plan in after.values() for row in plan.rows if row.unpaid_minor and row.due_on <= on]
    if result.credit_minor:
        assert not waiting
    oldest = min((row.due_on for row in waiting), default=None)
    for plan in after.values():
        for row in plan.rows:
            paid = row.principal_paid_minor + row.fee_paid_minor + row.late_paid_minor
            assert not paid or row.due_on <= on
            if oldest and row.due_on > oldest:
                assert not paid, "a younger installment was paid before an older one"


@pytest.mark.parametrize("policy", REFUND_POLICIES)
def test_half_of_twelve_terms_refunded_at_once_keeps_its_rate(policy):
    plan, _ = life.refund(a_plan(120_000, 12), 60_000, on=date(2026, 1, 10), policy=policy)
    assert _rate(plan) <= 10.9 + 0.125
