"""The product book: every version of every plan product, read from data and checked before anything is offered.

In the file a family's keys stand for each of its products unless the product says otherwise. Nothing is guessed: an
unknown key, a product without a jurisdiction or a price above the cap stops the book from loading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from functions.core.errors import NotFoundError
from functions.core.money import UnsupportedCurrencyError, require_currency
from functions.lending.products.apr_cap import AprCap
from functions.lending.products.plan_product import (
    CATEGORIES,
    CHANNELS,
    GRADES,
    InvalidProductError,
    Jurisdiction,
    PayoffPolicyForbiddenError,
    PlanProduct,
    PriceNotOfferedError,
    ProductAprTooHighError,
    validate_product,
)
from functions.lending.rules import PlanRules
from functions.lending.terms import PlanTerms, Pricing, require_choice

__all__ = [
    "CATEGORIES",
    "CHANNELS",
    "GRADES",
    "InvalidProductError",
    "Jurisdiction",
    "PayoffPolicyForbiddenError",
    "PlanProduct",
    "PriceNotOfferedError",
    "ProductAprTooHighError",
    "ProductBook",
    "ProductNotFoundError",
    "load_product_book",
    "product_from_dict",
    "product_to_dict",
    "validate_product",
]

DEFAULT_BOOK: Final = Path(__file__).with_name("product_book.json")
_BOOK_KEYS: Final = {"jurisdictions", "prices", "rules", "families"}
_TERM_KEYS: Final = ("currency", "term_count", "period", "subsidy_bps", "down_payment_bps", "residual", "due")
_PRODUCT_KEYS: Final = {
    *("id", "version", "effective_from", "effective_to", "prices", "categories", "channels", "rules", "jurisdiction"),
    *("min_amount_minor", "max_amount_minor", "minimum_bps", *_TERM_KEYS),
}
_OPTIONAL_KEYS: Final = {"effective_to", "period", "subsidy_bps", "down_payment_bps", "residual", "due", "minimum_bps"}
_JURISDICTION_KEYS: Final = {
    *("cap_method", "annual_cap_bps", "all_remaining_payoff", "withdrawal_days", "charge_off_days"),
    "late_annual_cap_bps",
}
_LAWFUL: Final = {"withdrawal_days", "charge_off_days", "annual_cap_bps"}
_RULES: Final = {field.name for field in fields(PlanRules)}


class ProductNotFoundError(NotFoundError):
    code, title = "product_not_found", "No such version of a plan product"


@dataclass(frozen=True, slots=True)
class ProductBook:
    """All products, every version.

    Args:
        products: By currency, term and version.
    """

    products: tuple[PlanProduct, ...]

    def __post_init__(self) -> None:
        seen: dict[tuple[str, int], PlanProduct] = {}
        for product in self.products:
            if (product.id, product.version) in seen:
                raise InvalidProductError(f"{product.id} version {product.version} is in the book twice")
            for other in seen.values():
                if other.id == product.id and _overlap(other, product):
                    raise InvalidProductError(
                        f"versions {other.version} and {product.version} of {product.id} are effective on the same day"
                    )
            seen[product.id, product.version] = product

    def offers_for(  # noqa: PLR0917  what an order is, in the order a quote asks for it
        self, currency: str, category: str, channel: str, grade: str | None, amount_minor: int, on: date
    ) -> tuple[PlanProduct, ...]:
        """The products an order may use, fewest installments first.

        Args:
            currency: ISO 4217 code.
            category: Scenario.
            channel: "online" or "in_store".
            grade: A to E, or None for a customer not yet known.
            amount_minor: Order amount.
            on: The day of the quote, where the customer is.

        Raises:
            UnsupportedCurrencyError: No product of any day has this currency.
            InvalidTermsError: No such category, channel or grade.
        """
        require_choice(category, "category", CATEGORIES)
        require_choice(channel, "channel", CHANNELS)
        if grade is not None:
            require_choice(grade, "grade", GRADES)
        same_currency = [product for product in self.products if product.currency == currency]
        if not same_currency:
            raise UnsupportedCurrencyError("no plan is offered in this currency")
        return tuple(
            product
            for product in same_currency
            if product.is_effective(on) and product.accepts(category, channel, grade, amount_minor)
        )

    def get(self, product_id: str, version: int) -> PlanProduct:
        """One version of a product, effective or not.

        Raises:
            ProductNotFoundError: There is none.
        """
        for product in self.products:
            if product.id == product_id and product.version == version:
                return product
        raise ProductNotFoundError


def _overlap(one: PlanProduct, two: PlanProduct) -> bool:
    ends = one.effective_to or date.max, two.effective_to or date.max
    return one.effective_from < ends[1] and two.effective_from < ends[0]


def product_from_dict(value: Mapping[str, Any]) -> PlanProduct:
    """One product that stands for itself: a family's keys and its own, with jurisdiction, prices and rules spelt out.

    Args:
        value: As `product_to_dict` writes it. Instead of a jurisdiction its name may stand; rules may be any part of
            them, without those that the law of the jurisdiction fixes.

    Raises:
        InvalidProductError: A key is unknown or missing, or the shipped book has no such jurisdiction.
        InvalidTermsError: Terms, prices or rules are out of range.
    """
    _require_keys(value, _PRODUCT_KEYS, _PRODUCT_KEYS - _OPTIONAL_KEYS, "a product")
    name = f"product {value['id']}"
    _require_keys(value["rules"], _RULES, set(), f"{name}: rules")
    law = value["jurisdiction"]
    if isinstance(law, str):
        if fixed := sorted(_LAWFUL & value["rules"].keys()):
            raise InvalidProductError(f"{name}: the jurisdiction fixes {', '.join(fixed)}")
        jurisdictions = _shipped()["jurisdictions"]
        if law not in jurisdictions:
            raise InvalidProductError(f"{name}: the jurisdiction is one of {', '.join(sorted(jurisdictions))}")
        law = {"name": law, **jurisdictions[law]}
    parts = {"jurisdiction": law["name"], "prices": "own", "rules": "own"}
    return _product(
        {**value, **parts},
        {law["name"]: _jurisdiction(law["name"], {key: each for key, each in law.items() if key != "name"})},
        {"own": _prices("own", value["prices"])},
        {"own": value["rules"]},
    )


def product_to_dict(product: PlanProduct) -> dict[str, Any]:
    """Inverse of `product_from_dict`, with every key: JSON values that no later release of the book changes."""
    plan, law = product.plan, product.jurisdiction
    return {
        "id": product.id,
        "version": product.version,
        "effective_from": product.effective_from.isoformat(),
        "effective_to": product.effective_to.isoformat() if product.effective_to else None,
        **{key: each for key, each in plan.to_dict().items() if key in _TERM_KEYS},
        "prices": {
            "pricing": {key: each for key, each in plan.pricing.to_dict().items() if key != "bps"},
            "bps": {grade: price.bps for grade, price in sorted(product.prices.items())},
        },
        "categories": sorted(product.categories),
        "channels": sorted(product.channels),
        "min_amount_minor": product.min_amount_minor,
        "max_amount_minor": product.max_amount_minor,
        "minimum_bps": product.minimum_bps,
        "rules": asdict(product.rules),
        "jurisdiction": {
            "name": law.name,
            "cap_method": law.cap.method,
            "annual_cap_bps": law.cap.annual_bps,
            **{key: getattr(law, key) for key in sorted(_JURISDICTION_KEYS - {"cap_method", "annual_cap_bps"})},
        },
    }


def load_product_book(path: str | Path | None = None) -> ProductBook:
    """The product book; the one shipped beside this module is read once.

    Args:
        path: A JSON file in the form of product_book.json, or None for that one.

    Raises:
        InvalidProductError: The file is not of that form, or a product can't be set up (`ProductAprTooHighError` names
            the plan and its rate).
        InvalidTermsError: Terms or rules are out of range.
        UnsupportedCurrencyError: A currency is not in use.
    """
    if path is None:
        return _default_book()
    book = _read(Path(path))
    for product in book.products:
        require_currency(product.currency)
    return book


@lru_cache(maxsize=1)
def _default_book() -> ProductBook:
    # Its currencies are checked by tests/unit/lending/test_products.py: CLDR's tables cost a cold start 30 ms.
    return _read(DEFAULT_BOOK)


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Any]:
    return _parsed(DEFAULT_BOOK)


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        book: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise InvalidProductError("a product book is a JSON file in UTF-8") from None
    return book


def _read(path: Path) -> ProductBook:
    book = _parsed(path)
    _require_keys(book, _BOOK_KEYS, _BOOK_KEYS, "the book")
    jurisdictions = {name: _jurisdiction(name, value) for name, value in book["jurisdictions"].items()}
    prices = {name: _prices(name, value) for name, value in book["prices"].items()}
    products = []
    for family in book["families"]:
        _require_keys(family, {*_PRODUCT_KEYS, "products"}, {"products"}, "a family")
        shared = {key: value for key, value in family.items() if key != "products"}
        products += [_product(shared | own, jurisdictions, prices, book["rules"]) for own in family["products"]]
    products.sort(key=lambda product: (product.currency, product.plan.term_count, product.id, product.version))
    return ProductBook(tuple([validate_product(product) for product in products]))


def _require_keys(value: object, known: set[str], needed: set[str], name: str) -> None:
    if not isinstance(value, Mapping):
        raise InvalidProductError(f"{name} is an object, not {type(value).__name__}")
    unknown, missing = sorted(value.keys() - known), sorted(needed - value.keys())
    if unknown or missing:
        raise InvalidProductError(f"{name}: unknown keys {unknown}, missing keys {missing}")


def _jurisdiction(name: str, value: Mapping[str, Any]) -> Jurisdiction:
    _require_keys(value, _JURISDICTION_KEYS, _JURISDICTION_KEYS, f"jurisdiction {name}")
    rest = {key: each for key, each in value.items() if key not in ("cap_method", "annual_cap_bps")}
    return Jurisdiction(name, AprCap(value["cap_method"], value["annual_cap_bps"]), **rest)


def _prices(name: str, value: Mapping[str, Any]) -> Mapping[str, Pricing]:
    _require_keys(value, {"pricing", "bps"}, {"pricing", "bps"}, f"prices {name}")
    kind = value["pricing"]
    if kind.get("kind") == "none":
        return MappingProxyType({grade: Pricing() for grade in value["bps"]})
    return MappingProxyType({grade: Pricing.from_dict({**kind, "bps": bps}) for grade, bps in value["bps"].items()})


def _product(
    value: Mapping[str, Any],
    jurisdictions: Mapping[str, Jurisdiction],
    prices: Mapping[str, Mapping[str, Pricing]],
    rules: Mapping[str, Mapping[str, Any]],
) -> PlanProduct:
    name = f"product {value.get('id')}"
    _require_keys(value, _PRODUCT_KEYS, _PRODUCT_KEYS - _OPTIONAL_KEYS, name)
    for key, known in (("jurisdiction", jurisdictions), ("prices", prices), ("rules", rules)):
        if value[key] not in known:
            raise InvalidProductError(f"{name}: the book has no {key} {value[key]!r}")
    jurisdiction, table = jurisdictions[value["jurisdiction"]], prices[value["prices"]]
    highest = max(table.values(), key=lambda price: price.bps)
    terms = {key: value[key] for key in _TERM_KEYS if key in value}
    return PlanProduct(
        id=value["id"],
        version=value["version"],
        effective_from=_day(value["effective_from"], name),
        effective_to=_day(value["effective_to"], name) if value.get("effective_to") else None,
        plan=PlanTerms.from_dict({**terms, "pricing": highest.to_dict()}),
        prices=table,
        categories=frozenset(value["categories"]),
        channels=frozenset(value["channels"]),
        min_amount_minor=value["min_amount_minor"],
        max_amount_minor=value["max_amount_minor"],
        rules=_rules(rules[value["rules"]], jurisdiction, name),
        jurisdiction=jurisdiction,
        minimum_bps=value.get("minimum_bps", 0),
    )


def _rules(value: Mapping[str, Any], jurisdiction: Jurisdiction, name: str) -> PlanRules:
    lawful = {
        "withdrawal_days": jurisdiction.withdrawal_days,
        "charge_off_days": jurisdiction.charge_off_days,
        "annual_cap_bps": jurisdiction.late_annual_cap_bps,
    }
    try:
        return PlanRules(**{**lawful, **value})
    except TypeError as error:
        raise InvalidProductError(f"{name}: {error}") from None


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        raise InvalidProductError(f"{name}: a day is written YYYY-MM-DD") from None
