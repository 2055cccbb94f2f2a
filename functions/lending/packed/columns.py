"""The rows of a plan turned on their side: one column of integers for each field, in a form that repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, timedelta
from operator import add, attrgetter, sub
from typing import Final, NamedTuple

from functions.core.calendar import add_months
from functions.lending.plan import Plan, Row

_PERIOD_DAYS: Final = {"14d": 14, "30d": 30}


class Column(NamedTuple):
    """How a field of the rows is written.

    Args:
        name: Of the field.
        form: Takes the rows' values to numbers that repeat more; given what is known of the rows already.
        back: Inverse of `form`.
    """

    name: str
    form: Callable[[Sequence[int], dict[str, list[int]]], list[int]]
    back: Callable[[Sequence[int], dict[str, list[int]]], list[int]]


def _steps(values: Sequence[int], _known: dict[str, list[int]]) -> list[int]:
    return list(map(sub, values, [0, *values[:-1]]))


def _from_steps(steps: Sequence[int], _known: dict[str, list[int]]) -> list[int]:
    values, value = [], 0
    for step in steps:
        value += step
        values.append(value)
    return values


def _plain(values: Sequence[int], _known: dict[str, list[int]]) -> list[int]:
    return list(values)


_AT_BIRTH: Final = ("principal_minor", "fee_minor", "principal_refunded_minor", "fee_refunded_minor")


def _birth(known: dict[str, list[int]]) -> list[int]:
    return [sum(parts) for parts in zip(*[known[name] for name in _AT_BIRTH], strict=True)]


def _part_of(whole: str) -> Column:
    """A paid column: nothing is 0, all of it 1, else the amount + 1; a row with nothing to pay repeats the last."""
    name = whole.replace("_minor", "_paid_minor")

    def form(values: Sequence[int], known: dict[str, list[int]]) -> list[int]:
        codes: list[int] = []
        for value, full in zip(values, known[whole], strict=True):
            if not full:
                codes.append(codes[-1] if codes and codes[-1] < 2 else 0)  # noqa: PLR2004  the two codes
            else:
                codes.append(1 if value == full else value + 1 if value else 0)
        return codes

    def back(codes: Sequence[int], known: dict[str, list[int]]) -> list[int]:
        return [full if code == 1 else max(0, code - 1) for code, full in zip(codes, known[whole], strict=True)]

    return Column(name, form, back)


COLUMNS: Final = (
    Column("due", _steps, _from_steps),
    Column("principal_minor", _steps, _from_steps),
    Column("fee_minor", _steps, _from_steps),
    Column("subsidy_minor", _steps, _from_steps),
    Column("principal_refunded_minor", _steps, _from_steps),
    Column("fee_refunded_minor", _steps, _from_steps),
    Column(
        "original_minor",
        lambda values, known: list(map(sub, values, _birth(known))),
        lambda values, known: list(map(add, values, _birth(known))),
    ),
    _part_of("principal_minor"),
    _part_of("fee_minor"),
    Column("overdue_minor_days", _plain, _plain),
    Column("late_paid_minor", _plain, _plain),
    Column("late_waived_minor", _plain, _plain),
    Column("paused_days", _plain, _plain),
    Column("disputed", _plain, _plain),
)


def _expected_due(plan: Plan, number: int) -> date:
    days = _PERIOD_DAYS.get(plan.terms.period)
    if days is None:
        return add_months(plan.start_on, number)
    return plan.start_on + timedelta(days=days * number)


_NUMBERS: Final = tuple([each.name for each in fields(Row) if each.name not in {"number", "due_on", "disputed"}])
_numbers_of = attrgetter(*_NUMBERS)


def columns_of(plan: Plan) -> list[list[int]]:
    """One column for each of `COLUMNS`."""
    known = dict(zip(_NUMBERS, map(list, zip(*map(_numbers_of, plan.rows), strict=True)), strict=True))
    known["due"] = [(row.due_on - _expected_due(plan, row.number)).days for row in plan.rows]
    known["disputed"] = [int(row.disputed) for row in plan.rows]
    return [column.form(known[column.name], known) for column in COLUMNS]


def rows_of(shell: Plan, columns: Sequence[Sequence[int]]) -> tuple[Row, ...]:
    """Inverse of `columns_of`.

    Args:
        shell: A plan of the same terms and capture day, whatever its rows.
        columns: For each of `COLUMNS`, as many numbers as the plan has installments.
    """
    known: dict[str, list[int]] = {}
    for column, values in zip(COLUMNS, columns, strict=True):
        known[column.name] = column.back(values, known)
    numbers = range(1, len(columns[0]) + 1)
    due_on = [
        _expected_due(shell, number) + timedelta(days=days) for number, days in zip(numbers, known["due"], strict=True)
    ]
    disputed = [value != 0 for value in known["disputed"]]
    return tuple(map(Row, numbers, due_on, *[known[name] for name in _NUMBERS], disputed))
