"""Twenty hands at once on one sale: each command counts once, and two ends of one dispute never both come true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.core.errors import WhitenoteError
from functions.payments.disputes import service as disputes
from functions.payments.disputes.schemas import DisputeDecision, DisputeRequest
from functions.payments.fulfilments import service as fulfilments
from functions.payments.fulfilments.schemas import FulfilmentRequest
from functions.platform.web.context import Call, Principal
from tests.builders.customers import a_call
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

HANDS = 20
AMOUNT = 60_000


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def at_once(do: Callable[[int], tuple[dict[str, Any], bool]]) -> list[tuple[dict[str, Any], bool] | str]:
    """What each hand got: an answer and whether it was a replay, or the code of an error."""

    def one(number: int) -> tuple[dict[str, Any], bool] | str:
        try:
            return do(number)
        except WhitenoteError as error:
            return error.code

    with ThreadPoolExecutor(HANDS) as pool:
        return list(pool.map(one, range(HANDS)))


def call(who: Principal, path: str, body: dict[str, Any], key: str) -> Call:
    return a_call(path, json.dumps(body).encode(), key=key, principal=who)


def merchant(shop: Shop) -> Principal:
    return Principal("merchant", shop.merchant_id, frozenset({"payments:write"}), "", 1)


def opener(shop: Shop, plan: str, key: str | None) -> Callable[[int], tuple[dict[str, Any], bool]]:
    who, body = Principal("customer", shop.customer_id, frozenset({"customer"})), {"kind": "not_received"}
    path = f"/v1/me/plans/{plan}/disputes"
    return lambda n: disputes.open_dispute(plan, DisputeRequest.of(body), call(who, path, body, key or f"k{n}"))


def fulfiller(shop: Shop, capture: dict[str, Any], key: str | None) -> Callable[[int], tuple[dict[str, Any], bool]]:
    body = {"rendered_on": capture["start_on"], "amount_minor": 25_000, "evidence": {"reference": "ticket"}}
    path, name = f"/v1/captures/{capture['id']}/fulfilments", capture["id"]
    return lambda n: fulfilments.fulfil_capture(
        name, FulfilmentRequest.of(body), call(merchant(shop), path, body, key or f"k{n}")
    )


def stored(shop: Shop, prefix: str) -> int:
    """How many items of a kind there are; moto's stream also tells of transactions that it took back."""
    return sum(item["pk"]["S"].startswith(prefix) for item in shop.platform.items())


def made(answers: list[Any]) -> set[str]:
    return {answer[0]["id"] for answer in answers if isinstance(answer, tuple)}


def codes(answers: list[Any]) -> set[str]:
    return {answer for answer in answers if isinstance(answer, str)}


@pytest.mark.parametrize("key", ["same", None], ids=["one command", "many commands"])
def test_one_plan_has_one_open_dispute(shop: Shop, key: str | None) -> None:
    capture = shop.buy(AMOUNT)
    answers = at_once(opener(shop, capture["plan_id"], key))
    assert len(made(answers)) == 1
    assert codes(answers) <= {"unavailable"} if key else codes(answers) <= {"dispute_open", "unavailable"}
    assert stored(shop, "dis_") == 1


@pytest.mark.parametrize("key", ["same", None], ids=["one command", "many commands"])
def test_no_more_is_rendered_than_was_sold(shop: Shop, key: str | None) -> None:
    capture = shop.capture(shop.authorize(AMOUNT, category="travel")["id"], AMOUNT).body
    answers = at_once(fulfiller(shop, capture, key))
    done = made(answers)
    assert len(done) == 1 if key else 1 <= len(done) <= 2
    assert codes(answers) <= {"unavailable", *(() if key else ("fulfilment_exceeds_remaining",))}
    seen = shop.api.get(f"/v1/captures/{capture['id']}", token=shop.key)
    assert (seen["fulfilled_minor"], seen["holdback_minor"]) == (25_000 * len(done), AMOUNT - 25_000 * len(done))
    assert stored(shop, "ful_") == len(done)


def test_a_dispute_accepted_and_decided_at_once_ends_once(shop: Shop) -> None:
    capture = shop.buy(AMOUNT)
    dispute = opener(shop, capture["plan_id"], "open")(0)[0]["id"]
    staff = Principal("staff", "stf_1", frozenset({"support"}))
    won = {"outcome": "won", "reason": "read"}

    def either(number: int) -> tuple[dict[str, Any], bool]:
        if number % 2:
            path = f"/v1/disputes/{dispute}/accept"
            return disputes.accept(dispute, call(merchant(shop), path, {}, f"k{number}"))
        path = f"/v1/disputes/{dispute}/decide"
        return disputes.decide(dispute, DisputeDecision.of(won), call(staff, path, won, f"k{number}"))

    answers = at_once(either)
    ends = Counter(answer[0]["status"] for answer in answers if isinstance(answer, tuple))
    assert sum(ends.values()) == 1
    assert codes(answers) <= {"dispute_state", "unavailable"}
    given_back = AMOUNT if "accepted" in ends else 0
    assert shop.line()["outstanding_minor"] == AMOUNT - given_back
    assert stored(shop, "ref_") == (1 if given_back else 0)
