"""How much help a customer may take alone; beyond it, somebody of support looks at it first. Pure."""

from __future__ import annotations

from typing import Final

from functions.core.errors import ConflictError
from functions.core.money import currency_exponent
from functions.lending.amendments.document import Amendment

DEFERRAL_ALONE_DAYS: Final = 31
"""By so much a customer may move due days alone."""
REPLAN_ALONE_DAYS: Final = 184
"""By so much a customer may move the last due day out alone, with a new term."""
REPLAN_ALONE_MAJOR: Final = 100
"""What a new term may cost a customer who takes it alone, in major units of the currency."""


class DeferralNeedsStaffError(ConflictError):
    code, title = "deferral_needs_staff", "Due days move this far only with our support"


class DeferralCostChangedError(ConflictError):
    code, title = "deferral_cost_changed", "The deferral costs something else by now; look at it again"


class ReplanNeedsStaffError(ConflictError):
    code, title = "replan_needs_staff", "A new term this long or this dear needs our support"


class ReplanCostChangedError(ConflictError):
    code, title = "replan_cost_changed", "The new term costs something else by now; look at it again"


def needs_staff(made: Amendment, currency: str) -> bool:
    """Whether a customer may not take a new term alone.

    Args:
        made: What it does and costs.
        currency: ISO 4217 code.
    """
    alone: int = REPLAN_ALONE_MAJOR * 10 ** currency_exponent(currency)
    return made.longer_days > REPLAN_ALONE_DAYS or made.cost_minor > alone
