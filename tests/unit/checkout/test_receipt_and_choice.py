"""What a till prints, by which plan it sells, and when the phone must say yes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from functions.checkout.instore.choice import (
    ProductNotOfferedError,
    choose_product,
    needs_confirmation,
    status_of,
)
from functions.checkout.instore.receipt import WIDTH, Slip, columns, receipt_lines
from functions.core.clock import epoch_ms
from functions.credit.lines.store import LineItem
from functions.lending.products.book import load_product_book
from functions.lending.products.plan_product import PlanProduct
from functions.merchants.merchant import Merchant
from functions.payments.authorization import Status
from functions.payments.till import CodeEvidence
from functions.risk.ruling.outcomes import Outcome

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def offers(amount_minor: int = 60_000) -> tuple[PlanProduct, ...]:
    return load_product_book().offers_for("CNY", "electronics", "in_store", None, amount_minor, date(2026, 11, 22))


def a_line(terms: str = "1,3,6", grade: str = "B", **more: object) -> LineItem:
    return LineItem(pk="line#1", currency="CNY", grade=grade, terms=terms, **more)


def product(name: str) -> PlanProduct:
    return next(each for each in offers() if each.id == name)


def test_the_plan_that_costs_nothing_is_taken_unless_the_shop_names_another() -> None:
    assert choose_product(offers(), a_line(), None).id == "cny_pay_later"
    assert choose_product(offers(), a_line(), "cny_6").id == "cny_6"
    assert choose_product(offers(), a_line("3,6"), None).id == "cny_3"
    with pytest.raises(ProductNotOfferedError):
        choose_product(offers(2_000), a_line(), "cny_3")
    with pytest.raises(ProductNotOfferedError):
        choose_product((), a_line(), None)


@pytest.mark.parametrize(
    ("amount_minor", "plan", "line", "outcome", "asked"),
    [
        (100_000, "cny_pay_later", {}, Outcome.APPROVE, False),
        (100_001, "cny_pay_later", {}, Outcome.APPROVE, True),
        (10_000, "cny_3", {}, Outcome.APPROVE, True),
        (10_000, "cny_pay_later", {"confirm_until_ms": epoch_ms(NOW) + 1}, Outcome.APPROVE, True),
        (10_000, "cny_pay_later", {"confirm_until_ms": epoch_ms(NOW)}, Outcome.APPROVE, False),
        (10_000, "cny_pay_later", {}, Outcome.STEP_UP, True),
    ],
)
def test_a_right_code_is_not_always_enough(
    amount_minor: int, plan: str, line: dict[str, int], outcome: Outcome, asked: bool
) -> None:
    assert needs_confirmation(amount_minor, product(plan), a_line(**line), outcome, NOW) is asked


@pytest.mark.parametrize(
    ("outcome", "confirm", "status"),
    [
        (Outcome.APPROVE, False, Status.APPROVED),
        (Outcome.APPROVE, True, Status.AWAITING_CONFIRMATION),
        (Outcome.STEP_UP, True, Status.AWAITING_CONFIRMATION),
        (Outcome.HOLD, True, Status.HELD),
        (Outcome.DECLINE, True, Status.DECLINED),
    ],
)
def test_every_outcome_has_its_word_at_the_till(outcome: Outcome, confirm: bool, status: Status) -> None:
    assert status_of(outcome, confirm=confirm) is status


def test_the_code_stands_with_the_sale_in_six_bytes() -> None:
    evidence = CodeEvidence(enrolment=93, counter=59_844_480, confirm=True)
    assert len(evidence.pack()) == 6
    assert CodeEvidence.unpack(evidence.pack()) == evidence


@pytest.mark.parametrize("language", ["en", "zh", "fr"])
def test_every_line_fits_the_printer_whatever_the_shop_is_called(language: str) -> None:
    slip = Slip(
        shop="角落电器" * 20, terminal="t" * 32, reference="r" * 64, status="captured", amount_minor=129_900,
        currency="CNY", count=12, at=NOW, zone="Asia/Shanghai", authorization_id="auth_" + "Z" * 26, language=language,
    )  # fmt: skip
    lines = receipt_lines(slip)
    assert max(columns(line) for line in lines) <= WIDTH
    assert "2026-11-22 16:00:00" in lines
    assert any("1,299.00" in line for line in lines)


@pytest.mark.parametrize(
    ("zone", "cutoff", "at", "ends"),
    [
        ("Asia/Shanghai", "23:59", datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2026, 11, 22, 15, 59, tzinfo=UTC)),
        ("Asia/Shanghai", "16:00", datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("America/New_York", "18:00", datetime(2026, 11, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC)),
    ],
)
def test_a_settlement_day_ends_at_the_merchants_own_cut_off(
    zone: str, cutoff: str, at: datetime, ends: datetime
) -> None:
    merchant = Merchant(
        id="mer_1", name="x", country="CN", zone=zone, max_amount_minor={"CNY": 1}, categories=("electronics",),
        status="live", keys_version=1, cutoff=cutoff, payout_mode="upfront", created_at=NOW, version=1,
    )  # fmt: skip
    assert merchant.cutoff_after(at) == ends
