"""What the models see: row-wise features, one definition for training and for run time.

Money enters only as a ratio to other money of the same row, or divided by the reference income of the file's
currency (`REFERENCE_INCOME`); a run-time caller first brings its own currency to those units
(`functions.credit.deciding.application`).
A feature whose inputs are missing is missing (NaN); the models are trained with such rows.
Families group features into one reason a person can be given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.credit.inputs.behavior import BEHAVIOR_FEATURES, behavior_vector
from functions.credit.inputs.columns import MISSING, Model, read_columns
from functions.credit.inputs.feature import Feature, ratio

# A month's typical income in the units of the training file (the sample's median; they look like thousands of pesetas).
APPLICATION_REFERENCE_INCOME = 125

APPLICATION_FEATURES: tuple[Feature, ...] = (
    Feature("seniority", "stability", -1, "Seniority: years in the present job"),
    Feature("home", "stability", 1, "Home, ranked by observed risk: owner, parents or private, rent, other"),
    Feature("job", "stability", 1, "Job, ranked by observed risk: fixed, freelance, others, part time"),
    Feature("records", "records", 1, "Records: 1 if the bureau knows a default, 0 if it knows of none"),
    Feature("term", "amount", 0, "Time: months of the loan"),
    Feature("income", "affordability", -1, "Income / reference income"),
    Feature("expenses", "affordability", 0, "Expenses / reference income"),
    Feature("assets", "assets", -1, "Assets / reference income"),
    Feature("debt", "obligations", 0, "Debt / reference income"),
    Feature("amount", "amount", 1, "Amount / reference income"),
    Feature("price", "amount", 0, "Price / reference income"),
    Feature("loan_to_price", "amount", 1, "Amount / Price"),
    Feature("amount_to_income", "affordability", 1, "Amount / Income"),
    Feature("expenses_to_income", "affordability", 1, "Expenses / Income"),
    Feature("free_income_cover", "affordability", -1, "max(0, Income - Expenses) / (Amount / Time)"),
    Feature("net_assets_cover", "assets", -1, "max(0, Assets - Debt) / Amount"),
)


def application_vector(columns: Mapping[str, float]) -> list[float]:
    """The application model's features, in the order of `APPLICATION_FEATURES`.

    Args:
        columns: As `read_columns("application", …)` returns them.
    """
    reference = APPLICATION_REFERENCE_INCOME
    income, expenses = columns["Income"], columns["Expenses"]
    assets, debt = columns["Assets"], columns["Debt"]
    amount, price, term = columns["Amount"], columns["Price"], columns["Time"]
    free, net = income - expenses, assets - debt
    # A plain `max(0, x)` would turn NaN into 0: missing must stay missing.
    free, net = 0.0 if free < 0 else free, 0.0 if net < 0 else net
    return [
        columns["Seniority"],
        columns["Home"],
        columns["Job"],
        columns["Records"],
        term,
        income / reference,
        expenses / reference,
        assets / reference,
        debt / reference,
        amount / reference,
        price / reference,
        ratio(amount, price),
        ratio(amount, income),
        ratio(expenses, income),
        ratio(free * term, amount),
        ratio(net, amount),
    ]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A model's features and how a row becomes them."""

    features: tuple[Feature, ...]
    vector: Callable[[Mapping[str, float]], list[float]]


FEATURE_SETS: dict[Model, FeatureSet] = {
    "application": FeatureSet(APPLICATION_FEATURES, application_vector),
    "behavior": FeatureSet(BEHAVIOR_FEATURES, behavior_vector),
}


def feature_vector(model: str, row: Mapping[str, Any]) -> list[float]:
    """One row's features, ready for the model.

    Args:
        model: "application" or "behavior".
        row: By column names of the training file; see `functions.credit.inputs.columns`.

    Returns:
        One double per feature of `FEATURE_SETS[model]`, NaN where missing.

    Raises:
        FeatureError: As `read_columns`, or a combination of values overflows a double.
    """
    columns = read_columns(model, row)
    return FEATURE_SETS[model].vector(columns)  # type: ignore[index]  # read_columns refused any other model


__all__ = ["FEATURE_SETS", "MISSING", "Feature", "FeatureSet", "feature_vector"]
