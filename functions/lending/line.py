"""The money of a credit line: `limit = available + held + outstanding` at every instant.

A change is a value too: `LineChange` has the same four figures, signed, and sums the same way, so a change that keeps
the identity can be applied with additions alone (DynamoDB `ADD`) and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

from functions.core.errors import ConflictError, InvalidError


class LineExhaustedError(ConflictError):
    code, title = "line_exhausted", "The line has less available than asked for"


class LineOverdrawnError(ConflictError):
    code, title = "line_overdrawn", "The line holds or owes less than would be taken from it"


class LineBrokenError(InvalidError):
    code, title = "line_broken", "The figures of a line don't add up"


@dataclass(frozen=True, slots=True)
class LineChange:
    """What an operation does to a line; minor units of financed principal, signed.

    Raises:
        LineBrokenError: The four don't add up.
    """

    limit_minor: int = 0
    available_minor: int = 0
    held_minor: int = 0
    outstanding_minor: int = 0

    def __post_init__(self) -> None:
        if self.limit_minor != self.available_minor + self.held_minor + self.outstanding_minor:
            raise LineBrokenError(
                f"a limit change of {self.limit_minor} is not {self.available_minor} available + "
                f"{self.held_minor} held + {self.outstanding_minor} outstanding"
            )

    def __add__(self, other: LineChange) -> LineChange:
        return LineChange(
            self.limit_minor + other.limit_minor,
            self.available_minor + other.available_minor,
            self.held_minor + other.held_minor,
            self.outstanding_minor + other.outstanding_minor,
        )

    def __neg__(self) -> LineChange:
        return LineChange(-self.limit_minor, -self.available_minor, -self.held_minor, -self.outstanding_minor)

    def __sub__(self, other: LineChange) -> LineChange:
        return self + -other


NO_CHANGE = LineChange()


@dataclass(frozen=True, slots=True)
class CreditLine:
    """The four figures of one customer's line in one currency.

    Args:
        limit_minor: What the customer may owe at most; below 0 only where a charge-off followed a cut below what was
            owed: the line is closed then, and nothing can be authorized.
        available_minor: May be negative after a limit cut, the end of a temporary limit, or a reversal.
        held_minor: Promised by authorizations, or repaid and not yet released; 0 or more.
        outstanding_minor: Financed principal owed; 0 or more.

    Raises:
        LineBrokenError: They don't add up, or one that can't be negative is.
    """

    limit_minor: int
    available_minor: int
    held_minor: int = 0
    outstanding_minor: int = 0

    def __post_init__(self) -> None:
        if self.limit_minor != self.available_minor + self.held_minor + self.outstanding_minor:
            raise LineBrokenError(
                f"limit {self.limit_minor} is not available {self.available_minor} + held {self.held_minor} + "
                f"outstanding {self.outstanding_minor}"
            )
        if min(self.held_minor, self.outstanding_minor) < 0:
            raise LineBrokenError(f"held {self.held_minor} and outstanding {self.outstanding_minor} can't be negative")

    @classmethod
    def opened(cls, limit_minor: int) -> CreditLine:
        """A new line, all of it available."""
        return cls(limit_minor, limit_minor)

    def after(self, change: LineChange) -> CreditLine:
        """The line after any change that keeps the identity.

        Raises:
            LineOverdrawnError: It would hold or owe less than nothing.
        """
        held = self.held_minor + change.held_minor
        outstanding = self.outstanding_minor + change.outstanding_minor
        if min(held, outstanding) < 0:
            raise LineOverdrawnError(
                f"held {self.held_minor} and outstanding {self.outstanding_minor} can't change by "
                f"{change.held_minor} and {change.outstanding_minor}"
            )
        return CreditLine(
            self.limit_minor + change.limit_minor, self.available_minor + change.available_minor, held, outstanding
        )

    def authorize(self, amount_minor: int) -> CreditLine:
        """Hold part of the line for an order.

        Raises:
            LineExhaustedError: Less is available; carries how much.
        """
        _require_positive(amount_minor)
        if amount_minor > self.available_minor:
            raise LineExhaustedError(
                f"{self.available_minor} is available, {amount_minor} was asked for",
                available_minor=self.available_minor,
            )
        return self.after(hold(amount_minor))

    def release(self, amount_minor: int) -> CreditLine:
        """Give a hold back: void, expiry, a final capture of less, the end of a repayment's release hold."""
        return self.after(-hold(amount_minor))

    def capture(self, amount_minor: int) -> CreditLine:
        """Turn a hold into debt; honoured whatever `available` is."""
        _require_positive(amount_minor)
        return self.after(LineChange(held_minor=-amount_minor, outstanding_minor=amount_minor))

    def repay(self, amount_minor: int) -> CreditLine:
        """Free principal that was repaid, refunded or returned."""
        return self.after(freed(amount_minor))

    def reopen(self, amount_minor: int) -> CreditLine:
        """Put principal back after a repayment reversal; `available` may fall below zero."""
        return self.after(-freed(amount_minor))

    def charge_off(self, amount_minor: int) -> CreditLine:
        """Take principal out of `outstanding` and the same amount off the limit; the caller closes the line."""
        _require_positive(amount_minor)
        return self.after(LineChange(limit_minor=-amount_minor, outstanding_minor=-amount_minor))

    def with_limit(self, limit_minor: int) -> CreditLine:
        """Set another limit; a cut may leave `available` negative."""
        if limit_minor < 0:
            raise LineBrokenError(f"a limit of {limit_minor} is below zero")
        change = limit_minor - self.limit_minor
        return self.after(LineChange(limit_minor=change, available_minor=change))


def hold(amount_minor: int) -> LineChange:
    """Available becomes held."""
    _require_positive(amount_minor)
    return LineChange(available_minor=-amount_minor, held_minor=amount_minor)


def freed(amount_minor: int) -> LineChange:
    """Outstanding becomes available."""
    _require_positive(amount_minor)
    return LineChange(available_minor=amount_minor, outstanding_minor=-amount_minor)


def _require_positive(amount_minor: int) -> None:
    if type(amount_minor) is not int or amount_minor < 1:
        raise LineBrokenError(f"a line moves by an int of at least 1 minor unit, not {amount_minor!r}")
