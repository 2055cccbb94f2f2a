"""Bank accounts: sealed, listed by their last digits, the customer's own, forgotten when asked."""

from __future__ import annotations

import json

import pytest

from functions.core.errors import NotFoundError
from functions.customers.service import plan_erasure
from functions.platform.storage.transactions import commit
from functions.servicing.autopay.instrument_service import account_of, own_instrument
from tests.builders.autopay import allow, an_account
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

NUMBER = "DE89 3704-0044 0532 0130 00"


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def add(shop: Shop, number: str = NUMBER, *, key: str | None = "fresh", **more: object) -> object:
    return shop.api.post("/v1/me/instruments", {"number": number, **more}, token=shop.customer, key=key)


def test_an_account_is_shown_by_its_last_digits_and_its_number_is_nowhere_in_clear(shop: Shop) -> None:
    made = add(shop, bank="DEUTDEFF")
    assert (made.status, made["last4"], made["bank"]) == (201, "3000", "DEUTDEFF")
    assert shop.mine("instruments")["data"] == [made.body]
    assert account_of(own_instrument(made["id"], shop.customer_id)) == "DE89370400440532013000"
    stored = json.dumps(shop.platform.items(), default=str)
    assert "0532013000" not in stored
    assert "DE8937" not in stored


def test_adding_is_once_per_key_and_once_per_account(shop: Shop) -> None:
    made = add(shop, key="one")
    again = add(shop, key="one")
    assert (again.replayed, again.body) == (True, made.body)
    assert add(shop, number="DE89370400440532013001", key="one")["code"] == "idempotency_key_reused"
    twin = add(shop, number=NUMBER.lower().replace(" ", ""))
    assert (twin.status, twin["code"], twin["instrument_id"]) == (409, "instrument_exists", made["id"])


@pytest.mark.parametrize("number", ["1234 567", "1" * 35, "12345678é", "        12"])
def test_what_is_no_account_number_is_refused_without_being_repeated(shop: Shop, number: str) -> None:
    reply = add(shop, number=number)
    assert reply.status == 422
    assert number not in json.dumps(reply.body)


def test_there_are_at_most_ten(shop: Shop) -> None:
    for place in range(10):
        assert add(shop, number=f"6222000000{place:04d}").status == 201
    assert add(shop, number="62220000009999")["code"] == "too_many_instruments"


def test_a_removed_account_is_gone_and_one_that_a_mandate_names_stays(shop: Shop) -> None:
    name = an_account(shop)
    allow(shop, name)
    refused = shop.api.delete(f"/v1/me/instruments/{name}", token=shop.customer)
    assert (refused.status, refused["code"]) == (409, "instrument_in_use")
    shop.api.put("/v1/me/autopay", {"enabled": False}, token=shop.customer)
    assert shop.api.delete(f"/v1/me/instruments/{name}", token=shop.customer).status == 200
    assert shop.mine("instruments")["data"] == []
    assert shop.api.delete(f"/v1/me/instruments/{name}", token=shop.customer).status == 404


def test_anothers_account_is_not_there_for_a_mandate_or_a_repayment(shop: Shop) -> None:
    name = an_account(shop)
    bought = shop.buy(30_000, term=1)
    other = a_shop(shop.platform)
    body = {"enabled": True, "instrument_id": name}
    assert other.api.put("/v1/me/autopay", body, token=other.customer).status == 404
    other.buy(30_000, term=1)
    assert other.repay(1, instrument=name).status == 404
    assert shop.repay(1, instrument=name, plan_id=bought["plan_id"]).status == 201


def test_a_mandate_needs_an_account_and_says_when_it_was_given(shop: Shop) -> None:
    assert shop.mine("autopay")["agreed_at"] is None
    assert shop.api.put("/v1/me/autopay", {"enabled": True}, token=shop.customer).status == 422
    name = an_account(shop)
    allow(shop, name, limit_minor=50_000)
    shown = shop.mine("autopay")
    assert (shown["enabled"], shown["instrument_id"], shown["limit_minor"]) == (True, name, 50_000)
    assert shown["agreed_at"] is not None
    assert shop.mine("autopay?currency=USD")["enabled"] is False
    assert shop.mine("autopay?currency=XXX").status == 422


def test_who_was_erased_has_no_number_any_more(shop: Shop) -> None:
    item = own_instrument(an_account(shop), shop.customer_id)
    commit(shop.platform.tables, plan_erasure(shop.customer_id, ""))
    with pytest.raises(NotFoundError):
        account_of(item)
