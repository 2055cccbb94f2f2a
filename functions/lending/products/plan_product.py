"""A plan product: what is offered to whom, at which price, under which law.

A version of a product never changes; a change is a new version with its own first day. A product whose annual rate
could break its jurisdiction's cap, for any amount of its range from any start day, is refused when it is set up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import product as product_of
from typing import Final

from functions.core.errors import InvalidError
from functions.core.money import BPS, round_ratio
from functions.lending.products.apr_cap import AprCap, AprCapBrokenError, find_breach
from functions.lending.rules import PlanRules
from functions.lending.terms import PlanTerms, Pricing, require_choice, require_int

CATEGORIES: Final = ("electronics", "appliances", "education", "travel", "health")
CHANNELS: Final = ("online", "in_store")
GRADES: Final = ("A", "B", "C", "D", "E")
_MAX_AMOUNT_MINOR: Final = 10**12
_MAX_VERSION: Final = 10**6
LATEST_BILL_DAY: Final = 28
"""Of a customer; every month has it, so a bill never moves."""


class InvalidProductError(InvalidError, ValueError):
    code, title = "invalid_product", "This plan product can't be set up"


class ProductAprTooHighError(InvalidProductError, AprCapBrokenError):
    code, title = "product_apr_too_high", "A plan of this product would be above the cap on the annual rate"


class PayoffPolicyForbiddenError(InvalidProductError):
    code, title = "payoff_policy_forbidden", "The jurisdiction does not allow all remaining fees on early payoff"


class PriceNotOfferedError(InvalidError, ValueError):
    code, title = "price_not_offered", "The product has no such price"


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """What the law of a place asks of every product.

    Args:
        name: For example "CN".
        cap: Cap on the annual rate, with the method by which it is computed and printed.
        all_remaining_payoff: Whether early payoff may cost all remaining fees.
        withdrawal_days: Days in which an agreement can be undone; 0 where the law gives none.
        charge_off_days: Days past due at which a plan is charged off.
        late_annual_cap_bps: What late charge and ordinary interest of any day may be a year.
    """

    name: str
    cap: AprCap
    all_remaining_payoff: bool = False
    withdrawal_days: int = 0
    charge_off_days: int = 180
    late_annual_cap_bps: int = 2400


@lru_cache(maxsize=1024)
def _priced(terms: PlanTerms, pricing: Pricing) -> PlanTerms:
    return replace(terms, pricing=pricing)


@lru_cache(maxsize=1024)
def _billed(terms: PlanTerms, bill_day: int) -> PlanTerms:
    return replace(terms, due=terms.due.billed_on(bill_day))


@dataclass(frozen=True, slots=True)
class PlanProduct:
    """One version of a plan product.

    Args:
        id: The same for all versions.
        version: 1, 2, …
        effective_from: First day it is offered.
        effective_to: First day it is no longer offered, or None.
        plan: Terms with the highest price of `prices`, which is the price shown to a customer not yet known.
        prices: Gross price by grade; a grade without one is not offered the product.
        categories: Scenarios that may use it.
        channels: "online", "in_store".
        min_amount_minor: Least order.
        max_amount_minor: Greatest order.
        rules: Late charge, grace, payoff, refund, order of payment, and the rest of how its plans live.
        jurisdiction: The law it is offered under.
        minimum_bps: Part of what falls due in a cycle that a statement asks for at least; 0 where it asks for all. The
            rest stays due, and what it costs to leave it is the late charge of the rules.
    """

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    plan: PlanTerms
    prices: Mapping[str, Pricing]
    categories: frozenset[str]
    channels: frozenset[str]
    min_amount_minor: int
    max_amount_minor: int
    rules: PlanRules
    jurisdiction: Jurisdiction
    minimum_bps: int = 0

    @property
    def currency(self) -> str:
        """ISO 4217 code."""
        return self.plan.currency

    @property
    def terms(self) -> PlanTerms:
        """Terms at the price shown to a customer not yet known: the highest."""
        return self.plan

    @property
    def is_due_by_bill(self) -> bool:
        """Whether installments fall due by the customer's bill."""
        return self.plan.due.kind == "bill"

    def terms_for(self, grade: str | None, bill_day: int = 0) -> PlanTerms:
        """Terms at a grade's price; without a grade, at the highest.

        Args:
            grade: The customer's, or None.
            bill_day: The customer's own, where the product is due by bill; 0 for the product's.

        Raises:
            PriceNotOfferedError: The grade is not offered the product.
        """
        plan = _billed(self.plan, bill_day) if bill_day and self.is_due_by_bill else self.plan
        if grade is None:
            return plan
        price = self.prices.get(grade)
        if price is None:
            raise PriceNotOfferedError("the product is not offered at this grade")
        return _priced(plan, price)

    def plan_rules(self) -> PlanRules:
        """How a plan of this product lives."""
        return self.rules

    def applied_grade(self, price_bps: int, grade: str | None, *, personal: bool) -> str:
        """The grade whose price a quote is carried out at.

        Args:
            price_bps: As quoted.
            grade: The customer's, or None without a line.
            personal: A personal price stands as quoted. Another is the highest, and the customer's own applies if less.

        Raises:
            PriceNotOfferedError: No grade has the quoted price.
        """
        own = self.prices.get(grade) if grade is not None else None
        if grade is not None and own and (own.bps == price_bps or (own.bps < price_bps and not personal)):
            return grade
        for each, price in self.prices.items():
            if price.bps == price_bps:
                return each
        raise PriceNotOfferedError(f"no grade of {self.id} version {self.version} is priced at {price_bps} bps")

    def is_effective(self, on: date) -> bool:
        """Whether it is offered on a day."""
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)

    def accepts(self, category: str, channel: str, grade: str | None, amount_minor: int) -> bool:
        """Whether an order of this kind and amount may use it."""
        return (
            category in self.categories
            and channel in self.channels
            and (grade is None or grade in self.prices)
            and self.min_amount_minor <= amount_minor <= self.max_amount_minor
        )


def validate_product(product: PlanProduct) -> PlanProduct:
    """The product itself, if every plan it could lead to is lawful, whatever the customer's bill day.

    Raises:
        InvalidProductError: A field is out of range, or the least amount is too small for the installments.
        ProductAprTooHighError: Carries `amount_minor`, `start_on`, `grade`, `apr_bps` and `cap_bps` of a breach.
        PayoffPolicyForbiddenError: All remaining fees on payoff, where the law forbids it.
    """
    _validate_fields(product)
    if product.rules.payoff == "all_remaining" and not product.jurisdiction.all_remaining_payoff:
        raise PayoffPolicyForbiddenError(f"{product.id}: {product.jurisdiction.name} forbids it")
    cap = product.jurisdiction.cap
    amounts = (product.min_amount_minor, product.max_amount_minor)
    bill_days = range(1, LATEST_BILL_DAY + 1) if product.is_due_by_bill else (0,)
    grades = {price.bps: grade for grade, price in product.prices.items()}.values()
    for grade, bill_day in product_of(grades, bill_days):
        try:
            breach = find_breach(product.terms_for(grade, bill_day), amounts, cap)
        except AprCapBrokenError as error:
            raise ProductAprTooHighError(f"{product.id}: {error.detail}", grade=grade, cap_bps=cap.annual_bps) from None
        if breach:
            raise ProductAprTooHighError(
                f"{product.id}: {breach.amount_minor} minor units from {breach.start_on} at grade {grade} cost"
                f" {breach.rate_bps / 100:.2f} % a year ({cap.method}); the cap is {cap.annual_bps / 100:.2f} %",
                amount_minor=breach.amount_minor,
                start_on=breach.start_on.isoformat(),
                grade=grade,
                apr_bps=breach.rate_bps,
                cap_bps=cap.annual_bps,
            )
    return product


def _validate_fields(product: PlanProduct) -> None:
    name = product.id
    if not name or not product.categories or not product.channels or not product.prices:
        raise InvalidProductError(f"product {name!r} needs an id, categories, channels and prices")
    require_int(product.version, f"{name}.version", 1, _MAX_VERSION)
    require_int(product.minimum_bps, f"{name}.minimum_bps", 0, BPS)
    for values, choices, kind in (
        (product.categories, CATEGORIES, "category"),
        (product.channels, CHANNELS, "channel"),
        (product.prices, GRADES, "grade"),
    ):
        for value in values:
            require_choice(value, f"{name}.{kind}", choices)
    if product.effective_to is not None and product.effective_to <= product.effective_from:
        raise InvalidProductError(f"{name} ends on {product.effective_to}, not after its first day")
    least = require_int(product.min_amount_minor, f"{name}.min_amount_minor", 1, _MAX_AMOUNT_MINOR)
    require_int(product.max_amount_minor, f"{name}.max_amount_minor", least, _MAX_AMOUNT_MINOR)
    financed = least - round_ratio(least * product.plan.down_payment_bps, BPS)
    if financed < product.plan.term_count:
        raise InvalidProductError(
            f"{name}: {financed} minor units financed of the least amount can't make {product.plan.term_count}"
            " installments"
        )
    kinds = {(price.kind, price.day_count) for price in product.prices.values()}
    if len(kinds) > 1 or max(price.bps for price in product.prices.values()) != product.plan.pricing.bps:
        raise InvalidProductError(f"{name}: all grades are priced alike, and the plan's terms carry the highest price")
