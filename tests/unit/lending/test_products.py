"""The product book: what is offered, and what is refused when it is set up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from functions.core.errors import InvalidError, NotFoundError
from functions.core.money import UnsupportedCurrencyError, require_currency
from functions.lending.products.book import (
    CATEGORIES,
    CHANNELS,
    DEFAULT_BOOK,
    GRADES,
    InvalidProductError,
    PayoffPolicyForbiddenError,
    PriceNotOfferedError,
    ProductAprTooHighError,
    ProductBook,
    ProductNotFoundError,
    load_product_book,
    validate_product,
)
from functions.lending.terms import InvalidTermsError, Pricing, TermCountOutOfRangeError

TODAY = date(2026, 11, 22)
BOOK = load_product_book()


def offered(*, currency="CNY", category="electronics", channel="online", grade="C", amount=130_000, on=TODAY):
    return [product.id for product in BOOK.offers_for(currency, category, channel, grade, amount, on)]


def edited(tmp_path: Path, edit) -> Path:
    """The shipped book with something changed."""
    book = json.loads(DEFAULT_BOOK.read_text("utf-8"))
    edit(book)
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book), "utf-8")
    return path


def product_with(**changes):
    return replace(BOOK.get("cny_12", 1), **changes)


def priced(bps, count=12, **changes):
    product = BOOK.get("cny_12", 1)
    pricing = Pricing("flat_monthly", bps)
    return replace(
        product, plan=replace(product.plan, pricing=pricing, term_count=count), prices={"A": pricing}, **changes
    )


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("grade", GRADES)
def test_every_scenario_channel_and_grade_has_pay_later_and_four_plans(category, channel, grade):
    assert offered(category=category, channel=channel, grade=grade) == [
        "cny_pay_later", "cny_3", "cny_6", "cny_12", "cny_24",
    ]  # fmt: skip


def test_the_prices_are_the_market_table():
    for product_id in ("cny_3", "cny_6", "cny_12", "cny_24"):
        prices = BOOK.get(product_id, 1).prices
        assert {grade: (price.kind, price.bps) for grade, price in prices.items()} == {
            "A": ("flat_monthly", 50),
            "B": ("flat_monthly", 65),
            "C": ("flat_monthly", 80),
            "D": ("flat_monthly", 95),
            "E": ("flat_monthly", 110),
        }


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_other_currencies_have_products_under_their_own_law(currency):
    products = [BOOK.get(product_id, 1) for product_id in offered(currency=currency)]
    assert len(products) >= 4
    assert {product.jurisdiction.name for product in products} == {currency[:2]}


def test_the_shipped_book_names_currencies_in_use():
    for product in BOOK.products:
        assert require_currency(product.currency) == product.currency


def test_pay_later_costs_nothing_at_any_grade():
    product = BOOK.get("cny_pay_later", 1)
    assert (product.terms.term_count, product.terms.period) == (1, "30d")
    assert {product.terms_for(grade).pricing for grade in GRADES} == {Pricing()}


def test_without_a_grade_the_highest_price_is_shown():
    product = BOOK.get("cny_12", 1)
    assert product.terms_for(None) == product.terms == product.terms_for("E")
    assert offered(grade=None) == offered(grade="E")


def test_small_amounts_are_offered_only_what_is_meant_for_them():
    assert offered(amount=2999) == ["cny_pay_later"]
    assert offered(amount=3000) == ["cny_pay_later", "cny_3"]
    assert offered(amount=20_000_001) == []


def test_a_product_is_offered_from_its_first_day_to_the_day_before_its_last():
    first = product_with(id="x", version=1, effective_to=date(2026, 6, 1))
    second = product_with(id="x", version=2, effective_from=date(2026, 6, 1))
    book = ProductBook((first, second))

    def versions(on):
        return [product.version for product in book.offers_for("CNY", "travel", "online", "A", 50_000, on)]

    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 5, 31), date(2026, 6, 1)]
    assert [versions(on) for on in days] == [[], [1], [1], [2]]
    assert book.get("x", 1) is first
    assert ProductBook((second, first)).get("x", 2) is second


@pytest.mark.parametrize("versions", [(1, 1), (1, 2)])
def test_two_versions_never_apply_on_one_day(versions):
    with pytest.raises(InvalidProductError):
        ProductBook(tuple(product_with(version=version) for version in versions))


@pytest.mark.parametrize("currency", ["JPY", "XXX", "cny", ""])
def test_a_currency_without_products_is_unsupported(currency):
    with pytest.raises(UnsupportedCurrencyError) as refused:
        offered(currency=currency)
    assert (refused.value.status, refused.value.code) == (422, "unsupported_currency")


@pytest.mark.parametrize("change", [{"category": "toys"}, {"channel": "phone"}, {"grade": "F"}])
def test_an_unknown_scenario_channel_or_grade_is_refused(change):
    with pytest.raises(InvalidTermsError):
        offered(**change)


@pytest.mark.parametrize(("product_id", "version"), [("cny_12", 2), ("cny_13", 1), ("", 0)])
def test_an_unknown_version_is_not_found(product_id, version):
    with pytest.raises(ProductNotFoundError) as refused:
        BOOK.get(product_id, version)
    assert isinstance(refused.value, NotFoundError)


@pytest.mark.parametrize(
    ("price_bps", "grade", "personal", "applied"),
    [
        (110, None, False, "E"),  # a public quote, no line: as quoted
        (110, "B", False, "B"),  # a public quote: the customer's own price, which is less
        (80, "C", True, "C"),
        (80, "A", True, "C"),  # a personal quote stands, though the grade has changed since
        (80, "E", True, "C"),
        (80, "E", False, "C"),  # never more than was quoted
    ],
)
def test_a_quote_is_carried_out_at_its_price_or_less(price_bps, grade, personal, applied):
    assert BOOK.get("cny_12", 1).applied_grade(price_bps, grade, personal=personal) == applied


def test_a_price_that_is_no_grades_is_refused():
    product = BOOK.get("cny_12", 1)
    with pytest.raises(PriceNotOfferedError):
        product.applied_grade(77, None, personal=False)
    with pytest.raises(PriceNotOfferedError):
        replace(product, prices={"A": product.prices["A"]}).terms_for("B")


@pytest.mark.parametrize(("count", "apr_bps"), [(6, 2428), (12, 2560)])
def test_a_price_above_the_cap_is_refused_with_its_rate(count, apr_bps):
    with pytest.raises(ProductAprTooHighError) as refused:
        validate_product(priced(120, count))
    assert refused.value.extra["apr_bps"] == apr_bps
    assert refused.value.extra["cap_bps"] == 2400
    assert f"{apr_bps / 100:.2f} %" in refused.value.detail
    assert isinstance(refused.value, InvalidError)


@pytest.mark.parametrize(("bps", "count"), [(134, 3), (118, 6), (112, 12), (112, 24)])
def test_a_price_just_under_the_cap_is_accepted(bps, count):
    product = priced(bps, count, min_amount_minor=100_000)
    assert validate_product(product) is product
    with pytest.raises(ProductAprTooHighError):
        validate_product(priced(bps + 1, count, min_amount_minor=100_000))


def test_a_price_that_only_rounding_lifts_above_the_cap_is_refused_with_the_small_amount():
    with pytest.raises(ProductAprTooHighError) as refused:
        validate_product(priced(112, min_amount_minor=12))
    assert refused.value.extra["amount_minor"] < 1000
    assert refused.value.extra["apr_bps"] > 2400


def test_a_short_first_bill_period_counts_against_the_cap():
    bill = replace(BOOK.get("cny_12", 1).plan.due, kind="bill", bill_day=1, due_day=10)
    product = priced(120, 3)
    assert validate_product(product)
    with pytest.raises(ProductAprTooHighError) as refused:
        validate_product(replace(product, plan=replace(product.plan, due=bill)))
    assert 20 <= (refused.value.extra["apr_bps"] - 2144) / 10 < 100


def test_all_remaining_fees_on_payoff_are_refused_where_the_law_forbids_them():
    product = BOOK.get("cny_12", 1)
    harsh = replace(product, rules=replace(product.rules, payoff="all_remaining"))
    with pytest.raises(PayoffPolicyForbiddenError):
        validate_product(harsh)
    lenient = replace(product.jurisdiction, all_remaining_payoff=True)
    assert validate_product(replace(harsh, jurisdiction=lenient))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"categories": frozenset()},
        {"channels": frozenset()},
        {"prices": {}},
        {"effective_to": date(2026, 1, 1)},
        {"min_amount_minor": 11},
        {"prices": {"A": Pricing("flat_monthly", 50)}},
        {"prices": {"A": Pricing("flat_monthly", 110), "B": Pricing("annual_rate", 110)}},
    ],
)
def test_a_product_must_be_whole(changes):
    with pytest.raises(InvalidProductError):
        validate_product(product_with(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"categories": frozenset({"toys"})},
        {"channels": frozenset({"phone"})},
        {"prices": {"Z": Pricing("flat_monthly", 110)}},
        {"min_amount_minor": 0},
        {"max_amount_minor": 11_999},
        {"max_amount_minor": 10**13},
    ],
)
def test_a_products_fields_have_limits(changes):
    with pytest.raises(InvalidTermsError):
        validate_product(product_with(**changes))


def test_a_rule_of_the_law_reaches_the_plans():
    assert BOOK.get("eur_6", 1).plan_rules().withdrawal_days == 14
    assert BOOK.get("cny_6", 1).plan_rules().withdrawal_days == 0


def test_the_shipped_book_is_read_once_and_another_each_time(tmp_path):
    path = edited(tmp_path, lambda book: book["families"].pop())
    assert load_product_book() is load_product_book()
    assert len(load_product_book(path).products) == len(load_product_book(str(path)).products) == 11


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda book: book.pop("rules"), InvalidProductError),
        (lambda book: book.update(note=""), InvalidProductError),
        (lambda book: book["families"][0].pop("jurisdiction"), InvalidProductError),
        (lambda book: book["families"][0].update(jurisdiction="XX"), InvalidProductError),
        (lambda book: book["families"][0].update(prices="gold"), InvalidProductError),
        (lambda book: book["families"][0].update(colour="red"), InvalidProductError),
        (lambda book: book["families"][0].pop("products"), InvalidProductError),
        (lambda book: book["families"][0]["products"][1].update(effective_from="soon"), InvalidProductError),
        (lambda book: book["families"][0]["products"][1].update(term_count=61), TermCountOutOfRangeError),
        (lambda book: book["families"][0]["products"][1].pop("term_count"), InvalidProductError),
        (lambda book: book["families"][0].update(currency="DEM"), UnsupportedCurrencyError),
        (lambda book: book["prices"]["cny"]["bps"].update(E=120), ProductAprTooHighError),
        (lambda book: book["prices"]["cny"].pop("bps"), InvalidProductError),
        (lambda book: book["jurisdictions"]["CN"].pop("cap_method"), InvalidProductError),
        (lambda book: book["jurisdictions"]["CN"].update(cap_method="apr"), InvalidTermsError),
        (lambda book: book["jurisdictions"]["EU"].update(annual_cap_bps=1500), ProductAprTooHighError),
        (lambda book: book["rules"]["default"].update(late_daily_bps=-1), InvalidTermsError),
        (lambda book: book["rules"]["default"].update(late_weekly_bps=1), InvalidProductError),
        (lambda book: book["rules"]["default"].update(payoff="all_remaining"), PayoffPolicyForbiddenError),
        (lambda book: book["families"][0]["products"].append(book["families"][0]["products"][0]), InvalidProductError),
    ],
)
def test_a_book_with_a_mistake_does_not_load(tmp_path, edit, error):
    with pytest.raises(error):
        load_product_book(edited(tmp_path, edit))


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_book_is_a_json_object(tmp_path, text):
    path = tmp_path / "book.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidProductError):
        load_product_book(path)
