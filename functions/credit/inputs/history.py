"""From our own statements and repayments to the behavior model's columns, as known at a moment and never later.

Each cycle is frozen at its cut: a repayment counts in the cycle in which it was confirmed, a reversal in it only if it
came before the cut. What is learned later changes later cycles, so a feature asked for again for the same moment is the
same. Cycle 1 is the latest; cycles before the first statement are missing, as the model was trained to be served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from functions.core.errors import InvalidError
from functions.credit.inputs.behavior import BEHAVIOR_REFERENCE_INCOME
from functions.credit.policies.policy import Policy

CYCLES = 6
NO_BALANCE, PAID_TO_ZERO, BALANCE_REMAINS = -2, -1, 0
_DELAY_COLUMNS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")


class TooLittleHistoryError(InvalidError):
    code, title = "too_little_history", "There are too few statements to score behaviour"


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """One statement, with what was known when it was cut.

    Args:
        cut_at: The instant of the cut, aware UTC.
        outstanding_minor: Total principal and fee outstanding.
        months_late: Started months since the oldest unpaid due date; 0 if nothing is overdue.
    """

    cut_at: datetime
    outstanding_minor: int
    months_late: int


@dataclass(frozen=True, slots=True)
class RepaymentFacts:
    """One repayment of the customer.

    Args:
        confirmed_at: When the rail confirmed it.
        amount_minor: Over 0.
        reversed_at: When the customer's bank took it back; None if never.
    """

    confirmed_at: datetime
    amount_minor: int
    reversed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Cycle:
    outstanding_minor: int
    months_late: int
    before_minor: int | None  # outstanding at the cut before; None for the first statement
    paid_minor: int

    @property
    def delay(self) -> int:
        """PAY_k: months late, or how the balance stands if nothing is overdue."""
        if self.months_late > 0:
            return self.months_late
        if self.outstanding_minor == 0 and not self.paid_minor and not self.before_minor:
            return NO_BALANCE
        if self.outstanding_minor == 0 or (self.before_minor and self.paid_minor >= self.before_minor):
            return PAID_TO_ZERO
        return BALANCE_REMAINS


def _paid_between(repayments: Sequence[RepaymentFacts], after: datetime | None, until: datetime) -> int:
    """Confirmed in (after, until] and not taken back by `until`."""
    return sum(
        one.amount_minor
        for one in repayments
        if (after is None or after < one.confirmed_at)
        and one.confirmed_at <= until
        and not (one.reversed_at is not None and one.reversed_at <= until)
    )


def _cycles(statements: Sequence[StatementFacts], repayments: Sequence[RepaymentFacts]) -> list[_Cycle]:
    """Latest first, six at most; statements are oldest first."""
    out = []
    for before, one in pairwise((None, *statements)):
        assert one is not None
        paid = _paid_between(repayments, before.cut_at if before else None, one.cut_at)
        out.append(_Cycle(one.outstanding_minor, one.months_late, before.outstanding_minor if before else None, paid))
    return out[::-1][:CYCLES]


def behavior_row(
    statements: Sequence[StatementFacts],
    repayments: Sequence[RepaymentFacts],
    *,
    limit_minor: int,
    currency: str,
    as_of: datetime,
    policy: Policy,
) -> dict[str, float | str | None]:
    """The behavior model's columns for an account.

    Args:
        statements: Any order; those cut after `as_of` are left out.
        repayments: Any order.
        limit_minor: Credit limit at the latest cut, over 0.
        currency: Of all amounts.
        as_of: The moment to look from, aware.
        policy: For the reference income and the least number of statements.

    Returns:
        Columns by name; None where the account is too young for the cycle.

    Raises:
        TooLittleHistoryError: Carries how many statements there are and how many it takes.
        UnsupportedCurrencyError: The policy has no reference income for the currency.
    """
    known = sorted((one for one in statements if one.cut_at <= as_of), key=lambda one: one.cut_at)
    needed = policy.dynamic.statements_at_least
    if len(known) < needed:
        raise TooLittleHistoryError(f"{len(known)} statements, it takes {needed}", statements=len(known), needed=needed)
    reference = policy.reference_minor(currency)

    def units(amount_minor: int) -> float:
        return amount_minor * BEHAVIOR_REFERENCE_INCOME / reference

    cycles = _cycles(known, repayments)
    row: dict[str, float | str | None] = {"LIMIT_BAL": units(limit_minor)}
    for number, delay_column in enumerate(_DELAY_COLUMNS, 1):
        cycle = cycles[number - 1] if number <= len(cycles) else None
        # Payments before a young account's first cut belong to no bill the model could set them against.
        paid_known = cycle is not None and (cycle.before_minor is not None or number == CYCLES)
        row[delay_column] = cycle.delay if cycle else None
        row[f"BILL_AMT{number}"] = units(cycle.outstanding_minor) if cycle else None
        row[f"PAY_AMT{number}"] = units(cycle.paid_minor) if cycle and paid_known else None
    return row
