"""A repayment's state table, what is refused before the rail is asked, and where money goes that has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from functions.core.errors import NotFoundError
from functions.lending import life
from functions.lending.allocation import Allocation
from functions.lending.payoff import PayoffShortError, payoff_quote
from functions.lending.plan import Plan, PlanState
from functions.lending.plans.drawing import MOST_PLANS, draw_credit, earliest_on, oldest_first, value_day
from functions.platform.storage.meter import item_bytes
from functions.platform.storage.outbox import Pending
from functions.servicing.ports import RailStatus, RailWord
from functions.servicing.repayment import (
    EVENTS,
    TRANSITIONS,
    CurrencyMismatchError,
    NothingToRepayError,
    PlanNotActiveError,
    Status,
    Wish,
    counts_on,
    next_status,
    require_possible,
    spread,
)
from functions.servicing.repayment_store import RepaymentItem, new_item, pack_memo, read_memo
from tests.builders.plans import CUSTOMER, START, a_plan, plan_id

DUE_ON = date(2026, 2, 10)
KEY = b"a secret of memos"


def at_once(wish: Wish, plans: list[Plan], amount_minor: int, reference: str) -> Allocation:
    """Confirmed on the day on which it was asked for."""
    return spread(wish, plans, amount_minor, reference, wish.value_on)


def a_wish(intent: str = "due", amount_minor: int = 1_000, **changes: object) -> Wish:
    wish = Wish(
        customer_id=CUSTOMER, amount_minor=amount_minor, currency="CNY", intent=intent, plan_id=None, mode="keep_term",
        value_on=DUE_ON, asked_at=datetime(2026, 2, 10, 4, tzinfo=UTC), plan_ids=(plan_id(1),), key=b"k" * 8,
        body=b"b" * 8,
    )  # fmt: skip
    return replace(wish, **changes)


def test_every_state_says_what_every_word_of_the_rail_does() -> None:
    assert set(TRANSITIONS) == {None, *Status}
    assert set(TRANSITIONS[None]) == set(RailStatus)


def test_a_reversal_is_the_last_word() -> None:
    for status in (None, *Status):
        assert next_status(status, RailStatus.REVERSED) is (None if status is Status.REVERSED else Status.REVERSED)
    assert all(next_status(Status.REVERSED, word) is None for word in RailStatus)


def test_money_that_came_is_never_unsaid_by_an_old_word() -> None:
    assert next_status(Status.RECEIVED, RailStatus.FAILED) is None
    assert next_status(Status.RECEIVED, RailStatus.PENDING) is None
    assert next_status(Status.RECEIVED, RailStatus.CONFIRMED) is None
    assert next_status(Status.FAILED, RailStatus.CONFIRMED) is Status.RECEIVED


def test_all_but_waiting_is_told() -> None:
    assert set(EVENTS) == set(Status) - {Status.PENDING}


def test_a_payoff_confirmed_late_costs_what_it_cost_on_its_day() -> None:
    """The plan was refunded in part meanwhile: the payoff is put in its place, and what is over is credit."""
    plan = a_plan()
    quote = payoff_quote(plan, DUE_ON)
    plan, _ = life.refund(plan, 12_000, on=DUE_ON + timedelta(days=3))
    wish = a_wish("payoff", quote.total_minor, plan_id=plan.id)
    done = at_once(wish, [plan], quote.total_minor, "rep_1")
    [after] = done.plans
    assert (after.state, after.outstanding_minor) == (PlanState.PAID_OFF, 0)
    assert done.effect.credit_balance_minor == 12_000 + 60  # with the fee paid on the part that went back


def test_a_prepayment_of_a_plan_that_ended_meanwhile_becomes_credit() -> None:
    plan, _ = life.refund(a_plan(), 120_000, on=DUE_ON)
    done = at_once(a_wish("prepay", plan_id=plan.id), [plan], 1_000, "rep_1")
    assert done.effect.credit_balance_minor == 1_000
    assert done.effect.principal_minor == 0


def test_a_value_date_before_the_journal_is_moved_to_its_first_day() -> None:
    plan, _ = life.repay(a_plan(), 100, on=DUE_ON)
    old = replace(plan, base=None, journal=())
    assert (earliest_on(plan), earliest_on(old)) == (START, DUE_ON)
    early = START + timedelta(days=1)
    assert (value_day([plan], early), value_day([plan, old], early), value_day([], early)) == (early, DUE_ON, early)
    assert at_once(a_wish(value_on=early, amount_minor=500), [old], 500, "rep_1").effect.principal_minor <= 500


@pytest.mark.parametrize(
    ("asked", "today", "counts"),
    [(-5, -5, -5), (-5, 0, 0), (-5, 40, 0), (0, 40, 0), (3, 40, 3), (-5, -1, -5)],
)
def test_money_asked_for_before_anything_was_due_pays_as_of_the_first_day_on_which_something_was(
    asked: int, today: int, counts: int
) -> None:
    plan = a_plan(30_000, 3, {"kind": "none"})
    days = [plan.rows[0].due_on + timedelta(days=each) for each in (asked, today, counts)]
    assert counts_on([plan], days[0], days[1]) == days[2]


def test_so_many_plans_are_paid_at_once_and_the_rest_is_credit() -> None:
    plans = [a_plan(12_000, 1, {"kind": "none"}, number=number) for number in range(1, MOST_PLANS + 3)]
    on = plans[0].rows[0].due_on
    done = at_once(a_wish(value_on=on, amount_minor=10**6), plans, 10**6, "rep_1")
    assert len(done.parts) == MOST_PLANS
    assert done.credit_minor == 10**6 - 12_000 * MOST_PLANS
    assert len(done.effect.postings) <= 250


def test_the_oldest_debts_come_first() -> None:
    young = a_plan(start_on=START + timedelta(days=9), number=1)
    old, older = a_plan(number=3), a_plan(number=2)
    paid, _ = life.pay_off(older, payoff_quote(older, START), payoff_quote(older, START).total_minor)
    assert [plan.id for plan in oldest_first([paid, young, old])] == [old.id, young.id, paid.id]


def test_credit_pays_only_what_is_due_and_leaves_the_rest() -> None:
    plan = a_plan()
    done = draw_credit([plan], 50_000, on=DUE_ON, customer_id=CUSTOMER, reference="d")
    assert done.effect.credit_balance_minor == -(plan.rows[0].principal_minor + plan.rows[0].fee_minor)
    nothing = draw_credit([plan], 50_000, on=START, customer_id=CUSTOMER, reference="d")
    assert (nothing.effect.credit_balance_minor, nothing.effect.postings, nothing.plans) == (0, (), ())


REFUSED = [
    (a_wish(plan_id=plan_id(9)), NotFoundError),
    (a_wish(customer_id="cus_" + "1" * 26), NotFoundError),
    (a_wish(plan_id=plan_id(1), currency="USD"), CurrencyMismatchError),
    (a_wish("payoff", plan_id=plan_id(1)), PayoffShortError),
]


@pytest.mark.parametrize(("wish", "error"), REFUSED, ids=[error.__name__ for _, error in REFUSED])
def test_the_rail_is_not_asked_for_what_can_not_be(wish: Wish, error: type[Exception]) -> None:
    with pytest.raises(error):
        require_possible(wish, [a_plan()])


def test_a_plan_that_is_over_takes_nothing_and_a_charged_off_one_takes_its_debt() -> None:
    over, _ = life.refund(a_plan(), 120_000, on=START)
    lost, _ = life.charge_off(a_plan(), on=DUE_ON + timedelta(days=180))
    late = a_wish(value_on=lost.settled_on)
    with pytest.raises(NothingToRepayError):
        require_possible(late, [over])
    with pytest.raises(PlanNotActiveError):
        require_possible(replace(late, intent="prepay", plan_id=lost.id), [lost])
    require_possible(late, [lost])
    done = at_once(late, [lost], 1_000, "rep_1").effect
    assert (done.principal_minor + done.fee_minor + done.late_minor, done.credit_balance_minor) == (1_000, 0)


def test_a_memo_comes_back_as_it_went_and_for_its_own_repayment_only() -> None:
    wish = a_wish("prepay", plan_id=plan_id(3), plan_ids=tuple(plan_id(n) for n in range(MOST_PLANS)))
    memo = pack_memo(KEY, "rep_1", wish)
    assert len(memo) <= 2048
    assert read_memo(KEY, "rep_1", memo) == wish
    assert read_memo(KEY, "rep_2", memo) is None
    assert read_memo(b"another", "rep_1", memo) is None
    assert read_memo(KEY, "rep_1", memo + "A") is None


def test_a_repayment_of_eight_plans_costs_no_more_than_one_write_unit() -> None:
    plans = [a_plan(12_000, 1, {"kind": "none"}, number=number) for number in range(1, 9)]
    wish = a_wish(amount_minor=10**11, value_on=plans[0].rows[0].due_on, plan_ids=tuple(plan.id for plan in plans))
    said = RailWord("rep_" + "Z" * 26, "pay_" + "Z" * 26, RailStatus.CONFIRMED, 10**11, "CNY")
    item: RepaymentItem = new_item("rep_" + "Z" * 26, wish, said)
    item.allocate(at_once(wish, plans, 10**11, item.pk))
    item.version, item.status, item.explained = 1, "received", bytes(20)
    item.tell(datetime(2026, 11, 22, tzinfo=UTC), "0b7ea260-9991-4140-a15e-90db2ebaba47", Pending("repayment.received"))
    assert item_bytes(item.serialize()) <= 1024
    assert [part.plan_id for part in item.allocated()] == [plan.id for plan in plans]
    assert item.wish().plan_ids == tuple(plan.id for plan in plans)
