"""What is sold under a capture, where the scenario asks for it: a service with its days and its parts, or a thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from functions.core.errors import FieldError, InvalidError
from functions.lending.plans.store import PlanItem
from functions.payments.scenario import CaptureRule, Scenario

LONGEST: Final = timedelta(days=730)
"""From the capture to the end of a service."""


class SaleRefusedError(InvalidError):
    code, title = "sale_refused", "What is said of the sale does not go with its scenario"


@dataclass(frozen=True, slots=True)
class Sale:
    """What the merchant said at capture.

    Args:
        starts_on: First day of the service: a departure, a course's first lesson.
        ends_on: Its last day.
        units: How many sessions or lessons; 0 where it has no parts.
        serial_number: Of a device; "" if not said.
    """

    starts_on: date | None = None
    ends_on: date | None = None
    units: int = 0
    serial_number: str = ""

    @classmethod
    def of(cls, item: PlanItem) -> Sale:
        """What is kept with a plan."""
        begin, end = (date.fromordinal(day) if day else None for day in (item.starts, item.ends))
        return cls(begin, end, item.units or 0, item.serial_number or "")

    def keep(self, item: PlanItem) -> None:
        """Keep it with a plan; what was not said takes no room."""
        item.starts, item.ends = (day.toordinal() if day else None for day in (self.starts_on, self.ends_on))
        item.units, item.serial_number = self.units or None, self.serial_number or None

    def require_fits(self, row: Scenario, start_on: date) -> Sale:
        """The sale itself, if its scenario knows what it says.

        Args:
            row: The scenario.
            start_on: Day of the capture.

        Raises:
            SaleRefusedError: Says which member.
        """
        if self.serial_number and row.capture is not CaptureRule.DISPATCH:
            raise _refused("serial_number", "only a device has one")
        if (self.starts_on or self.ends_on or self.units) and not row.holdback_bps:
            raise _refused("service", "this scenario sells goods")
        begin, end = self.starts_on or start_on, self.ends_on
        if self.starts_on and not start_on <= self.starts_on <= start_on + LONGEST:
            raise _refused("service/starts_on", f"{start_on} to {start_on + LONGEST}")
        if end and not begin <= end <= start_on + LONGEST:
            raise _refused("service/ends_on", f"{begin} to {start_on + LONGEST}")
        return self

    def backstop_on(self, row: Scenario, start_on: date) -> date | None:
        """From when a holdback is released without proof: some days after the service must have ended."""
        if not row.holdback_bps:
            return None
        return (self.ends_on or max(self.starts_on or start_on, start_on) + row.life) + row.backstop


NOTHING_SAID: Final = Sale()


def _refused(member: str, detail: str) -> SaleRefusedError:
    return SaleRefusedError(detail, errors=(FieldError(f"/{member}", "out_of_range", detail),))


def units_value_minor(captured_minor: int, units: int, rendered: int) -> int:
    """Goods value of the first so many parts: a function of the count, so that the parts sum to the whole."""
    return captured_minor * rendered // units
