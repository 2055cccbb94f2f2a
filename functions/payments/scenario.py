"""The scenario table of product.md: what each kind of sale means for authorization, capture, holdback and return.

One row per scenario; every rule that differs between them is a column here, and the code asks the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class CaptureRule(StrEnum):
    """When the merchant captures; several captures are possible under each."""

    DISPATCH = "on_dispatch"
    DELIVERY = "on_delivery"
    COURSE = "per_course"
    BOOKING = "on_booking"
    SESSION = "per_session"


class ReturnRule(StrEnum):
    """What a customer may have back."""

    RETURN = "return"
    UNUSED = "unused"
    CANCELLATION = "cancellation"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row.

    Args:
        capture: When the merchant captures.
        life: How long an authorization may be captured; business time, without held and suspended time.
        max_life: The same with its one extension.
        returns: What a customer may have back.
        return_days: With `RETURN`, days from capture in which all goods may go back.
        recheck_after: Age from which a capture runs line status and rules again; None where an approval is for life.
        holdback_bps: Of what the merchant is owed, how much waits for the service to be rendered.
        rendered: How its own service is reported, beside the general "service_rendered".
        backstop: How long after the end of the service the holdback is released without proof.
        liquid_goods: Whether the goods sell for cash at once, which feeds risk.
        sensitive: Whether the category itself is private: never a credit or fraud feature, masked in what is sent.
    """

    capture: CaptureRule
    life: timedelta
    max_life: timedelta
    returns: ReturnRule
    return_days: int = 0
    recheck_after: timedelta | None = None
    holdback_bps: int = 0
    rendered: str = ""
    backstop: timedelta = timedelta()
    liquid_goods: bool = False
    sensitive: bool = False

    def __post_init__(self) -> None:
        if not timedelta() < self.life < self.max_life:
            raise ValueError("an extension prolongs a life")


_ALL_BPS = 10_000


def _days(number: int) -> timedelta:
    return timedelta(days=number)


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "electronics": Scenario(
            CaptureRule.DISPATCH, _days(7), _days(30), ReturnRule.RETURN, return_days=15, liquid_goods=True
        ),
        "appliances": Scenario(CaptureRule.DELIVERY, _days(30), _days(60), ReturnRule.RETURN, return_days=30),
        "education": Scenario(
            CaptureRule.COURSE, _days(180), _days(360), ReturnRule.UNUSED,
            recheck_after=_days(30), holdback_bps=_ALL_BPS, rendered="course_delivered", backstop=_days(14),
        ),
        "travel": Scenario(
            CaptureRule.BOOKING, _days(60), _days(120), ReturnRule.CANCELLATION,
            holdback_bps=_ALL_BPS, rendered="trip_completed", backstop=_days(3),
        ),
        "health": Scenario(
            CaptureRule.SESSION, _days(90), _days(180), ReturnRule.UNUSED,
            holdback_bps=_ALL_BPS, rendered="session_rendered", backstop=_days(14), sensitive=True,
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Course:
    """Who learns what, as the merchant warrants.

    Args:
        beneficiary: "adult" or "minor".
        programme: "vocational" or "other".
    """

    beneficiary: str = "adult"
    programme: str = "vocational"


USUAL_COURSE: Final = Course()
"""What a merchant of education warrants of an order of which it says nothing."""


def allows(category: str, currency: str, course: Course) -> bool:
    """Whether a scenario may be financed at all: no credit for a minor's course, and in China none but vocational.

    Args:
        category: The scenario.
        currency: ISO 4217; CNY stands for China.
        course: Of education alone.
    """
    if category != "education":
        return True
    return course.beneficiary == "adult" and (currency != "CNY" or course.programme == "vocational")


MASKED: Final = "private"


def shown_category(category: str) -> str:
    """A category as it may stand in what is sent or exported: a sensitive one is only called private."""
    return MASKED if SCENARIOS[category].sensitive else category
