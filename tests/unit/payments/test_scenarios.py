"""The scenario table of product.md row by row, what is said of a sale, and what may go back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from functions.lending import life
from functions.lending.plan import Plan
from functions.lending.plans.store import PlanItem
from functions.lending.rules import PlanRules
from functions.payments.fulfilments.sale import LONGEST, NOTHING_SAID, Sale, SaleRefusedError, units_value_minor
from functions.payments.returns import entitlement
from functions.payments.scenario import SCENARIOS, CaptureRule, ReturnRule, shown_category
from tests.builders.plans import FREE, START, a_plan

DEPARTURE = START + timedelta(days=40)


@pytest.mark.parametrize(
    ("category", "capture", "days", "longest", "returns", "held"),
    [
        ("electronics", CaptureRule.DISPATCH, 7, 30, ReturnRule.RETURN, False),
        ("appliances", CaptureRule.DELIVERY, 30, 60, ReturnRule.RETURN, False),
        ("education", CaptureRule.COURSE, 180, 360, ReturnRule.UNUSED, True),
        ("travel", CaptureRule.BOOKING, 60, 120, ReturnRule.CANCELLATION, True),
        ("health", CaptureRule.SESSION, 90, 180, ReturnRule.UNUSED, True),
    ],
)
def test_each_row_of_the_table(
    category: str, capture: CaptureRule, days: int, longest: int, returns: ReturnRule, held: bool
) -> None:
    row = SCENARIOS[category]
    assert (row.capture, row.returns, bool(row.holdback_bps)) == (capture, returns, held)
    assert (row.life, row.max_life) == (timedelta(days=days), timedelta(days=longest))
    assert (row.backstop > timedelta()) == held


def test_what_only_one_scenario_has() -> None:
    assert [name for name, row in SCENARIOS.items() if row.liquid_goods] == ["electronics"]
    assert [name for name, row in SCENARIOS.items() if row.sensitive] == ["health"]
    assert {name: row.recheck_after for name, row in SCENARIOS.items() if row.recheck_after} == {
        "education": timedelta(days=30)
    }
    assert {name: row.return_days for name, row in SCENARIOS.items() if row.return_days} == {
        "electronics": 15,
        "appliances": 30,
    }


def test_a_sensitive_category_is_only_called_private() -> None:
    assert [shown_category(name) for name in SCENARIOS] == [
        "electronics",
        "appliances",
        "education",
        "travel",
        "private",
    ]


@pytest.mark.parametrize(
    "sale",
    [
        NOTHING_SAID,
        Sale(serial_number="C39-XYZ"),
        Sale(DEPARTURE, DEPARTURE, 10),
        Sale(ends_on=DEPARTURE),
        Sale(units=3),
    ],
)
def test_what_is_said_of_a_sale_is_kept(sale: Sale) -> None:
    item = PlanItem(pk="plan_1")
    sale.keep(item)
    assert Sale.of(item) == sale


@pytest.mark.parametrize(
    ("category", "sale", "pointer"),
    [
        ("travel", Sale(serial_number="C39"), "/serial_number"),
        ("electronics", Sale(units=3), "/service"),
        ("appliances", Sale(ends_on=DEPARTURE), "/service"),
        ("travel", Sale(starts_on=START - timedelta(days=1)), "/service/starts_on"),
        ("travel", Sale(starts_on=DEPARTURE, ends_on=DEPARTURE - timedelta(days=1)), "/service/ends_on"),
        ("education", Sale(ends_on=START + LONGEST + timedelta(days=1)), "/service/ends_on"),
    ],
)
def test_what_does_not_go_with_the_scenario_is_refused(category: str, sale: Sale, pointer: str) -> None:
    with pytest.raises(SaleRefusedError) as refused:
        sale.require_fits(SCENARIOS[category], START)
    assert refused.value.errors[0].pointer == pointer


@pytest.mark.parametrize(
    ("category", "sale", "backstop"),
    [
        ("electronics", NOTHING_SAID, None),
        ("travel", Sale(DEPARTURE, DEPARTURE + timedelta(days=7)), DEPARTURE + timedelta(days=10)),
        ("travel", Sale(DEPARTURE), DEPARTURE + timedelta(days=63)),
        ("education", NOTHING_SAID, START + timedelta(days=194)),
        ("health", Sale(ends_on=DEPARTURE), DEPARTURE + timedelta(days=14)),
    ],
)
def test_the_backstop_counts_from_the_end_of_the_service(category: str, sale: Sale, backstop: date | None) -> None:
    assert sale.backstop_on(SCENARIOS[category], START) == backstop


@pytest.mark.parametrize(("captured", "units"), [(100_000, 3), (10, 10), (7, 10), (129_900, 12)])
def test_the_parts_of_a_sale_sum_to_the_whole(captured: int, units: int) -> None:
    values = [units_value_minor(captured, units, done) for done in range(units + 1)]
    assert (values[0], values[-1]) == (0, captured)
    assert sorted(values) == values


def sold(amount_minor: int = 100_000) -> Plan:
    return a_plan(amount_minor, 1, FREE, rules=PlanRules(holdback_bps=10_000))


@pytest.mark.parametrize(("category", "days"), [("electronics", 15), ("appliances", 30)])
def test_goods_go_back_whole_until_the_last_day_of_return(category: str, days: int) -> None:
    row, plan = SCENARIOS[category], sold()
    last = entitlement(row, NOTHING_SAID, plan, START + timedelta(days=days))
    assert (last.rule, last.amount_minor, last.until_on) == (ReturnRule.RETURN, 100_000, START + timedelta(days=days))
    assert entitlement(row, NOTHING_SAID, plan, START + timedelta(days=days + 1)).amount_minor == 0
    part, _ = life.refund(plan, 30_000, on=START)
    assert entitlement(row, NOTHING_SAID, part, START).amount_minor == 70_000


@pytest.mark.parametrize("category", ["education", "health"])
def test_what_is_unused_goes_back_pro_rata(category: str) -> None:
    plan, _ = life.fulfil(replace(sold(), backstop_on=DEPARTURE), 40_000, on=START)
    assert entitlement(SCENARIOS[category], NOTHING_SAID, plan, START).amount_minor == 60_000
    plan, _ = life.refund(plan, 10_000, on=START)
    assert entitlement(SCENARIOS[category], NOTHING_SAID, plan, DEPARTURE).amount_minor == 50_000


@pytest.mark.parametrize(
    ("before", "back"),
    [(40, 100), (30, 100), (29, 80), (14, 80), (13, 50), (7, 50), (6, 20), (1, 20), (0, 0)],
)
def test_a_journey_is_cancelled_by_the_scale(before: int, back: int) -> None:
    sale = Sale(starts_on=DEPARTURE)
    found = entitlement(SCENARIOS["travel"], sale, sold(), DEPARTURE - timedelta(days=before))
    assert (found.rule, found.amount_minor) == (ReturnRule.CANCELLATION, back * 1_000)
    assert found.until_on is None or found.until_on <= DEPARTURE - timedelta(days=1)


def test_what_was_given_back_counts_towards_the_scale() -> None:
    plan, _ = life.refund(sold(), 45_000, on=START)
    row, sale = SCENARIOS["travel"], Sale(starts_on=DEPARTURE)
    assert entitlement(row, sale, plan, DEPARTURE - timedelta(days=7)).amount_minor == 5_000
    assert entitlement(row, sale, plan, DEPARTURE - timedelta(days=1)).amount_minor == 0


def test_a_journey_without_a_date_goes_back_as_far_as_it_is_unused() -> None:
    found = entitlement(SCENARIOS["travel"], NOTHING_SAID, sold(), START)
    assert (found.rule, found.amount_minor) == (ReturnRule.UNUSED, 100_000)
