"""Offers, and what a captured amount becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from functions.lending.products.apr_cap import AprCap
from functions.lending.products.book import PriceNotOfferedError, load_product_book
from functions.lending.products.offers import AmountOutOfRangeError, capture_terms, price_offer
from functions.lending.schedule import build_schedule
from functions.lending.terms import PlanTerms, Pricing

BOOK = load_product_book()
PRODUCT = BOOK.get("cny_12", 1)
TODAY = date(2026, 11, 22)
NO_FEE = PlanTerms("CNY", 1, "30d")


def test_an_offer_carries_the_whole_price():
    offer = price_offer(PRODUCT, "C", 130_000, TODAY)
    assert (offer.product_id, offer.product_version, offer.version, offer.price_bps) == ("cny_12", 1, 1, 80)
    assert offer.schedule == build_schedule(PRODUCT.terms_for("C"), 130_000, TODAY)
    assert (offer.fee_minor, offer.total_cost_minor, offer.subsidy_minor) == (12_480, 142_480, 0)
    assert (offer.apr_bps, offer.effective_apr_bps) == (1727, 1877)


def test_a_subsidised_offer_says_what_the_merchant_pays():
    free = replace(PRODUCT, plan=replace(PRODUCT.plan, subsidy_bps=10_000))
    offer = price_offer(free, "C", 130_000, TODAY)
    assert (offer.fee_minor, offer.subsidy_minor, offer.apr_bps) == (0, 12_480, 0)


@pytest.mark.parametrize("amount", [11_999, 20_000_001, 0, -1, 130_000.0, None])
def test_an_amount_outside_the_products_range_is_refused_with_the_range(amount):
    with pytest.raises(AmountOutOfRangeError) as refused:
        price_offer(PRODUCT, "C", amount, TODAY)
    assert refused.value.extra == {"min_amount_minor": 12_000, "max_amount_minor": 20_000_000}


def test_a_grade_without_a_price_gets_no_offer():
    with pytest.raises(PriceNotOfferedError):
        price_offer(PRODUCT, "F", 130_000, TODAY)


@pytest.mark.parametrize("start", [None, TODAY])
def test_a_capture_has_the_quoted_terms(start):
    assert capture_terms(PRODUCT, "C", 12_000, start) == PRODUCT.terms_for("C")
    assert capture_terms(PRODUCT, None, 12_000, start) == PRODUCT.terms_for("E")


@pytest.mark.parametrize("amount", [1, 11, 12, 11_999])
def test_a_capture_below_the_products_least_is_one_payment_without_fee(amount):
    assert capture_terms(PRODUCT, "C", amount) == NO_FEE
    schedule = build_schedule(NO_FEE, amount, TODAY)
    assert (schedule.total_cost_minor, schedule.rows[0].due_on) == (amount, date(2026, 12, 22))


def test_a_capture_below_one_unit_an_installment_is_one_payment_without_fee():
    small = replace(PRODUCT, min_amount_minor=1)
    assert capture_terms(small, "C", 11) == NO_FEE


@pytest.mark.parametrize("start", [None, TODAY])
def test_a_capture_that_rounding_lifts_above_the_cap_is_one_payment_without_fee(start):
    pricing = Pricing("flat_monthly", 112)
    tight = replace(PRODUCT, min_amount_minor=12, plan=replace(PRODUCT.plan, pricing=pricing), prices={"A": pricing})
    assert tight.jurisdiction.cap == AprCap("irr_x12", 2400)
    lifted = [amount for amount in range(12, 300) if build_schedule(tight.plan, amount, TODAY).apr_bps > 2400]
    assert lifted
    for amount in range(12, 300):
        assert capture_terms(tight, "A", amount, start) == (NO_FEE if amount in lifted else tight.plan)


def test_a_capture_keeps_the_down_payment_already_made():
    paid_down = replace(PRODUCT, plan=replace(PRODUCT.plan, down_payment_bps=2000))
    assert capture_terms(paid_down, "C", 1000) == PlanTerms("CNY", 1, "30d", down_payment_bps=2000)
    mostly = replace(PRODUCT, plan=replace(PRODUCT.plan, down_payment_bps=9000))
    assert capture_terms(mostly, "C", 1) == NO_FEE


@pytest.mark.parametrize("amount", [0, -5, 1.0, None, True])
def test_a_captured_amount_is_a_positive_int(amount):
    with pytest.raises(AmountOutOfRangeError):
        capture_terms(PRODUCT, "C", amount)
