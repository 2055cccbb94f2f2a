"""Plan terms: every default, every refusal, and there and back."""

from __future__ import annotations

import pytest

from functions.core.calendar import UnknownDayCountError
from functions.core.errors import InvalidError
from functions.core.money import UnsupportedCurrencyError
from functions.lending.schedule import PlanTerms
from functions.lending.terms import Due, InvalidTermsError, Pricing, TermCountOutOfRangeError, UnknownTermError

LEAST = {"currency": "CNY", "term_count": 6}


def test_all_but_currency_and_count_have_defaults():
    assert PlanTerms.from_dict(LEAST).to_dict() == {
        "currency": "CNY",
        "term_count": 6,
        "period": "month",
        "pricing": {"kind": "none"},
        "subsidy_bps": 0,
        "down_payment_bps": 0,
        "residual": "last",
        "due": {"kind": "order"},
    }


def test_nested_defaults_are_the_day_count_and_the_days_of_the_bill():
    terms = PlanTerms.from_dict(
        {**LEAST, "pricing": {"kind": "annual_rate", "bps": 1200}, "due": {"kind": "bill", "bill_day": 5}}
    )
    assert terms.pricing == Pricing("annual_rate", 1200, "30/360")
    assert terms.due == Due("bill", 5, 14)
    assert PlanTerms.from_dict({**LEAST, "due": {"kind": "bill"}}).due == Due("bill", 1, 10)


@pytest.mark.parametrize(
    "value",
    [
        LEAST,
        {**LEAST, "period": "14d", "pricing": {"kind": "flat_monthly", "bps": 50}, "residual": "first"},
        {**LEAST, "period": "30d", "subsidy_bps": 10000, "down_payment_bps": 9999, "residual": "spread"},
        {**LEAST, "pricing": {"kind": "annual_rate", "bps": 0, "day_count": "actual/actual-isda"}},
        {**LEAST, "due": {"kind": "bill", "bill_day": 31, "due_day": 1}},
    ],
)
def test_terms_written_out_read_back(value):
    terms = PlanTerms.from_dict(value)
    again = PlanTerms.from_dict(terms.to_dict())
    assert again == terms
    assert hash(again) == hash(terms)
    assert {key: terms.to_dict()[key] for key in value} == value


def test_terms_that_differ_in_any_one_thing_are_not_equal():
    changes = [
        {"currency": "USD"},
        {"term_count": 7},
        {"period": "30d"},
        {"pricing": {"kind": "flat_monthly", "bps": 0}},
        {"subsidy_bps": 1},
        {"down_payment_bps": 1},
        {"residual": "first"},
        {"due": {"kind": "bill"}},
    ]
    every = [PlanTerms.from_dict(LEAST), *[PlanTerms.from_dict({**LEAST, **change}) for change in changes]]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("count", [0, 61, -1, 6.0, "6", None, True])
def test_a_plan_has_one_to_sixty_installments(count):
    with pytest.raises(TermCountOutOfRangeError, match="1 to 60") as refused:
        PlanTerms.from_dict({"currency": "CNY", "term_count": count})
    assert (refused.value.status, refused.value.code) == (422, "term_count_out_of_range")


@pytest.mark.parametrize("count", [1, 60])
def test_the_limits_themselves_are_allowed(count):
    assert PlanTerms("CNY", count).term_count == count


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"pricing": {"kind": "none", "bps": 5}},
        {"pricing": {"kind": "flat_monthly", "bps": 50, "day_count": "30/360"}},
        {"pricing": {"kind": "annual_rate", "bps": 50, "apr": 1}},
        {"due": {"kind": "order", "due_day": 5}},
        {"due": {"kind": "bill", "day": 5}},
    ],
)
def test_an_unknown_key_is_named(change):
    with pytest.raises(UnknownTermError, match="has no"):
        PlanTerms.from_dict({**LEAST, **change})


@pytest.mark.parametrize(
    "value",
    [
        {"term_count": 6},
        {"currency": "CNY"},
        None,
        [],
        {**LEAST, "period": "week"},
        {**LEAST, "period": 30},
        {**LEAST, "pricing": "none"},
        {**LEAST, "pricing": {"kind": "monthly"}},
        {**LEAST, "pricing": {"kind": "flat_monthly"}},
        {**LEAST, "pricing": {"kind": "flat_monthly", "bps": -1}},
        {**LEAST, "pricing": {"kind": "flat_monthly", "bps": 0.5}},
        {**LEAST, "pricing": {"kind": "annual_rate", "bps": 1_000_001}},
        {**LEAST, "subsidy_bps": 10_001},
        {**LEAST, "subsidy_bps": -1},
        {**LEAST, "down_payment_bps": 10_000},
        {**LEAST, "residual": "middle"},
        {**LEAST, "due": None},
        {**LEAST, "due": {"kind": "salary"}},
        {**LEAST, "due": {"kind": "bill", "bill_day": 0, "due_day": 10}},
        {**LEAST, "due": {"kind": "bill", "bill_day": 32, "due_day": 10}},
        {**LEAST, "due": {"kind": "bill", "bill_day": 5, "due_day": 0}},
        {**LEAST, "due": {"kind": "bill", "bill_day": 20}},
        {**LEAST, "due": {"kind": "bill"}, "period": "14d"},
    ],
)
def test_terms_out_of_range_are_refused(value):
    with pytest.raises(InvalidTermsError) as refused:
        PlanTerms.from_dict(value)
    assert isinstance(refused.value, InvalidError)


def test_values_of_another_type_are_refused_where_terms_are_made_directly():
    with pytest.raises(InvalidTermsError):
        PlanTerms("CNY", 6, pricing={"kind": "none"})
    with pytest.raises(InvalidTermsError):
        PlanTerms("CNY", 6, due={"kind": "order"})


@pytest.mark.parametrize("currency", ["cny", "CN", "CNYX", "", None, 156, "C1Y", "ÄÖÜ"])
def test_what_is_no_currency_code_is_refused(currency):
    with pytest.raises(UnsupportedCurrencyError):
        PlanTerms.from_dict({"currency": currency, "term_count": 6})


def test_an_unknown_day_count_is_refused():
    with pytest.raises(UnknownDayCountError):
        PlanTerms.from_dict({**LEAST, "pricing": {"kind": "annual_rate", "bps": 1200, "day_count": "30/365"}})
