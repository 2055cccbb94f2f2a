"""What a change of a plan tells the checks."""

from __future__ import annotations

from datetime import UTC, date, datetime

from functions.lending import life
from functions.lending.cash import Source
from functions.lending.changes.replan import NewTerm
from functions.lending.plan import Plan
from functions.risk.counters import DAY_S
from functions.risk.watch.facts import Fact, FactKind, First, facts_of, first_installment
from tests.builders.images import at_hour, plan_record
from tests.builders.plans import a_plan

PLAN = a_plan(30_000, 3)
FIRST_DUE = PLAN.rows[0].due_on
FIRST = PLAN.rows[0].principal_minor + PLAN.rows[0].fee_minor


def told(old: Plan | None, new: Plan) -> dict[FactKind, Fact]:
    return {fact.kind: fact for fact in facts_of(plan_record(old, new))}


def paid(plan: Plan, amount_minor: int, on: date) -> Plan:
    return life.repay(plan, amount_minor, on=on, source=Source.RAIL)[0]


def morning(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


def test_a_capture_is_told_once_with_its_day() -> None:
    fact = told(None, PLAN)[FactKind.CAPTURED]
    assert (fact.amount_minor, fact.day * DAY_S, fact.merchant_id) == (30_000, fact.at_s, PLAN.merchant_id)
    assert told(PLAN, PLAN) == {}


def test_an_installment_paid_in_full_by_its_day_is_a_clean_repayment_and_the_first_is_settled() -> None:
    facts = told(PLAN, paid(PLAN, FIRST, FIRST_DUE))
    assert facts.keys() == {FactKind.REPAID, FactKind.FIRST_PAID}
    assert facts[FactKind.REPAID].amount_minor == FIRST


def test_a_part_of_an_installment_and_a_late_one_are_no_clean_repayment() -> None:
    assert told(PLAN, paid(PLAN, FIRST - 1, FIRST_DUE)) == {}
    late = date.fromordinal(FIRST_DUE.toordinal() + 2)
    assert told(PLAN, paid(PLAN, FIRST, late)).keys() == {FactKind.FIRST_PAID}  # late, but within grace


def test_the_first_installment_is_missed_once_grace_is_over_and_only_then() -> None:
    grace_ends = date.fromordinal(FIRST_DUE.toordinal() + PLAN.rules.grace_days)
    in_grace = at_hour(PLAN, morning(grace_ends))
    assert first_installment(in_grace, "UTC") is First.WAITING
    after = at_hour(in_grace, morning(date.fromordinal(grace_ends.toordinal() + 1)))
    assert told(PLAN, in_grace) == {}
    assert told(in_grace, after).keys() == {FactKind.FIRST_MISSED}
    assert told(after, at_hour(after, morning(date.fromordinal(grace_ends.toordinal() + 9)))) == {}


def test_paying_after_it_was_missed_tells_nothing_more_about_the_first() -> None:
    missed_on = date.fromordinal(FIRST_DUE.toordinal() + 10)
    missed = at_hour(PLAN, morning(missed_on))
    later = paid(missed, FIRST, missed_on)
    assert FactKind.FIRST_PAID not in told(missed, later)


def test_a_first_installment_moved_into_a_new_term_is_never_known_as_paid() -> None:
    on = date.fromordinal(FIRST_DUE.toordinal() + 2)
    moved, _ = life.replan(PLAN, NewTerm(6, date.fromordinal(on.toordinal() + 20), "customer"), on=on)
    assert first_installment(moved, "UTC") is First.VOID
    assert told(PLAN, moved) == {}


def test_a_refund_is_told_and_a_full_one_leaves_the_first_installment_unknown() -> None:
    refunded = life.refund(PLAN, 10_000, on=PLAN.start_on)[0]
    assert told(PLAN, refunded)[FactKind.REFUNDED].amount_minor == 10_000
    whole = life.refund(PLAN, 30_000, on=PLAN.start_on)[0]
    assert first_installment(whole, "UTC") is First.VOID
    assert told(PLAN, whole).keys() == {FactKind.REFUNDED}
