"""What waits for the service: a function of the plan, moved between two of the merchant's accounts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from functions.ledger.accounts import Account
from functions.lending import life
from functions.lending.cash import capture_effect, holdback_minor
from functions.lending.changes.dispute import DisputeOpenError
from functions.lending.changes.fulfilment import FulfilmentExceedsRemainderError, NothingHeldBackError
from functions.lending.payoff import payoff_quote
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.next_action import ActionKind, done, due_actions, next_action
from functions.lending.refund import Bearer
from functions.lending.rules import PlanRules
from tests.builders.plans import FREE, START, Trial, a_plan

LATER = START + timedelta(days=5)
BACKSTOP = date(2026, 3, 1)


def a_course(amount_minor: int = 100_000, **rules: object) -> Plan:
    plan = a_plan(amount_minor, 1, FREE, rules=PlanRules(**{"holdback_bps": 10_000, **rules}))  # type: ignore[arg-type]
    return replace(plan, backstop_on=BACKSTOP)


def books(plan: Plan) -> tuple[Trial, Plan]:
    return Trial(capture_effect(plan)), plan


def merchant(trial: Trial) -> tuple[int, int]:
    return trial.of(Account.MERCHANT_PAYABLE), trial.of(Account.HOLDBACK_PAYABLE)


def test_all_that_the_merchant_is_owed_waits_at_first_without_discount_and_subsidy() -> None:
    trial, _ = books(a_course(discount_bps=250))
    assert merchant(trial) == (0, 97_500)


def test_each_course_rendered_releases_its_part_and_the_last_one_the_rest_to_the_unit() -> None:
    trial, plan = books(a_course(100_000, discount_bps=333))
    whole = merchant(trial)[1]
    for course in (33_333, 33_333, 33_334):
        plan, effect = life.fulfil(plan, course, on=LATER)
        trial.post(effect)
        assert merchant(trial) == (whole - holdback_minor(plan), holdback_minor(plan))
    assert merchant(trial) == (whole, 0)


def test_a_refund_of_what_was_not_rendered_comes_out_of_the_holdback() -> None:
    trial, plan = books(a_course())
    plan, effect = life.fulfil(plan, 40_000, on=LATER)
    trial.post(effect)
    plan, effect = life.refund(plan, 60_000, on=LATER)
    trial.post(effect)
    assert merchant(trial) == (40_000, 0)


def test_on_collection_only_what_the_customer_paid_can_wait() -> None:
    trial, plan = books(a_course(on_collection=True))
    assert merchant(trial) == (0, 0)
    plan, effect = life.repay(plan, 30_000, on=plan.rows[0].due_on)
    trial.post(effect)
    assert merchant(trial) == (0, 30_000)
    plan, effect = life.fulfil(plan, 50_000, on=plan.settled_on)
    trial.post(effect)
    assert merchant(trial) == (15_000, 15_000)


def test_no_more_than_what_is_left_is_rendered() -> None:
    plan, _ = life.fulfil(a_course(), 70_000, on=LATER)
    with pytest.raises(FulfilmentExceedsRemainderError) as refused:
        life.fulfil(plan, 30_001, on=LATER)
    assert refused.value.extra == {"remaining_minor": 30_000}
    plan, _ = life.fulfil(plan, 30_000, on=LATER)
    for nothing in (plan, a_plan()):
        with pytest.raises(NothingHeldBackError):
            life.fulfil(nothing, 1, on=LATER)


def test_the_same_fulfilment_counts_once() -> None:
    plan, _ = life.fulfil(a_course(), 40_000, on=LATER, reference="ful_1")
    again, effect = life.fulfil(plan, 40_000, on=LATER, reference="ful_1")
    assert (again, effect.repeated, effect.postings) == (plan, True, ())


def test_while_it_is_disputed_nothing_is_released_by_proof_or_by_time() -> None:
    plan, effect = life.open_dispute(a_course(), 100_000, on=LATER)
    assert effect.postings == ()
    with pytest.raises(DisputeOpenError):
        life.fulfil(plan, 1, on=LATER)
    after = datetime(2026, 3, 2, tzinfo=UTC)
    assert ActionKind.BACKSTOP not in {each.kind for each in due_actions(plan, "standard", "UTC", after)}
    plan, _ = life.close_dispute(done(plan, after), on=date(2026, 3, 10))
    assert next_action(plan, "standard", "UTC") is not None
    [due] = [
        e
        for e in due_actions(plan, "standard", "UTC", datetime(2026, 3, 11, tzinfo=UTC))
        if e.kind is ActionKind.BACKSTOP
    ]
    assert due.at == datetime(2026, 3, 11, tzinfo=UTC)


def test_the_backstop_is_owed_on_its_day_even_when_the_plan_is_paid_off() -> None:
    plan = a_course()
    plan, _ = life.pay_off(plan, payoff_quote(plan, LATER), 100_000)
    assert plan.state is PlanState.PAID_OFF
    assert next_action(plan, "standard", "UTC") == datetime(2026, 3, 1, tzinfo=UTC)
    plan, _ = life.fulfil(plan, 100_000, on=BACKSTOP)
    assert next_action(plan, "standard", "UTC") is None


def test_a_fulfilment_voids_no_payoff_quote() -> None:
    plan = a_course()
    quote = payoff_quote(plan, LATER)
    plan, _ = life.fulfil(plan, 1, on=LATER)
    assert life.pay_off(plan, quote, quote.total_minor)[0].state is PlanState.PAID_OFF


def test_of_an_insolvent_merchant_what_was_held_back_goes_first_and_the_lender_bears_the_rest() -> None:
    trial, plan = books(a_course())
    for operate in (
        lambda plan: life.fulfil(plan, 30_000, on=LATER),
        lambda plan: life.open_dispute(plan, 100_000, on=LATER),
        lambda plan: life.close_dispute(plan, on=LATER, lost_minor=100_000, bearer=Bearer.LENDER, reference="dis_1"),
    ):
        plan, effect = operate(plan)
        trial.post(effect)
    assert merchant(trial) == (30_000, 0)  # it had been paid for what it rendered; that it keeps
    assert trial.of(Account.DISPUTE_LOSS) == 30_000
    assert (plan.state, plan.refunded_minor) == (PlanState.REFUNDED, 100_000)
