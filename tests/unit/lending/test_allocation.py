"""How a repayment is spread over a customer's plans."""

from datetime import date

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.allocation import (
    Due,
    MixedPlansError,
    Payoff,
    Prepay,
    UnknownPlanError,
    allocate_repayment,
    take_back,
)
from functions.lending.cash import Source
from functions.lending.journal import InvalidMoneyError
from functions.lending.payoff import PayoffShortError, payoff_quote
from functions.lending.plan import PlanState
from functions.lending.rules import PlanRules
from tests.builders.plans import CUSTOMER, FREE, Trial, a_plan, plan_id


def spread(plans, amount, intent=None, *, on, reference="r1", **more):
    return allocate_repayment(plans, amount, intent or Due(), on=on, customer_id=CUSTOMER, reference=reference, **more)


def test_past_due_goes_first_by_due_day_then_age_then_id_and_today_comes_last():
    early = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 5), number=9)
    twin_b = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 10), number=2)
    twin_a = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 10), number=1)
    today = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 12), number=3)
    plans = [today, twin_b, twin_a, early]
    on = date(2026, 2, 12)
    for amount, expected in [
        (10_000, {9: 10_000}),
        (15_000, {9: 10_000, 1: 5_000}),
        (25_000, {9: 10_000, 1: 10_000, 2: 5_000}),
        (40_000, {9: 10_000, 1: 10_000, 2: 10_000, 3: 10_000}),
    ]:
        # Before the first charged day of `early` (the 9th) grace has passed: 3 days and a charge of 5 a day.
        late = life.waive_late(early, 20, on=on)[0]
        done = spread([today, twin_b, twin_a, late], amount, on=on)
        assert {part.plan_id: part.amount_minor for part in done.parts} == {
            plan_id(number): part for number, part in expected.items()
        }
        assert done.credit_minor == 0
    assert len(plans) == 4


def test_an_older_plan_goes_before_a_younger_one_of_the_same_due_day_whatever_its_id():
    bill = {"kind": "bill", "bill_day": 1, "due_day": 10}
    younger = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 9), number=1, due=bill)
    older = a_plan(30_000, 3, FREE, start_on=date(2026, 1, 8), number=2, due=bill)
    assert older.rows[0].due_on == younger.rows[0].due_on
    done = spread([younger, older], 1, on=date(2026, 3, 1))
    assert done.parts[0].plan_id == older.id


def test_inside_an_installment_late_charge_then_fee_then_principal():
    plan = a_plan(1_200_000, 12)  # 100,000 + 6,000; 53 a day
    on = date(2026, 2, 15)
    for amount, expected in [(100, (0, 0, 100)), (6_050, (0, 5_944, 106)), (7_000, (894, 6_000, 106))]:
        effect = spread([plan], amount, on=on).effect
        assert (effect.principal_minor, effect.fee_minor, effect.late_minor) == expected


def test_the_waterfall_is_a_table_per_product():
    on = date(2026, 2, 15)
    for waterfall, expected in [
        ("late_first", (0, 0, 50)),
        ("fee_first", (0, 50, 0)),
        ("principal_first", (50, 0, 0)),
    ]:
        effect = spread([a_plan(1_200_000, 12, rules=PlanRules(waterfall=waterfall))], 50, on=on).effect
        assert (effect.principal_minor, effect.fee_minor, effect.late_minor) == expected


def test_what_is_over_becomes_credit_balance_and_is_drawn_on_the_next_due_day():
    plan = a_plan(120_000, 12)
    done = spread([plan], 15_000, on=date(2026, 2, 10))
    assert (done.credit_minor, done.effect.credit_balance_minor) == (4_400, 4_400)
    assert done.effect.principal_released_minor == 10_000  # credit balance does not change the line
    drawn = spread(done.plans, 4_400, on=date(2026, 3, 10), reference="draw", source=Source.CREDIT_BALANCE)
    assert (drawn.effect.fee_minor, drawn.effect.principal_minor) == (600, 3_800)
    assert drawn.effect.credit_balance_minor == -4_400
    assert Trial(done.effect, drawn.effect).of(Account.CUSTOMER_CREDIT_BALANCE) == 0


def test_what_can_not_be_drawn_stays_credit_balance():
    done = spread([a_plan()], 9_999, on=date(2026, 1, 20), source=Source.CREDIT_BALANCE)
    assert done.effect.postings == ()
    assert done.credit_minor == 9_999


def test_one_provider_reference_counts_once():
    plan = a_plan()
    once = spread([plan], 10_600, on=date(2026, 2, 10))
    again = spread(once.plans, 10_600, on=date(2026, 2, 10))
    assert again.plans == ()
    new, effect = life.repay(once.plans[0], 10_600, on=date(2026, 2, 10), reference="r1")
    assert effect.repeated
    assert (new, effect.postings) == (once.plans[0], ())


def test_prepay_touches_the_named_plan_only():
    one, two = a_plan(number=1), a_plan(number=2)
    done = spread([one, two], 50_000, Prepay(plan_id(2), "keep_term"), on=date(2026, 1, 20))
    assert [plan.id for plan in done.plans] == [plan_id(2)]
    assert done.effect.principal_minor == 50_000
    with pytest.raises(UnknownPlanError):
        spread([one], 50_000, Prepay(plan_id(2)), on=date(2026, 1, 20))


def test_payoff_closes_every_quoted_plan_and_credits_the_rest():
    on = date(2026, 1, 25)
    plans = [a_plan(number=1), a_plan(60_000, 6, number=2)]
    quotes = tuple(payoff_quote(plan, on) for plan in plans)
    total = sum(quote.total_minor for quote in quotes)
    done = spread(plans, total + 5, Payoff(quotes), on=on)
    assert [plan.state for plan in done.plans] == [PlanState.PAID_OFF] * 2
    assert done.effect.credit_balance_minor == 5
    with pytest.raises(PayoffShortError) as short:
        spread(plans, total - 1, Payoff(quotes), on=on)
    assert short.value.extra["missing_minor"] == 1


def test_disputed_installments_are_not_paid_against_the_customers_word():
    plan, _ = life.open_dispute(a_plan(), 120_000, on=date(2026, 2, 1))
    done = spread([plan], 5_000, on=date(2026, 3, 1))
    assert (done.plans, done.credit_minor) == ((), 5_000)


def test_other_peoples_plans_and_mixed_currencies_are_refused():
    with pytest.raises(MixedPlansError):
        allocate_repayment([a_plan()], 1, Due(), on=date(2026, 3, 1), customer_id="cus_other", reference="r")
    with pytest.raises(MixedPlansError):
        spread([a_plan(), a_plan(currency="USD", number=2)], 1, on=date(2026, 3, 1))
    for amount in (0, -5, 1.5, True):
        with pytest.raises(InvalidMoneyError):
            spread([a_plan()], amount, on=date(2026, 3, 1))


def test_taking_a_repayment_back_reopens_every_plan_and_takes_no_more_credit_than_there_is():
    on = date(2026, 2, 12)
    plans = [a_plan(30_000, 3, FREE, number=1), a_plan(60_000, 6, FREE, number=2)]
    paid = spread(plans, 27_000, on=on)
    back = take_back(
        paid.plans,
        paid.parts,
        paid.credit_minor,
        on=date(2026, 2, 20),
        customer_id=CUSTOMER,
        reference="r1",
        credit_available_minor=3_000,
    )
    assert [plan.outstanding_minor for plan in back.plans] == [30_000, 60_000]
    assert back.effect.line.available_minor == -20_000
    assert (back.effect.credit_balance_minor, back.effect.shortfall_minor) == (-3_000, 4_000)
    trial = Trial(paid.effect, back.effect)
    assert trial.of(Account.CASH_AT_RAIL) == 0
    assert trial.of(Account.CUSTOMER_CREDIT_BALANCE) == 4_000  # 7,000 credited, 3,000 found
    assert trial.of(Account.REPAYMENT_IN_TRANSIT) == 4_000


def test_the_credit_balance_gives_once_however_many_plans_ask():
    on = date(2026, 2, 12)
    paid = spread([a_plan(30_000, 3, FREE, number=n) for n in (1, 2)], 20_000, on=on)
    gone = [life.refund(plan, 30_000, on=on)[0] for plan in paid.plans]
    back = take_back(gone, paid.parts, 0, on=on, customer_id=CUSTOMER, reference="r1", credit_available_minor=12_000)
    assert (back.effect.credit_balance_minor, back.effect.shortfall_minor) == (-12_000, 8_000)


def test_a_repayment_over_several_plans_started_earlier_is_valued_when_it_was_started():
    plans = [a_plan(1_200_000, 12, FREE, number=n) for n in (1, 2)]
    late = [life.repay(plan, 1, on=date(2026, 2, 20))[0] for plan in plans]
    done = spread(late, 200_000, on=date(2026, 2, 10), reference="in time")
    assert done.effect.late_minor == -2  # the later payments of 1 had gone to a late charge that never was
    assert [plan.rows[0].unpaid_minor for plan in done.plans] == [0, 0]
