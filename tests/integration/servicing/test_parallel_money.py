"""Many hands at once on one plan: every command counts once, and no more is given back or paid than there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from functions.core.errors import WhitenoteError
from functions.payments.refund_service import refund_capture
from functions.payments.schemas import RefundRequest
from functions.platform.web.context import Principal
from functions.servicing.repayment_service import repay
from functions.servicing.schemas import RepaymentRequest
from tests.builders.api import Reply
from tests.builders.customers import a_call
from tests.builders.lives import Life
from tests.builders.platform import Platform
from tests.builders.rail import listen
from tests.builders.shop import Shop, a_shop

HANDS = 8


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def at_once(do: Callable[[int], Any]) -> list[Any]:
    """What each hand got: an answer, or the code of an error."""

    def one(number: int) -> Any:
        try:
            return do(number)
        except WhitenoteError as error:
            return error.code

    with ThreadPoolExecutor(HANDS) as pool:
        return list(pool.map(one, range(HANDS)))


def books(shop: Shop) -> None:
    from random import Random

    Life(shop, Random(0)).require_books()


def refunder(shop: Shop, capture: str, amount_minor: int, key: str | None) -> Callable[[int], Any]:
    merchant = Principal("merchant", shop.merchant_id, frozenset({"payments:write"}), "", 1)
    body = RefundRequest(amount_minor=amount_minor)
    path, raw = f"/v1/captures/{capture}/refunds", body.model_dump_json().encode()
    return lambda n: refund_capture(capture, body, a_call(path, raw, key=key or f"k{n}", principal=merchant))


def test_one_refund_command_at_many_hands_is_one_refund(shop: Shop) -> None:
    bought = shop.buy(120_000)
    answers = at_once(refunder(shop, bought["id"], 50_000, "same"))
    done = [answer for answer in answers if isinstance(answer, tuple)]
    assert len({body["id"] for body, _ in done}) == 1
    assert [replayed for _, replayed in done].count(False) == 1
    assert all(answer == "unavailable" for answer in answers if not isinstance(answer, tuple))
    assert shop.line()["outstanding_minor"] == 70_000
    assert shop.settle().count("refund.created") == 1
    books(shop)


def test_many_refunds_never_come_to_more_than_was_captured(shop: Shop) -> None:
    bought = shop.buy(120_000)
    answers = at_once(refunder(shop, bought["id"], 50_000, None))
    codes = Counter(answer if isinstance(answer, str) else "refunded" for answer in answers)
    assert codes["refunded"] <= 2
    assert set(codes) <= {"refunded", "refund_exceeds_remaining", "unavailable"}
    assert shop.line()["outstanding_minor"] == 120_000 - 50_000 * codes["refunded"]
    books(shop)


def test_of_two_tries_that_wait_for_the_rail_the_later_to_write_is_the_replay(shop: Shop) -> None:
    shop.buy(120_000)
    inner: list[Reply] = []

    def meanwhile() -> None:
        if len(asked) == 1:
            inner.append(shop.repay(7_000, key="same"))

    asked = listen(shop.platform, meanwhile)
    outer = shop.repay(7_000, key="same")
    assert (inner[0].replayed, outer.replayed, outer.body) == (False, True, inner[0].body)
    assert len({each.reference for each in asked}) == 1


@pytest.mark.parametrize("key", ["same", None])
def test_repayments_at_many_hands_count_once_per_command(shop: Shop, key: str | None) -> None:
    shop.buy(120_000)
    shop.platform.clock.advance_business(timedelta(days=31))
    customer = Principal("customer", shop.customer_id, frozenset({"customer"}))
    body = RepaymentRequest(amount_minor=7_000, currency="CNY")
    raw = body.model_dump_json().encode()
    answers = at_once(lambda n: repay(body, a_call("/v1/me/repayments", raw, key=key or f"k{n}", principal=customer)))
    done = {answer[0]["id"] for answer in answers if isinstance(answer, tuple)}
    assert all(answer == "unavailable" for answer in answers if not isinstance(answer, tuple))
    assert len(done) == 1 if key else len(done) >= 1
    assert [answer[1] for answer in answers if isinstance(answer, tuple)].count(False) == len(done)
    paid = sum(shop.mine(f"repayments/{name}")["amount_minor"] for name in done)
    assert paid == 7_000 * len(done)
    assert shop.settle().count("repayment.received") == len(done)
    books(shop)
