"""A merchant's order as a value: its lines must add up before anything is promised."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from functions.core.errors import ConflictError, FieldError, InvalidError
from functions.payments.scenario import Course, allows

CATEGORIES = ("electronics", "appliances", "education", "travel", "health")
CHANNELS = ("online", "in_store")


class LinesDoNotAddUpError(InvalidError):
    code, title = "lines_do_not_add_up", "Lines and shipping do not add up to the amount"


class CurrencyMismatchError(InvalidError):
    code, title = "currency_mismatch", "The customer's line is in another currency"


class ScenarioNotAllowedError(InvalidError):
    code, title = "scenario_not_allowed", "This can't be financed"


class CheckoutStateError(ConflictError):
    code, title = "checkout_state", "The checkout's state does not allow this"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order.

    Args:
        unit_amount_minor: Price of one, tax included; negative for a discount line.
        quantity: How many, at least 1.
    """

    name: str
    quantity: int
    unit_amount_minor: int

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_amount_minor


def require_currency_of_line(currency: str, lines: Collection[str]) -> None:
    """Refuse what a customer can't pay in: one line is in one currency. Who has no line at all is told elsewhere.

    Args:
        currency: Of the order.
        lines: Currencies of the customer's lines.

    Raises:
        CurrencyMismatchError: There are lines, and none in this currency.
    """
    if lines and currency not in lines:
        detail = f"the line is in {', '.join(sorted(lines))}"
        raise CurrencyMismatchError(detail, errors=(FieldError("/currency", "mismatch", detail),))


def require_allowed(category: str, currency: str, course: Course) -> None:
    """Refuse at its creation an order that no customer could be financed for.

    Raises:
        ScenarioNotAllowedError: See `functions.payments.scenario.allows`.
    """
    if not allows(category, currency, course):
        detail = "education is financed for adults, in CNY for vocational courses"
        raise ScenarioNotAllowedError(detail, errors=(FieldError("/education", "scenario_not_allowed", detail),))


def require_sum(amount_minor: int, lines: Sequence[OrderLine], shipping_minor: int) -> None:
    """Refuse an order that is a unit off now, and not at its capture.

    Raises:
        LinesDoNotAddUpError: Carries `difference_minor` = lines + shipping − amount.
    """
    if not lines:
        return
    total = sum(line.total_minor for line in lines) + shipping_minor
    if total != amount_minor:
        difference = total - amount_minor
        raise LinesDoNotAddUpError(
            f"lines and shipping are {total}, amount_minor is {amount_minor}: {difference:+d}",
            errors=(FieldError("/amount_minor", "lines_do_not_add_up", f"{difference:+d}"),),
            difference_minor=difference,
        )
