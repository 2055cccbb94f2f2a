"""The columns a model may be given, by the names of the training files, and how each is read.

Protected columns are accepted and dropped before anything looks at them, so that a caller may hand over a whole row
and the score cannot depend on them. A column left out, `None`, `""`, `"NA"` or a float NaN is *missing*; missing is
a value of its own (NaN inside), never zero. Everything else that is not a plain finite number in range, or a known
category, is refused by name.
Source: credit_data of the R package modeldata (application); UCI Default of Credit Card Clients (behavior).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

from functions.core.errors import InvalidError

Model = Literal["application", "behavior"]
MODELS: tuple[Model, ...] = get_args(Model)
MISSING = math.nan
# Beyond this a double no longer tells cents apart, and squares of it begin to leave the range of a double.
LARGEST = 1e15
LEAST_LIMIT = 0.01  # a divisor; with it no share of a limit leaves the range of a double
CYCLES = range(1, 7)
DELAYS = range(-2, 100)  # legal values of a PAY_k column


class UnknownModelError(InvalidError):
    code, title = "unknown_model", "There is no such model"


class FeatureError(InvalidError):
    code, title = "invalid_feature", "A feature can't be scored"


class UnknownFeatureError(FeatureError):
    code, title = "unknown_feature", "The model has no such feature"


class UnknownCategoryError(FeatureError):
    code, title = "unknown_category", "A category the model never learned"


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric column.

    Args:
        least: Smallest legal value.
        above_zero: Zero is refused too (the value is a divisor).
        whole: Only integers are legal.
        most: Values over this are refused.
    """

    least: float = -LARGEST
    above_zero: bool = False
    whole: bool = False
    most: float = LARGEST


@dataclass(frozen=True, slots=True)
class Category:
    """A column of words, each with the number the model sees.

    Args:
        ranks: Word to rank; the order is that of observed risk, so that one monotone rule can hold.
    """

    ranks: Mapping[str, float]


Column = Number | Category

_STATED = Number(least=0)
_POSITIVE = Number(least=0, above_zero=True)
_DELAY = Number(least=DELAYS[0], whole=True, most=DELAYS[-1])

# Ranks follow the bad rate of the training sample: owner 19 %, priv 33 %, parents 31 %, rent 38 %, other 49 %.
_HOME = Category({"owner": 0.0, "parents": 1.0, "priv": 1.0, "rent": 2.0, "other": 3.0, "ignore": 3.0})
# fixed 21 %, freelance 33 %, others 39 %, partime 58 %
_JOB = Category({"fixed": 0.0, "freelance": 1.0, "others": 2.0, "partime": 3.0})

COLUMNS: dict[Model, dict[str, Column]] = {
    "application": {
        "Seniority": _STATED,
        "Home": _HOME,
        "Time": _POSITIVE,
        "Records": Category({"no": 0.0, "yes": 1.0}),
        "Job": _JOB,
        "Expenses": _STATED,
        "Income": _STATED,
        "Assets": _STATED,
        "Debt": _STATED,
        "Amount": _POSITIVE,
        "Price": _POSITIVE,
    },
    "behavior": {
        "LIMIT_BAL": Number(least=LEAST_LIMIT),
        **{f"PAY_{k}": _DELAY for k in (0, 2, 3, 4, 5, 6)},
        **{f"BILL_AMT{k}": Number() for k in CYCLES},
        **{f"PAY_AMT{k}": _STATED for k in CYCLES},
    },
}
PROTECTED: dict[Model, frozenset[str]] = {
    "application": frozenset({"Age", "Marital"}),
    "behavior": frozenset({"SEX", "EDUCATION", "MARRIAGE", "AGE"}),
}
# A row's own number and its outcome: part of the files, never of a score.
BOOKKEEPING: dict[Model, frozenset[str]] = {
    "application": frozenset({"ID", "Status"}),
    "behavior": frozenset({"ID", "default.payment.next.month"}),
}
_IGNORED = {model: PROTECTED[model] | BOOKKEEPING[model] for model in MODELS}


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in {"", "NA"})


def _read_category(name: str, category: Category, value: object) -> float:
    if isinstance(value, str):
        rank = category.ranks.get(value)
        if rank is not None:
            return float(rank)
    if _is_missing(value) or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    known = ", ".join(category.ranks)
    raise UnknownCategoryError(f"{name} must be one of {known}", feature=name)


def _as_float(name: str, value: Any) -> float:  # noqa: ANN401  anything a caller's row may hold
    if _is_missing(value):
        return MISSING
    if isinstance(value, bool) or not (isinstance(value, str) or hasattr(value, "__float__")):
        raise FeatureError(f"{name} must be a number or missing, not {type(value).__name__}", feature=name)
    try:
        return float(value)
    except (ValueError, OverflowError, TypeError):
        raise FeatureError(f"{name} must be a number within the range of a double", feature=name) from None


def _read_number(name: str, rule: Number, value: object) -> float:
    number = value if value.__class__ is float else _as_float(name, value)
    assert isinstance(number, float)
    if rule.least <= number <= rule.most:
        if (number == 0.0 and rule.above_zero) or (rule.whole and number != int(number)):
            raise FeatureError(f"{name} must be {'a whole number' if rule.whole else 'over 0'}", feature=name)
        return number
    if number != number:  # noqa: PLR0124  NaN is the only value that differs from itself; isnan costs a call
        return MISSING
    if math.isinf(number):
        raise FeatureError(f"{name} must be finite", feature=name)
    raise FeatureError(
        f"{name} is {number:g}, outside {rule.least:g} … {rule.most:g}",
        feature=name,
    )


def _reader(name: str, column: Column) -> partial[float]:
    if isinstance(column, Category):
        return partial(_read_category, name, column)
    return partial(_read_number, name, column)


_READERS = {model: {name: _reader(name, column) for name, column in COLUMNS[model].items()} for model in MODELS}

# Of each numeric column: least and largest legal value, and the types that are legal anywhere between.
_PLAIN = {
    model: {
        name: (
            math.nextafter(0, 1) if column.above_zero else column.least,
            column.most,
            (int,) if column.whole else (float, int),
        )
        for name, column in COLUMNS[model].items()
        if isinstance(column, Number)
    }
    for model in MODELS
}
_NOT_PLAIN: tuple[float, float, tuple[type, ...]] = (0.0, 0.0, ())


def read_columns(model: str, features: Mapping[str, Any]) -> dict[str, float]:
    """Every column of the model as a float; NaN where missing.

    Args:
        model: "application" or "behavior".
        features: By column names of the training file; protected and bookkeeping columns are dropped unread.

    Returns:
        All columns of the model, in the order of the table above.

    Raises:
        UnknownModelError: No such model.
        UnknownFeatureError: A name that is in none of the model's tables.
        UnknownCategoryError: A word the column does not know.
        FeatureError: Not a number, infinite, out of range, or not whole where it must be.
    """
    readers = _READERS.get(model)  # type: ignore[call-overload]
    if readers is None:
        raise UnknownModelError(f"models are {', '.join(MODELS)}")
    columns, plain = dict.fromkeys(readers, MISSING), _PLAIN[model]  # type: ignore[index]
    for name, value in features.items():
        least, most, kinds = plain.get(name, _NOT_PLAIN)
        kind: type = value.__class__
        if kind in kinds and least <= value <= most:
            columns[name] = float(value)  # the common case, without a call
            continue
        reader = readers.get(name)
        if reader is not None:
            columns[name] = reader(value)
        elif name not in _IGNORED[model]:  # type: ignore[index]
            raise UnknownFeatureError(f"{model} has no feature {str(name)[:64]!r}", feature=str(name)[:64])
    return columns
