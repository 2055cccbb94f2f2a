"""What a plan agrees on before there is an amount or a day: count, period, price, due days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from functions.core.calendar import require_day_count
from functions.core.errors import InvalidError
from functions.core.money import BPS, UnsupportedCurrencyError

MIN_TERM_COUNT: Final = 1
MAX_TERM_COUNT: Final = 60
MAX_PRICE_BPS: Final = 1_000_000

PERIODS_PER_YEAR: Final[Mapping[str, Fraction]] = MappingProxyType(
    {"month": Fraction(12), "14d": Fraction(26), "30d": Fraction(365, 30)}
)
PERIOD_DAYS: Final[Mapping[str, int]] = MappingProxyType({"14d": 14, "30d": 30})
PRICING_KINDS: Final = ("none", "flat_monthly", "annual_rate")
RESIDUALS: Final = ("last", "first", "spread")
DUE_KINDS: Final = ("order", "bill")
_KEYS: Final = (
    "currency",
    "term_count",
    "period",
    "pricing",
    "subsidy_bps",
    "down_payment_bps",
    "residual",
    "due",
)
_DUE_AFTER_BILL_DAYS = 9
_SHORTEST_MONTH = 28
_LONGEST_MONTH = 31
_CURRENCY = re.compile("[A-Z]{3}")


class InvalidTermsError(InvalidError, ValueError):
    code, title = "invalid_terms", "These plan terms can't be used"


class UnknownTermError(InvalidTermsError):
    code, title = "unknown_term", "Plan terms have no such key"


class TermCountOutOfRangeError(InvalidTermsError):
    code, title = "term_count_out_of_range", f"A plan has {MIN_TERM_COUNT} to {MAX_TERM_COUNT} installments"


def require_int(value: object, name: str, low: int, high: int) -> int:
    """The value itself, if it is an int within the limits.

    Raises:
        InvalidTermsError: It is not; the limits are named.
    """
    if type(value) is not int:
        raise InvalidTermsError(f"{name} is an int, not {type(value).__name__}")
    if not low <= value <= high:
        raise InvalidTermsError(f"{name} is {value}; it must lie within {low} and {high}")
    return value


def require_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """The value itself, if it is one of the choices.

    Raises:
        InvalidTermsError: It is not; the choices are named.
    """
    if not isinstance(value, str) or value not in choices:
        raise InvalidTermsError(f"{name} is one of {', '.join(choices)}")
    return value


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the customer's money costs before any subsidy.

    Args:
        kind: "none"; "flat_monthly" (a fee per month on the financed principal); "annual_rate" (interest on the
            reducing balance).
        bps: Per month for "flat_monthly", per year for "annual_rate", 0 for "none".
        day_count: How "annual_rate" counts a period; one of `functions.core.calendar.DAY_COUNTS`.
    """

    kind: str = "none"
    bps: int = 0
    day_count: str = "30/360"

    def __post_init__(self) -> None:
        require_choice(self.kind, "pricing.kind", PRICING_KINDS)
        require_int(self.bps, "pricing.bps", 0, 0 if self.kind == "none" else MAX_PRICE_BPS)
        require_day_count(self.day_count)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Pricing:
        """Read `{"kind": …, "bps": …, "day_count": …}`; a kind with a price needs its bps.

        Raises:
            InvalidTermsError: A key is unknown, missing or out of range.
        """
        keys = {"none": (), "flat_monthly": ("bps",), "annual_rate": ("bps", "day_count")}
        kind = _kind(value, "pricing", PRICING_KINDS)
        _refuse_unknown(value, ("kind", *keys[kind]), "pricing")
        if kind != "none" and "bps" not in value:
            raise InvalidTermsError(f"pricing of kind {kind} needs bps")
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`."""
        if self.kind == "none":
            return {"kind": self.kind}
        day_count = {"day_count": self.day_count} if self.kind == "annual_rate" else {}
        return {"kind": self.kind, "bps": self.bps, **day_count}


@dataclass(frozen=True, slots=True)
class Due:
    """On which days installments fall due.

    Args:
        kind: "order": the purchase's own day of the month; "bill": the due day of the customer's bill.
        bill_day: Day of the month the bill is cut, 1 to 31 (a shorter month's last day); 0 for "order".
        due_day: Day of the month the bill is due, 1 to 31; not after `bill_day` means next month; 0 for "order".
    """

    kind: str = "order"
    bill_day: int = 0
    due_day: int = 0

    def __post_init__(self) -> None:
        require_choice(self.kind, "due.kind", DUE_KINDS)
        limits = (0, 0) if self.kind == "order" else (1, _LONGEST_MONTH)
        require_int(self.bill_day, "due.bill_day", *limits)
        require_int(self.due_day, "due.due_day", *limits)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Due:
        """Read `{"kind": …, "bill_day": …, "due_day": …}`; the bill is due nine days after it is cut unless said.

        Raises:
            InvalidTermsError: A key is unknown or out of range, or nine days after the bill day is no fixed day.
        """
        kind = _kind(value, "due", DUE_KINDS)
        _refuse_unknown(value, ("kind",) if kind == "order" else ("kind", "bill_day", "due_day"), "due")
        if kind == "order":
            return cls()
        bill_day = require_int(value.get("bill_day", 1), "due.bill_day", 1, _LONGEST_MONTH)
        if "due_day" not in value and bill_day + _DUE_AFTER_BILL_DAYS > _SHORTEST_MONTH:
            raise InvalidTermsError(f"due.due_day must be given for bill_day {bill_day}: months differ in length")
        return cls(kind, bill_day, value.get("due_day", bill_day + _DUE_AFTER_BILL_DAYS))

    def billed_on(self, bill_day: int) -> Due:
        """The same by another bill day, due nine days later or, where that is no fixed day, as early next month.

        Args:
            bill_day: 1 to 28; 0 changes nothing, and "order" knows no bill.
        """
        if self.kind == "order" or bill_day in {0, self.bill_day}:
            return self
        due_day = bill_day + _DUE_AFTER_BILL_DAYS
        return Due(self.kind, bill_day, due_day if due_day <= _SHORTEST_MONTH else due_day - _SHORTEST_MONTH)

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`."""
        if self.kind == "order":
            return {"kind": self.kind}
        return {"kind": self.kind, "bill_day": self.bill_day, "due_day": self.due_day}


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """Terms from which `functions.lending.schedule.build_schedule` makes a schedule.

    Args:
        currency: ISO 4217 code.
        term_count: Installments, 1 to 60.
        period: "month", "14d" (26 a year) or "30d" (365/30 a year); a bill is always monthly.
        pricing: Gross price.
        subsidy_bps: The part of the gross price that the merchant pays, 0 to 10000.
        down_payment_bps: The part of the amount paid on the first day, 0 to 9999.
        residual: Where what division leaves over goes: "last", "first" or "spread" (one unit each, earliest first).
        due: Due days.
        is_level: All payments but the last are alike: no subsidy, no down payment, residual last; derived.
        annual_bps: What a rate of 1 a period is a year, in basis points; derived.
    """

    currency: str
    term_count: int
    period: str = "month"
    pricing: Pricing = field(default_factory=Pricing)
    subsidy_bps: int = 0
    down_payment_bps: int = 0
    residual: str = "last"
    due: Due = field(default_factory=Due)
    is_level: bool = field(init=False, repr=False, compare=False)
    annual_bps: float = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (isinstance(self.currency, str) and _CURRENCY.fullmatch(self.currency)):
            raise UnsupportedCurrencyError("a currency is an ISO 4217 code of three capitals, for example CNY")
        if type(self.term_count) is not int or not MIN_TERM_COUNT <= self.term_count <= MAX_TERM_COUNT:
            raise TermCountOutOfRangeError(
                f"term_count is an int from {MIN_TERM_COUNT} to {MAX_TERM_COUNT}, not {self.term_count!r}"
            )
        require_choice(self.period, "period", tuple(PERIODS_PER_YEAR))
        require_int(self.subsidy_bps, "subsidy_bps", 0, BPS)
        require_int(self.down_payment_bps, "down_payment_bps", 0, BPS - 1)
        require_choice(self.residual, "residual", RESIDUALS)
        if not isinstance(self.pricing, Pricing) or not isinstance(self.due, Due):
            raise InvalidTermsError("pricing and due are Pricing and Due values; from_dict reads plain ones")
        if self.due.kind == "bill" and self.period != "month":
            raise InvalidTermsError(f"a bill is monthly, so its period can't be {self.period}")
        plain = self.residual == "last" and not self.subsidy_bps and not self.down_payment_bps
        object.__setattr__(self, "is_level", plain)
        object.__setattr__(self, "annual_bps", float(PERIODS_PER_YEAR[self.period] * BPS))
        object.__setattr__(self, "_hash", hash(tuple(getattr(self, name) for name in _KEYS)))

    def __hash__(self) -> int:
        return self._hash  # every quote looks a frame up by its terms

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PlanTerms:
        """Read terms from JSON values; every key but `currency` and `term_count` has the default of its field.

        Raises:
            InvalidTermsError: A key is unknown, missing or out of range (`TermCountOutOfRangeError` and
                `UnknownTermError` are kinds of it).
            UnknownDayCountError: No such day count.
            UnsupportedCurrencyError: Not the form of a currency code.
        """
        if not isinstance(value, Mapping):
            raise InvalidTermsError(f"plan terms are an object, not {type(value).__name__}")
        _refuse_unknown(value, _KEYS, "terms")
        for name in ("currency", "term_count"):
            if name not in value:
                raise InvalidTermsError(f"plan terms need {name}")
        known = dict(value)
        if "pricing" in known:
            known["pricing"] = Pricing.from_dict(known["pricing"])
        if "due" in known:
            known["due"] = Due.from_dict(known["due"])
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`, with every key."""
        return {
            "currency": self.currency,
            "term_count": self.term_count,
            "period": self.period,
            "pricing": self.pricing.to_dict(),
            "subsidy_bps": self.subsidy_bps,
            "down_payment_bps": self.down_payment_bps,
            "residual": self.residual,
            "due": self.due.to_dict(),
        }


def _kind(value: object, name: str, choices: tuple[str, ...]) -> str:
    if not isinstance(value, Mapping):
        raise InvalidTermsError(f"{name} is an object, not {type(value).__name__}")
    return require_choice(value.get("kind", choices[0]), f"{name}.kind", choices)


def _refuse_unknown(value: Mapping[str, Any], known: tuple[str, ...], name: str) -> None:
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise UnknownTermError(f"{name} has no {', '.join(unknown)}; it has {', '.join(known)}")
