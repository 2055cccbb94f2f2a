"""An offer: a product priced for one amount from one day; and the terms that a capture gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from functions.core.errors import InvalidError
from functions.core.money import BPS, round_ratio
from functions.lending.products.apr_cap import AprCapBrokenError, find_breach
from functions.lending.products.plan_product import PlanProduct
from functions.lending.schedule import Schedule, build_schedule
from functions.lending.terms import PlanTerms


class AmountOutOfRangeError(InvalidError, ValueError):
    code, title = "amount_out_of_range", "The product is not offered for this amount"


@dataclass(frozen=True, slots=True)
class Offer:
    """One plan that a customer may choose, with its whole price.

    Args:
        product_id: The product.
        product_version: Its version.
        price_bps: Gross price, per month or year as the product is priced.
        schedule: Every installment.
        fee_minor: All that the customer pays for credit.
        total_cost_minor: All that the customer pays.
        apr_bps: Nominal annual rate.
        effective_apr_bps: Annual rate with compounding.
        subsidy_minor: What the merchant pays of the gross fee.
    """

    product_id: str
    product_version: int
    price_bps: int
    schedule: Schedule
    fee_minor: int
    total_cost_minor: int
    apr_bps: int
    effective_apr_bps: int
    subsidy_minor: int

    @property
    def version(self) -> int:
        """Version of the product."""
        return self.product_version


def price_offer(product: PlanProduct, grade: str | None, amount_minor: int, start_on: date, bill_day: int = 0) -> Offer:
    """Price an order.

    Args:
        product: Of the order's currency.
        grade: The customer's, or None for the highest price.
        amount_minor: Order amount, within the product's range.
        start_on: The day the plan would start, where the customer is.
        bill_day: The customer's, where the product is due by bill; 0 for the product's own.

    Raises:
        AmountOutOfRangeError: Carries `min_amount_minor` and `max_amount_minor`.
        PriceNotOfferedError: The grade is not offered the product.
    """
    least, greatest = product.min_amount_minor, product.max_amount_minor
    if type(amount_minor) is not int or not least <= amount_minor <= greatest:
        raise AmountOutOfRangeError(
            f"the amount lies outside {least} to {greatest} minor units",
            min_amount_minor=least,
            max_amount_minor=greatest,
        )
    terms = product.terms_for(grade, bill_day)
    schedule = build_schedule(terms, amount_minor, start_on)
    return Offer(
        product_id=product.id,
        product_version=product.version,
        price_bps=terms.pricing.bps,
        schedule=schedule,
        fee_minor=schedule.fee_minor,
        total_cost_minor=schedule.total_cost_minor,
        apr_bps=schedule.apr_bps,
        effective_apr_bps=schedule.effective_apr_bps,
        subsidy_minor=schedule.subsidy_minor,
    )


def capture_terms(
    product: PlanProduct, grade: str | None, amount_minor: int, start_on: date | None = None, bill_day: int = 0
) -> PlanTerms:
    """The terms of a captured amount, which may be a small part of the order and may not be refused for it.

    Args:
        product: As quoted.
        grade: Whose price was quoted.
        amount_minor: Captured, at least 1.
        start_on: Capture day, if known; otherwise the rate is held against the cap from every day.
        bill_day: As quoted, where the product is due by bill.

    Returns:
        The quoted terms, or one payment after 30 days without fee where the amount is below the product's least, too
        small for the installments, or where rounding would break the cap.

    Raises:
        AmountOutOfRangeError: Not an int of at least 1.
        PriceNotOfferedError: The grade is not offered the product.
    """
    if type(amount_minor) is not int or amount_minor < 1:
        raise AmountOutOfRangeError(f"a captured amount is an int of at least 1 minor unit, not {amount_minor!r}")
    terms = product.terms_for(grade, bill_day)
    if amount_minor >= product.min_amount_minor and _keeps_the_cap(product, terms, amount_minor, start_on):
        return terms
    # What was paid down on the order stays paid down, unless nothing would be left to finance.
    down_bps = terms.down_payment_bps
    if amount_minor - round_ratio(amount_minor * down_bps, BPS) < 1:
        down_bps = 0
    return PlanTerms(terms.currency, 1, "30d", down_payment_bps=down_bps)


def _keeps_the_cap(product: PlanProduct, terms: PlanTerms, amount_minor: int, start_on: date | None) -> bool:
    financed = amount_minor - round_ratio(amount_minor * terms.down_payment_bps, BPS)
    cap = product.jurisdiction.cap
    if financed < terms.term_count:
        return False
    if start_on is not None:
        return cap.rate_bps(terms, amount_minor, start_on) <= cap.annual_bps
    try:
        return find_breach(terms, (amount_minor, amount_minor), cap) is None
    except AprCapBrokenError:
        return False
