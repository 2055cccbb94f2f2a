"""Made-up rows that every load of a model scores again. None is a training row."""

from __future__ import annotations

from typing import Any

from functions.credit.inputs.columns import Model

Row = dict[str, Any]

_APPLICANT: Row = {
    "Seniority": 6, "Home": "rent", "Time": 12, "Records": "no", "Job": "fixed", "Expenses": 50, "Income": 140,
    "Assets": 2500, "Debt": 0, "Amount": 900, "Price": 1300,
}  # fmt: skip
_ACCOUNT: Row = {
    "LIMIT_BAL": 100_000,
    **{f"PAY_{k}": 0 for k in (0, 2, 3, 4, 5, 6)},
    **{f"BILL_AMT{k}": 42_000 - 1_500 * k for k in range(1, 7)},
    **{f"PAY_AMT{k}": 2_000 for k in range(1, 7)},
}
_NO_HISTORY = {name: None for k in range(2, 7) for name in (f"PAY_{k}", f"BILL_AMT{k}")}

ROWS: dict[Model, dict[str, Row]] = {
    "application": {
        "typical": _APPLICANT,
        "nothing known": {},
        "no bureau hit, no price": {**_APPLICANT, "Records": None, "Price": None},
        "bureau record": {**_APPLICANT, "Records": "yes", "Job": "partime", "Seniority": 0},
        "spends more than it earns": {**_APPLICANT, "Expenses": 200, "Income": 90, "Debt": 9000},
        "no income": {**_APPLICANT, "Income": 0},
        "wealthy": {**_APPLICANT, "Home": "owner", "Seniority": 25, "Assets": 30_000, "Income": 400},
        "amounts above 2**24": {**_APPLICANT, "Assets": 16_777_217.25, "Amount": 16_777_219.5, "Price": 33_554_435},
        "between two doubles": {**_APPLICANT, "Amount": 900.0000000000001, "Income": 139.99999999999997},
    },
    "behavior": {
        "typical": _ACCOUNT,
        "nothing known": {},
        "one cycle": {**_ACCOUNT, **_NO_HISTORY, **{f"PAY_AMT{k}": None for k in range(1, 7)}},
        "pays in full": {**_ACCOUNT, **{f"PAY_{k}": -1 for k in (0, 2, 3, 4, 5, 6)}, "BILL_AMT1": 0},
        "unused": {
            "LIMIT_BAL": 200_000,
            **{f"PAY_{k}": -2 for k in (0, 2, 3, 4, 5, 6)},
            **{f"{what}{k}": 0 for what in ("BILL_AMT", "PAY_AMT") for k in range(1, 7)},
        },
        "two months late": {**_ACCOUNT, "PAY_0": 2, "PAY_2": 2, "PAY_AMT1": 0, "PAY_AMT2": 0},
        "deep and long": {**_ACCOUNT, **{f"PAY_{k}": 8 - k for k in (0, 2, 3, 4, 5, 6)}},
        "over its limit": {**_ACCOUNT, "LIMIT_BAL": 10_000},
        "credit balance": {**_ACCOUNT, "BILL_AMT1": -3_500.5, "BILL_AMT2": -0.01},
        "amounts above 2**24": {**_ACCOUNT, "LIMIT_BAL": 33_554_435, "BILL_AMT1": 16_777_217.25},
    },
}
