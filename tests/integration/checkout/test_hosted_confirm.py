"""The hosted checkout through HTTP: shown and confirmed; two requests, six write units, one live authorization."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from functions.checkout.agreement_store import AgreementItem
from functions.checkout.checkout_store import OrderItem
from functions.credit.lines.store import MAX_USES_PER_QUARTER
from functions.customers import magic
from functions.platform.storage import keys
from tests.builders.hosted import (
    HANDS,
    LARGE,
    SMALL,
    a_phone,
    at_once,
    begin,
    begun,
    confirm,
    order,
    quote,
)
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_merchant, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def test_a_small_order_is_confirmed_by_the_signed_in_customer(shop: Shop) -> None:
    checkout = order(shop)
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert (reply.status, reply["status"], reply["why"]["code"]) == (200, "approved", "approved")
    assert shop.line()["held_minor"] == SMALL
    seen = shop.api.get(f"/v1/checkouts/{checkout}", token=shop.key)
    assert (seen["status"], seen["authorization_id"]) == ("confirmed", reply["authorization_id"])
    auth = shop.api.get(f"/v1/authorizations/{reply['authorization_id']}", token=shop.key)
    assert (auth["status"], auth["checkout_id"], auth["amount_minor"]) == ("approved", checkout, SMALL)
    assert "checkout.confirmed" in shop.settle()


def test_the_same_command_gets_the_same_answer_even_an_hour_later(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    body = begun(shop, checkout, phone)
    first = confirm(shop, checkout, body, key="once")
    shop.platform.clock.advance(timedelta(hours=1))
    token = shop.platform.customer_token(shop.customer_id)
    again = confirm(shop, checkout, body, key="once", token=token)
    assert (again.status, again.body, again.replayed, first.replayed) == (200, first.body, True, False)
    other = confirm(shop, checkout, body | {"agreement_hash": "0" * 64}, key="once", token=token)
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")


def test_a_lost_answer_is_found_again_by_the_retry(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    with shop.platform.failing("TransactWriteItems", lost=True, times=1) as hits:
        lost = confirm(shop, checkout, body, key="k")
    assert (bool(hits), lost.status) == (True, 503)
    found = confirm(shop, checkout, body, key="k")
    assert (found.status, found["status"], found.replayed) == (200, "approved", True)
    assert shop.line()["held_minor"] == SMALL


def test_without_an_idempotency_key_nothing_happens(shop: Shop) -> None:
    checkout = order(shop)
    reply = confirm(shop, checkout, begun(shop, checkout), key="")
    assert (reply.status, reply["code"]) == (400, "malformed")
    assert shop.line()["held_minor"] == 0


def test_nothing_is_confirmed_that_was_not_shown(shop: Shop) -> None:
    checkout = order(shop)
    reply = confirm(shop, checkout, {"quote": quote(shop, checkout), "agreement_hash": "0" * 64})
    assert (reply.status, reply["code"]) == (409, "agreement_not_shown")
    body = begun(shop, checkout)
    changed = confirm(shop, checkout, body | {"agreement_hash": "0" * 64})
    assert (changed.status, changed["code"]) == (409, "agreement_changed")


def test_the_document_shown_is_kept_and_counts_as_accepted_once_confirmed(shop: Shop) -> None:
    checkout = order(shop)
    text = quote(shop, checkout)
    shown = begin(shop, checkout, quote=text, language="en")
    place = keys.agreement(shown["agreement"]["hash"])

    def kept() -> AgreementItem:
        return shop.platform.tables.get(AgreementItem, place, shop.customer_id, consistent=True)

    assert (kept().text(), kept().accepted_at_ms) == (shown["agreement"]["document"], None)
    assert kept().ttl is not None
    confirm(shop, checkout, {"quote": text, "agreement_hash": shown["agreement"]["hash"]})
    shop.settle()
    assert (kept().accepted_at_ms is not None, kept().ttl) == (True, None)


def test_what_was_ordered_stays_once_it_is_confirmed(shop: Shop) -> None:
    checkout = order(shop)
    confirm(shop, checkout, begun(shop, checkout))
    shop.settle()
    assert shop.platform.tables.get(OrderItem, checkout, keys.ORDER).ttl is None


def test_another_merchants_or_amounts_quote_does_not_pay_this_order(shop: Shop) -> None:
    checkout, other = order(shop), order(shop, SMALL + 100)
    foreign = a_shop(shop.platform)
    theirs = foreign.offers(SMALL)[0]["quote"]
    anonymous = shop.offers(SMALL, personal=False)[0]["quote"]
    for text in (quote(shop, other), theirs, anonymous):
        reply = begin(shop, checkout, quote=text)
        assert (reply.status, reply["code"]) == (422, "quote_invalid")
        reply = confirm(shop, checkout, {"quote": text, "agreement_hash": "0" * 64})
        assert (reply.status, reply["code"]) == (422, "quote_invalid")


def test_another_customers_quote_or_challenge_is_no_good(shop: Shop) -> None:
    checkout, other = order(shop), a_shop(shop.platform)
    body = begun(shop, checkout)
    reply = confirm(shop, checkout, body, token=other.customer)
    assert (reply.status, reply["code"]) == (422, "quote_invalid")
    assert other.line()["held_minor"] == 0


def test_a_confirmed_order_is_its_customers_alone(shop: Shop) -> None:
    checkout, other = order(shop), a_shop(shop.platform)
    confirm(shop, checkout, begun(shop, checkout))
    assert shop.api.get(f"/v1/me/checkouts/{checkout}", token=shop.customer)["outcome"] == "approved"
    for path in (f"/v1/me/checkouts/{checkout}", f"/v1/me/checkouts/{checkout}/offers"):
        assert shop.api.get(path, token=other.customer).status == 404


def test_a_cancelled_or_expired_order_is_not_confirmed(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    shop.api.post(f"/v1/checkouts/{checkout}/cancel", {}, token=shop.key)
    reply = confirm(shop, checkout, body)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "checkout_state", "cancelled")
    assert shop.line()["held_minor"] == 0


def test_one_checkout_yields_one_live_authorization_however_often_it_is_confirmed(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    statuses = [confirm(shop, checkout, body, key=f"k{n}").status for n in range(4)]
    assert statuses == [200, 409, 409, 409]
    assert shop.line()["held_minor"] == SMALL


def test_an_order_that_the_shop_has_financed_already_is_not_financed_twice(shop: Shop) -> None:
    checkout = order(shop, reference="both-ways")
    shop.authorize(SMALL, "both-ways")
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "reference_in_use", "approved")
    assert shop.line()["held_minor"] == SMALL


def test_after_the_shop_has_voided_its_own_attempt_the_order_can_be_confirmed(shop: Shop) -> None:
    checkout = order(shop, reference="again")
    first = shop.authorize(SMALL, "again")
    shop.api.post(f"/v1/authorizations/{first['id']}/void", {}, token=shop.key)
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert reply["status"] == "approved"
    found = shop.api.get("/v1/authorizations?reference=again", token=shop.key)["data"]
    assert [(a["attempt"], a["status"]) for a in found] == [(2, "approved"), (1, "voided")]


def test_a_declined_order_stays_open_and_may_be_confirmed_later(shop: Shop) -> None:
    checkout, whole = order(shop), shop.line()["available_minor"]
    body = begun(shop, checkout)
    other = shop.authorize(whole - SMALL + 1, "eats-the-line")
    declined = confirm(shop, checkout, body, key="first")
    assert (declined["status"], declined["why"]["code"]) == ("declined", "not_available")
    why = shop.api.get(f"/v1/me/checkouts/{checkout}/offers", token=shop.customer)["unavailable"]
    assert why["code"] == "not_enough_available"
    assert shop.api.get(f"/v1/me/checkouts/{checkout}", token=shop.customer)["outcome"] == "declined"
    shop.api.post(f"/v1/authorizations/{other['id']}/void", {}, token=shop.key)
    assert confirm(shop, checkout, begun(shop, checkout))["status"] == "approved"
    again = confirm(shop, checkout, body, key="first")
    assert (again["status"], again.replayed) == ("declined", True)


def test_a_watched_customers_order_waits_for_a_person_with_the_money_held(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    checkout = order(shop)
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert (reply["status"], reply["why"]["code"]) == ("held", "held")
    assert shop.line()["held_minor"] == SMALL
    assert shop.api.get(f"/v1/checkouts/{checkout}", token=shop.key)["status"] == "confirmed"


def test_the_lines_own_limit_of_purchases_is_told_with_the_time_to_come_back(shop: Shop) -> None:
    for number in range(MAX_USES_PER_QUARTER):
        shop.authorize(1_000, f"many-{number}", term=1)
    checkout = order(shop)
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert (reply.status, reply["code"]) == (429, "too_many_purchases")
    assert 0 < int(reply.headers["retry-after"]) <= 900
    assert "ratelimit" in reply.headers


def test_a_merchant_that_may_not_sell_now_gets_no_confirmation(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    status = {"status": "suspended", "reason": "checked"}
    shop.api.post(f"/v1/merchants/{shop.merchant_id}/status", status, token=shop.platform.staff_token("operator"))
    assert confirm(shop, checkout, body)["status"] == "declined"
    assert shop.line()["held_minor"] == 0


def test_a_merchants_key_confirms_nothing(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    assert confirm(shop, checkout, body, token=shop.key).status == 401
    assert confirm(shop, checkout, body, token=a_merchant(shop.platform, shop.api)["api_key"]["secret"]).status == 401


def test_one_command_at_many_hands_is_one_authorization(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout)
    replies = at_once(lambda _: confirm(shop, checkout, body, key="same"))
    assert {(r.status, r["authorization_id"]) for r in replies} == {(200, replies[0]["authorization_id"])}
    assert sum(not r.replayed for r in replies) == 1
    assert shop.line()["held_minor"] == SMALL


def test_many_commands_at_once_confirm_an_order_once(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    body = begun(shop, checkout, phone)
    replies = at_once(lambda n: confirm(shop, checkout, body, key=f"k{n}"))
    assert Counter(r.status for r in replies) == {200: 1, 409: HANDS - 1}
    assert shop.line()["held_minor"] == LARGE
