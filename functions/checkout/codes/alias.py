"""The nine digits by which a code names a line: another number every month, and at once when the customer asks.

The line's own alias never leaves the platform. What is shown is its permutation under the month and the turn (how often
the customer has asked for another one this month), so that the line is found by arithmetic: no table, no read, and
what a shop or an onlooker saw last month leads nowhere. docs/adr/0012 has the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from functions.checkout.codes.otp import step_start
from functions.checkout.codes.permutation import ff1
from functions.core.clock import isoformat
from functions.core.errors import ConflictError

TURNS: Final = 10
"""Aliases a line may show within one month."""
MONTHS_AHEAD: Final = 2
"""How many months beyond this one a phone is told, so that it can go on without a network."""
_MONTHS: Final = 12
_KEY_BYTES: Final = 16


class AliasRenewedTooOftenError(ConflictError):
    code, title = "alias_renewed_too_often", f"The alias can be renewed {TURNS - 1} times a month"


@dataclass(frozen=True, slots=True)
class Turn:
    """Which of a line's aliases is shown in a month.

    Args:
        month: Months since year 0.
        number: 0 at the beginning of a month; one more with every renewal.
    """

    month: int
    number: int = 0

    def tweak(self) -> bytes:
        return self.month.to_bytes(2, "big") + bytes((self.number,))

    def pack(self) -> int:
        """As the line stores it."""
        return self.month * TURNS + self.number


def month_of(counter: int) -> int:
    """The month, UTC, in which a step begins."""
    at = step_start(counter)
    return at.year * _MONTHS + at.month - 1


def turn_in(month: int, packed: int | None) -> Turn:
    """The turn in a month; what was stored in another month counts no longer."""
    stored_month, number = divmod(packed or 0, TURNS)
    return Turn(month, number if stored_month == month else 0)


def renewed(month: int, packed: int | None) -> Turn:
    """The next turn.

    Raises:
        AliasRenewedTooOftenError: There is none left this month; carries when the next month begins.
    """
    number = turn_in(month, packed).number + 1
    if number >= TURNS:
        raise AliasRenewedTooOftenError(renewable_at=isoformat(month_start(month + 1)))
    return Turn(month, number)


def month_start(month: int) -> datetime:
    """The instant at which a month begins."""
    year, index = divmod(month, _MONTHS)
    return datetime(year, index + 1, 1, tzinfo=UTC)


def shown(key: bytes, alias: int, turn: Turn) -> str:
    """What a code shows of a line.

    Args:
        key: Of aliases.
        alias: The line's own.
        turn: Current one.
    """
    return ff1(key[:_KEY_BYTES]).encrypt(f"{alias:09d}", turn.tweak())


def hidden(key: bytes, digits: str, turn: Turn) -> int:
    """The line's own alias behind what a code shows, if it was shown in this turn."""
    return int(ff1(key[:_KEY_BYTES]).decrypt(digits, turn.tweak()))


@dataclass(frozen=True, slots=True)
class Validity:
    """An alias and when it is shown."""

    alias: str
    from_at: datetime
    until_at: datetime


def calendar(key: bytes, alias: int, month: int, packed: int | None) -> Sequence[Validity]:
    """What a phone shows this month and in the next ones."""
    return [
        Validity(shown(key, alias, turn_in(each, packed)), month_start(each), month_start(each + 1))
        for each in range(month, month + MONTHS_AHEAD + 1)
    ]
