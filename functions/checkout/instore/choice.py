"""What a till leaves open: by which plan, and whether the phone must say yes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from functions.checkout.hosted.confirmation import needs_step_up
from functions.core.clock import epoch_ms
from functions.core.errors import FieldError, InvalidError
from functions.core.money import BPS
from functions.credit.lines.store import LineItem
from functions.lending.products.plan_product import PlanProduct
from functions.payments.authorization import Status
from functions.risk.ruling.outcomes import Outcome


class ProductNotOfferedError(InvalidError):
    code, title = "product_not_offered", "No such plan for this amount, scenario and day"

    def __init__(self) -> None:
        super().__init__(errors=(FieldError("/product_id", "not_allowed", "not offered"),))


def choose_product(offers: Sequence[PlanProduct], line: LineItem, product_id: str | None) -> PlanProduct:
    """The plan of a sale.

    Args:
        offers: What an order of this kind and amount may use, fewest installments first.
        line: The customer's.
        product_id: What the shop asks for; if nothing, the first that costs the customer nothing.

    Raises:
        ProductNotOfferedError: Not for such an order, whoever the customer is.
    """
    if product_id is not None:
        found = next((product for product in offers if product.id == product_id), None)
        if found is None:
            raise ProductNotOfferedError
        return found
    if not offers:
        raise ProductNotOfferedError
    hers = [each for each in offers if each.terms.term_count in line.allowed_terms and line.grade in each.prices]
    free = [each for each in hers if costs_nothing(each, line.grade)]
    return next(iter((*free, *hers, *offers)))


def costs_nothing(product: PlanProduct, grade: str) -> bool:
    """Whether the customer pays for credit nothing at all."""
    price = product.prices.get(grade)
    return price is not None and (price.bps == 0 or product.plan.subsidy_bps == BPS)


def needs_confirmation(
    amount_minor: int, product: PlanProduct, line: LineItem, outcome: Outcome, wall: datetime
) -> bool:
    """Whether a right code is not enough.

    The amount is over the cap; or the plan costs something, which is shown before it is agreed to; or somebody has been
    guessing this line's codes; or the risk rules ask for it.
    """
    return (
        needs_step_up(amount_minor, line.currency, asked_by_risk=outcome is Outcome.STEP_UP)
        or not costs_nothing(product, line.grade)
        or (line.confirm_until_ms or 0) > epoch_ms(wall)
    )


def status_of(outcome: Outcome, *, confirm: bool) -> Status:
    """What the till hears."""
    if outcome is Outcome.DECLINE:
        return Status.DECLINED
    if outcome is Outcome.HOLD:
        return Status.HELD
    return Status.AWAITING_CONFIRMATION if confirm else Status.APPROVED
