"""Months of the books: closed one after another, and never written to again.

An entry's accounting day is `effective_on`. What happened in a month that is closed is posted on the first open day;
the true value date stays with the object that the entry explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.core.errors import ConflictError, InvalidError
from functions.ledger.accounts import Account
from functions.ledger.entries import Entry, EntryKind, Posting

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_DECEMBER = 12
_BPS = 10_000


class PeriodLockedError(ConflictError):
    code, title = "period_locked", "The month is closed"


class PeriodNotClosableError(ConflictError):
    code, title = "period_not_closable", "The month can't be closed now"


class NotAPeriodError(InvalidError):
    code, title = "not_a_period", "A period is written like 2026-11"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, on: date) -> Period:
        """The month a day lies in."""
        return cls(on.year, on.month)

    @classmethod
    def parse(cls, text: str) -> Period:
        """From "2026-11".

        Raises:
            NotAPeriodError: Anything else.
        """
        match = _MONTH.fullmatch(text)
        if match is None or match[1] == "0000":
            raise NotAPeriodError
        return cls(int(match[1]), int(match[2]))

    @property
    def first_on(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_on(self) -> date:
        return self.next().first_on - timedelta(days=1)

    def next(self) -> Period:
        """The month after."""
        return Period(self.year + self.month // _DECEMBER, self.month % _DECEMBER + 1)

    @property
    def id(self) -> str:
        """What entries of the close explain."""
        return f"period_{self}"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def open_day(value_on: date, locked_through: date | None) -> date:
    """The accounting day of something whose value date is `value_on`: that day, or the first one still open."""
    if locked_through is None or value_on > locked_through:
        return value_on
    return locked_through + timedelta(days=1)


def require_open(entry: Entry, locked_through: date | None) -> None:
    """Refuse an entry into a closed month.

    Args:
        entry: About to be posted.
        locked_through: Last day of the last closed month; None before the first close.

    Raises:
        PeriodLockedError: Names the first open day.
    """
    if locked_through is not None and entry.effective_on <= locked_through:
        first = locked_through + timedelta(days=1)
        raise PeriodLockedError(
            f"{entry.effective_on} is closed; corrections are posted from {first} on", first_open_on=str(first)
        )


def require_closable(period: Period, today: date, locked_through: date | None) -> None:
    """Refuse to close a month out of turn.

    Args:
        period: The month to close.
        today: The business day of the closing.
        locked_through: Last day of the last closed month; None before the first close, when any ended month may be.

    Raises:
        PeriodNotClosableError: The month has not ended, is closed, or an earlier one is still open.
    """
    if today <= period.last_on:
        raise PeriodNotClosableError(f"{period} ends on {period.last_on}; today is {today}")
    if locked_through is None:
        return
    due = Period.of(locked_through).next()
    if period < due:
        raise PeriodNotClosableError(f"{period} is closed already")
    if period > due:
        raise PeriodNotClosableError(f"{due} has to be closed first")


class Bucket(StrEnum):
    """How late a plan is, for the allowance."""

    CURRENT = "current"
    M1 = "M1"
    M2 = "M2"
    M3 = "M3"
    M4_PLUS = "M4+"


_BUCKET_FROM_DAYS: Final = ((91, Bucket.M4_PLUS), (61, Bucket.M3), (31, Bucket.M2), (1, Bucket.M1))

ALLOWANCE_BPS: Final[Mapping[Bucket, int]] = MappingProxyType(
    {Bucket.CURRENT: 100, Bucket.M1: 800, Bucket.M2: 3_000, Bucket.M3: 6_000, Bucket.M4_PLUS: 9_000}
)
"""Share of the outstanding principal expected to be lost, per bucket; a default that each portfolio replaces."""


def bucket_of(days_past_due: int) -> Bucket:
    """The bucket of a plan whose oldest unpaid installment was due so many days ago; 0 or less is current."""
    return next((bucket for days, bucket in _BUCKET_FROM_DAYS if days_past_due >= days), Bucket.CURRENT)


@dataclass(frozen=True, slots=True)
class AllowanceRow:
    """One bucket's exposure and what is set aside for it."""

    bucket: Bucket
    exposure_minor: int
    rate_bps: int
    allowance_minor: int


def allowance(
    exposures: Iterable[tuple[int, int]], rates_bps: Mapping[Bucket, int] = ALLOWANCE_BPS
) -> tuple[AllowanceRow, ...]:
    """What to set aside for losses, by bucket; each bucket rounded half up once.

    Args:
        exposures: (days past due, outstanding principal in minor units) of every plan of one currency.
        rates_bps: 0 … 10,000 for every bucket.

    Raises:
        InvalidError: A rate is missing or out of range, or an exposure is negative.
    """
    sums = dict.fromkeys(Bucket, 0)
    for days_past_due, outstanding_minor in exposures:
        if outstanding_minor < 0:
            raise InvalidError(f"an exposure of {outstanding_minor} minor units")
        sums[bucket_of(days_past_due)] += outstanding_minor
    rows = []
    for bucket in Bucket:
        rate = rates_bps.get(bucket, -1)
        if not 0 <= rate <= _BPS:
            raise InvalidError(f"the allowance rate of {bucket} is 0 to {_BPS} bps")
        rows.append(AllowanceRow(bucket, sums[bucket], rate, (sums[bucket] * rate + _BPS // 2) // _BPS))
    return tuple(rows)


def allowance_entry(
    wanted_minor: int,
    booked_minor: int,
    *,
    entry_id: str,
    currency: str,
    occurred_at: datetime,
    period: Period,
    command_id: str,
) -> Entry | None:
    """The entry that brings the loss allowance to its wanted size; None where it has it already.

    Args:
        wanted_minor: Sum of `allowance`.
        booked_minor: Balance of the loss allowance now; negative where charge-offs have used more than was set aside.
        entry_id: Of the entry to make.
        currency: Of both figures.
        occurred_at: Business time.
        period: Being closed; the entry counts for its last day.
        command_id: The close that asked for it.
    """
    change = wanted_minor - booked_minor
    if change == 0:
        return None
    expense, reserve = Account.ALLOWANCE_EXPENSE.of(), Account.LOSS_ALLOWANCE.of()
    posting = Posting(expense, reserve, change) if change > 0 else Posting(reserve, expense, -change)
    return Entry(
        id=entry_id,
        currency=currency,
        postings=(posting,),
        occurred_at=occurred_at,
        effective_on=period.last_on,
        kind=EntryKind.ALLOWANCE,
        explains=(period.id,),
        command_id=command_id,
    )
