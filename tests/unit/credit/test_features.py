"""The features by their definitions, and missing values that stay missing."""

from __future__ import annotations

import math

import pytest

from functions.credit.inputs.columns import COLUMNS, MODELS
from functions.credit.inputs.feature import RATIO_CEILING, ratio
from functions.credit.inputs.features import FEATURE_SETS, feature_vector
from model_artifacts.training.golden import ROWS

# column → the features that must go missing with it (those that need it alone or that it completes)
NEEDS = {
    "application": {
        "Seniority": {"seniority"},
        "Home": {"home"},
        "Job": {"job"},
        "Records": {"records"},
        "Time": {"term", "free_income_cover"},
        "Income": {"income", "amount_to_income", "expenses_to_income", "free_income_cover"},
        "Expenses": {"expenses", "expenses_to_income", "free_income_cover"},
        "Assets": {"assets", "net_assets_cover"},
        "Debt": {"debt", "net_assets_cover"},
        "Amount": {"amount", "loan_to_price", "amount_to_income", "free_income_cover", "net_assets_cover"},
        "Price": {"price", "loan_to_price"},
    },
    "behavior": {
        "PAY_0": {"late_1", "standing"},
        "PAY_2": {"late_2"},
        "PAY_AMT1": {"paid_1", "payment_1", "carried_1", "spent_1", "money_spent_1", "money_paid_recent"},
        "PAY_AMT2": {"paid_2", "payment_2", "carried_2", "money_paid_recent"},
        "PAY_AMT3": {"paid_3", "carried_3"},
        "PAY_AMT5": {"paid_5"},
        "PAY_AMT6": set(),
        "BILL_AMT1": {"util_1", "spent_1", "money_spent_1", "bill_growth_1", "bill_growth_5", "bill_1"},
        "BILL_AMT2": {"paid_1", "carried_1", "spent_1", "money_spent_1", "bill_growth_1"},
        "BILL_AMT6": {"paid_5", "bill_growth_5"},
    },
}


def named(model, row):
    names = [feature.name for feature in FEATURE_SETS[model].features]
    return dict(zip(names, feature_vector(model, row), strict=True))


@pytest.mark.parametrize(("model", "column"), [(m, c) for m, columns in NEEDS.items() for c in columns])
def test_a_missing_column_makes_exactly_its_own_features_missing(model, column):
    """Neither a silent zero nor more loss than needed."""
    typical = ROWS[model]["typical"]
    assert not any(math.isnan(value) for value in named(model, typical).values())
    gone = {name for name, value in named(model, {**typical, column: None}).items() if math.isnan(value)}
    assert gone == NEEDS[model][column]


@pytest.mark.parametrize("model", MODELS)
def test_a_row_without_anything_has_every_feature_missing(model):
    assert all(map(math.isnan, feature_vector(model, {})))


def test_the_application_s_features_follow_their_definitions():
    row = {
        "Seniority": 7, "Home": "priv", "Time": 24, "Records": "yes", "Job": "others", "Expenses": 50, "Income": 250,
        "Assets": 3000, "Debt": 500, "Amount": 1000, "Price": 1250,
    }  # fmt: skip
    assert feature_vector("application", row) == [
        7, 1, 2, 1, 24, 2.0, 0.4, 24.0, 4.0, 8.0, 10.0, 0.8, 4.0, 0.2, 4.8, 2.5,
    ]  # fmt: skip


def test_the_behavior_s_features_follow_their_definitions():
    row = {
        "LIMIT_BAL": 80_000, "PAY_0": 1, "PAY_2": 2, "PAY_3": 0, "PAY_4": -1, "PAY_5": -2, "PAY_6": 8,
        **{f"BILL_AMT{k}": amount for k, amount in enumerate([40_000, 32_000, 16_000, 8_000, 0, -4_000], 1)},
        **{f"PAY_AMT{k}": amount for k, amount in enumerate([8_000, 16_000, 16_000, 0, 4_000, 2_000], 1)},
    }  # fmt: skip
    feature = named("behavior", row)
    expected = {
        "limit": 2.0, "late_1": 1.0, "late_2": 2.0, "standing": 0.0, "late_share": 2 / 3, "late_worst": 4.0,
        "late_mean": 7 / 6, "since_late": 0, "late_run": 2, "full_share": 1 / 6, "idle_share": 1 / 6,
        "revolving_share": 1 / 6, "util_1": 0.5, "util_max": 0.5, "util_min": -0.05, "paid_1": 0.25, "paid_2": 1.0,
        "paid_3": 1.5, "payment_1": 0.1, "payment_2": 0.2, "payment_max": 0.2, "money_paid_min": 0.0,
        "money_paid_median": 0.15, "money_paid_recent": 0.2, "carried_1": 0.3, "carried_2": 0.0, "carried_3": -0.1,
        "spent_1": 0.2, "spent_max": 0.4, "money_spent_1": 0.4, "bill_growth_1": 1.25, "bill_1": 1.0,
    }  # fmt: skip
    assert {name: feature[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert math.isnan(feature["paid_4"])  # no bill, nothing to pay
    assert math.isnan(feature["bill_growth_5"])


@pytest.mark.parametrize("factor", [7.0, 0.001])
def test_all_money_times_a_factor_moves_only_the_features_in_reference_incomes(factor):
    for model, monetary in (
        ("application", {"income", "expenses", "assets", "debt", "amount", "price"}),
        ("behavior", {"limit", "bill_1", "bill_mean"}),
    ):
        row = ROWS[model]["typical"]
        money = [
            n for n in COLUMNS[model] if n in {"Expenses", "Income", "Assets", "Debt", "Amount", "Price", "LIMIT_BAL"}
        ]
        money += [n for n in COLUMNS[model] if n.startswith(("BILL", "PAY_AMT"))]
        before, after = named(model, row), named(model, {**row, **{n: row[n] * factor for n in money}})
        moved = {name for name in before if after[name] != pytest.approx(before[name], rel=1e-9)}
        assert moved == {name for name in moved if name in monetary or name.startswith("money_")}
        assert monetary - {"debt"} <= moved


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (1.0, 2.0, 0.5),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, RATIO_CEILING),
        (-1.0, 0.0, -RATIO_CEILING),
        (1e300, 1e-300, RATIO_CEILING),
        (-1e300, 1e-300, -RATIO_CEILING),
    ],
)
def test_a_ratio_is_held_within_its_ceiling(part, whole, expected):
    assert ratio(part, whole) == expected


@pytest.mark.parametrize(("part", "whole"), [(math.nan, 1.0), (1.0, math.nan), (math.nan, 0.0), (0.0, math.nan)])
def test_a_ratio_of_something_missing_is_missing(part, whole):
    assert math.isnan(ratio(part, whole))
