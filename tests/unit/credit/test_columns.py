"""What a caller may hand over, and what is refused by name."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from functions.credit.inputs.columns import (
    COLUMNS,
    MODELS,
    FeatureError,
    UnknownCategoryError,
    UnknownFeatureError,
    UnknownModelError,
    read_columns,
)


@pytest.mark.parametrize("absent", [None, "", "NA", " ", math.nan])
@pytest.mark.parametrize("model", MODELS)
def test_missing_has_five_spellings_and_is_never_zero(model, absent):
    for column in COLUMNS[model]:
        assert math.isnan(read_columns(model, {column: absent})[column])


def test_a_column_left_out_is_missing():
    columns = read_columns("application", {})
    assert list(columns) == list(COLUMNS["application"])
    assert all(map(math.isnan, columns.values()))


@pytest.mark.parametrize("number", [9, 9.0, "9", Decimal(9), "9.0"])
def test_numbers_come_in_every_form_of_a_row(number):
    assert read_columns("application", {"Seniority": number})["Seniority"] == 9.0


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        ("application", "Income", math.inf),
        ("application", "Income", -math.inf),
        ("application", "Income", "inf"),
        ("application", "Income", -0.01),
        ("application", "Amount", 0),
        ("application", "Time", 0),
        ("application", "Price", 0.0),
        ("application", "Income", True),
        ("application", "Income", [1]),
        ("application", "Income", "twelve"),
        ("application", "Income", 10**400),
        ("application", "Income", 1.1e15),
        ("behavior", "BILL_AMT1", -1.1e15),
        ("application", "Income", 1 + 2j),
        ("behavior", "LIMIT_BAL", 0),
        ("behavior", "LIMIT_BAL", 0.009),
        ("behavior", "PAY_0", 1.5),
        ("behavior", "PAY_0", -3),
        ("behavior", "PAY_AMT1", -1),
        ("behavior", "BILL_AMT1", math.inf),
    ],
)
def test_what_is_no_usable_number_is_refused_naming_the_column(model, column, value):
    with pytest.raises(FeatureError) as refused:
        read_columns(model, {column: value})
    assert refused.value.extra["feature"] == column


@pytest.mark.parametrize(("column", "word"), [("Home", "castle"), ("Job", "FIXED"), ("Records", "maybe"), ("Home", 1)])
def test_an_unknown_word_is_refused(column, word):
    with pytest.raises(UnknownCategoryError, match=column):
        read_columns("application", {column: word})


@pytest.mark.parametrize(
    ("model", "name"), [("application", "PAY_0"), ("behavior", "Seniority"), ("behavior", "PAY_1")]
)
def test_a_name_of_no_column_is_refused(model, name):
    with pytest.raises(UnknownFeatureError, match=name):
        read_columns(model, {name: 1.0})


def test_an_unknown_model_is_refused():
    with pytest.raises(UnknownModelError):
        read_columns("fraud", {})


def test_the_row_s_number_and_outcome_are_dropped_unread():
    row = {"ID": "x", "Status": "bad", "Age": "old", "Marital": object()}
    assert all(map(math.isnan, read_columns("application", row).values()))
