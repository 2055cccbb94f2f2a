"""The shortcut that holds a product against its cap says what trying every amount and every day says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.calendar import DAY_COUNTS
from functions.lending.products.apr_cap import AprCap, AprCapBrokenError, find_breach
from functions.lending.products.book import GRADES, load_product_book
from functions.lending.products.offers import capture_terms
from functions.lending.schedule import PlanTerms, build_schedule
from functions.lending.terms import Due, Pricing
from tests.builders.effort import effort

QUICK = settings(max_examples=effort(12), deadline=None)
LEAP_CYCLE = [date(2024, 1, 1) + timedelta(days=k) for k in range(1461)]
# Every length of month in every place, both sides of every month end, and the days around each 29 February.
TELLING = [day for day in LEAP_CYCLE if day.day in (1, 14, 27, 28, 29, 30, 31)]


@st.composite
def near_the_cap(draw):
    """Terms and a cap close to the rate they come to, where rounding decides."""
    count = draw(st.integers(1, 24))
    due = draw(st.just(Due()) | st.builds(Due, st.just("bill"), st.integers(1, 31), st.integers(1, 31)))
    terms = PlanTerms(
        "CNY",
        count,
        "month" if due.kind == "bill" else draw(st.sampled_from(["month", "14d", "30d"])),
        draw(
            st.builds(Pricing, st.just("flat_monthly"), st.integers(10, 200))
            | st.builds(Pricing, st.just("annual_rate"), st.integers(200, 4000), st.sampled_from(list(DAY_COUNTS)))
        ),
        draw(st.sampled_from([0, 0, 2500, 5000])),
        draw(st.sampled_from([0, 0, 1000])),
        draw(st.sampled_from(["last", "first", "spread"])),
        due,
    )
    method = draw(st.sampled_from(["irr_x12", "effective"]))
    start = draw(st.sampled_from(TELLING))
    rate = AprCap(method, 1).rate_bps(terms, 10**8, start)
    return terms, AprCap(method, max(1, rate + draw(st.integers(-20, 250))))


def agrees(terms: PlanTerms, cap: AprCap, least: int, more: int, days: list[date]) -> None:
    least = max(least, 2 * terms.term_count)
    try:
        breach = find_breach(terms, (least, least + more), cap)
    except AprCapBrokenError:
        return
    if breach:
        assert least <= breach.amount_minor <= least + more
        assert cap.rate_bps(terms, breach.amount_minor, breach.start_on) == breach.rate_bps > cap.annual_bps
        return
    for start in days:
        for amount in range(least, least + more + 1):
            assert cap.rate_bps(terms, amount, start) <= cap.annual_bps, (amount, start)


@QUICK
@given(near_the_cap(), st.integers(10, 3000), st.integers(0, 12), st.data())
def test_no_breach_found_means_none_of_these_schedules_is_one(case, least, more, data):
    days = data.draw(st.lists(st.sampled_from(LEAP_CYCLE), min_size=4, max_size=4))
    agrees(*case, least, more, days)


@pytest.mark.slow
@settings(max_examples=effort(300), deadline=None)
@given(near_the_cap(), st.integers(10, 20_000), st.integers(0, 40), st.data())
def test_no_breach_found_means_no_schedule_is_one(case, least, more, data):
    days = data.draw(st.lists(st.sampled_from(LEAP_CYCLE), min_size=20, max_size=20))
    agrees(*case, least, more, days)


@pytest.mark.parametrize(
    ("pricing", "cap"),
    [
        (Pricing("flat_monthly", 119), AprCap("irr_x12", 2410)),
        (Pricing("flat_monthly", 119), AprCap("irr_x12", 2430)),
        (Pricing("annual_rate", 2395), AprCap("irr_x12", 2400)),
        (Pricing("annual_rate", 2395, "actual/365"), AprCap("irr_x12", 2420)),
        (Pricing("annual_rate", 2000), AprCap("effective", 2230)),
    ],
)
def test_on_a_small_range_the_shortcut_is_the_whole_truth(pricing, cap):
    """Every telling day, every amount of two ranges: found exactly where there is one."""
    terms = PlanTerms("CNY", 6, pricing=pricing)
    for amounts in ((60, 66), (4000, 4001)):
        every = [
            cap.rate_bps(terms, amount, start) > cap.annual_bps
            for start in TELLING
            for amount in range(amounts[0], amounts[1] + 1)
        ]
        assert (find_breach(terms, amounts, cap) is not None) == any(every)


@pytest.mark.parametrize("residual", ["last", "first", "spread"])
@pytest.mark.parametrize(
    ("pricing", "subsidy_bps", "cap_bps"),
    [
        (Pricing("flat_monthly", 80), 0, 1730),
        (Pricing("flat_monthly", 160), 5000, 1730),
        (Pricing("annual_rate", 1700), 0, 1710),
        (Pricing("annual_rate", 3400), 5000, 1790),
    ],
)
def test_every_amount_that_rounding_lifts_above_the_cap_is_found(pricing, subsidy_bps, cap_bps, residual):
    """The greatest of them too, which lies nearest to where the shortcut stops looking."""
    cap = AprCap("irr_x12", cap_bps)
    terms = PlanTerms("CNY", 12, pricing=pricing, subsidy_bps=subsidy_bps, residual=residual)
    start = date(2026, 1, 15)
    lifted = [amount for amount in range(12, 6000) if cap.rate_bps(terms, amount, start) > cap_bps]
    assert lifted[0] < 1000
    for amount in (*lifted[:3], *lifted[-5:]):
        assert find_breach(terms, (amount, amount), cap)


@QUICK
@given(st.integers(1, 30_000), st.sampled_from(GRADES), st.sampled_from(LEAP_CYCLE), st.booleans(), st.data())
def test_any_captured_amount_gets_a_lawful_schedule(amount, grade, start, known, data):
    product = data.draw(st.sampled_from(load_product_book().products))
    terms = capture_terms(product, grade, amount, start if known else None)
    schedule = build_schedule(terms, amount, start)
    cap = product.jurisdiction.cap
    assert cap.rate_bps(terms, amount, start) <= cap.annual_bps
    if amount < product.min_amount_minor:
        assert (terms.term_count, terms.period, schedule.fee_minor) == (1, "30d", 0)
    else:
        assert terms == product.terms_for(grade)
