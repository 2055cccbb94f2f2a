"""Applicants for the demo: real rows of a file, or synthetic ones from a documented generator.

The generator draws, from a fixed seed and per applicant:

    monthly income     log-normal around 80 % of the currency's reference income, σ = 0.5
    expenses           30 to 75 % of income
    assets             log-normal around 20 monthly incomes, σ = 1.2, none for 45 %
    debts              none for 45 %, else up to 12 monthly incomes
    seniority          exponential, mean 4 years, at most 40
    housing, job       shares 30/35/20/10/5 % and 50/20/20/10 %
    amount wanted      2 to 8 monthly incomes
    bureau             72 % clean, 9 % a settled default, 5 % three, 6 % an open one, 4 % many inquiries, 4 % no file

It makes no claim about any real population; its rows are labelled synthetic wherever they are shown.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from math import exp, log
from pathlib import Path
from random import Random
from typing import Any, Final

from functions.credit.inputs.features import APPLICATION_REFERENCE_INCOME

CURRENCY: Final = "CNY"
REFERENCE_MINOR: Final = 800_000
_HOUSING: Final = {"priv": "private"}
_HOMES: Final = (("owner", 30), ("rent", 35), ("parents", 20), ("private", 10), ("other", 5))
_JOBS: Final = (("fixed", 50), ("freelance", 20), ("partime", 20), ("others", 10))
_CLEAN, _SETTLED = "1111", "9002"
_BUREAU: Final = ((_CLEAN, 72), (_SETTLED, 9), ("9003", 5), ("9004", 6), ("9005", 4), ("9001", 4))
"""Last digits of the document number: what the sandbox's bureau answers (docs/credit.md)."""


@dataclass(frozen=True, slots=True)
class Applicant:
    """One person who applies.

    Args:
        label: "real row" or "synthetic".
        statements: Members of the application's body.
        bureau: Last four digits of the document number.
        bad: Whether the row is known to have defaulted; None for a synthetic one.
    """

    label: str
    statements: dict[str, Any]
    bureau: str
    bad: bool | None


def synthetic(count: int, seed: int = 20261122) -> list[Applicant]:
    """Applicants of the generator above.

    Args:
        count: How many.
        seed: The same seed makes the same people.
    """
    random = Random(seed)  # noqa: S311  not a secret
    return [_drawn(random) for _ in range(count)]


def _drawn(random: Random) -> Applicant:
    income = exp(random.gauss(log(0.8), 0.5)) * REFERENCE_MINOR
    assets = 0.0 if random.random() < 0.45 else exp(random.gauss(log(20), 1.2)) * income
    debts = 0.0 if random.random() < 0.45 else random.uniform(0, 12) * income
    statements = {
        "currency": CURRENCY,
        "requested_limit_minor": int(random.uniform(2, 8) * income),
        "income_minor": int(income),
        "expenses_minor": int(random.uniform(0.3, 0.75) * income),
        "assets_minor": int(assets),
        "debts_minor": int(debts),
        "housing": _picked(random, _HOMES),
        "job": _picked(random, _JOBS),
        "seniority_years": round(min(40.0, random.expovariate(1 / 4)), 1),
    }
    return Applicant("synthetic", statements, _picked(random, _BUREAU), None)


def _picked(random: Random, shares: tuple[tuple[str, int], ...]) -> str:
    return random.choices([name for name, _ in shares], [share for _, share in shares])[0]


def real(file: Path, count: int) -> list[Applicant]:
    """The first rows of a file of loan applications, as their applicants would state them.

    The file counts money in its own units; shares of the reference income carry over (docs/credit.md).

    Args:
        file: With the columns of the application model (docs/credit.md).
        count: At most so many.
    """
    with file.open(newline="") as rows:
        return [_row(row) for row in islice(csv.DictReader(rows), count)]


def _row(row: dict[str, str]) -> Applicant:
    def money(name: str) -> int | None:
        text = row.get(name, "")
        return None if text in {"", "NA"} else round(float(text) * REFERENCE_MINOR / APPLICATION_REFERENCE_INCOME)

    home, job = row.get("Home", ""), row.get("Job", "")
    statements: dict[str, Any] = {
        "currency": CURRENCY,
        "requested_limit_minor": money("Amount") or REFERENCE_MINOR,
        "income_minor": money("Income"),
        "expenses_minor": money("Expenses"),
        "assets_minor": money("Assets"),
        "debts_minor": money("Debt"),
        "housing": _HOUSING.get(home, home) if home not in {"", "NA"} else None,
        "job": job if job not in {"", "NA"} else None,
        "seniority_years": float(row["Seniority"]) if row.get("Seniority", "") not in {"", "NA"} else None,
        "order_price_minor": money("Price"),
    }
    stated = {name: value for name, value in statements.items() if value is not None}
    bureau = _SETTLED if row.get("Records") == "yes" else _CLEAN
    return Applicant("real row", stated, bureau, row.get("Status") == "bad")
