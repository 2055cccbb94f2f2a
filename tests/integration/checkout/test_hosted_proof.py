"""How a hosted confirmation is proved: by a passkey or a code, for exactly one order, once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from functions.checkout.checkout_store import CheckoutItem
from functions.checkout.hosted.code_message import on_message
from functions.checkout.hosted.confirmation import CODE_TRIES
from functions.customers import magic
from functions.customers.passkeys.store import PasskeyItem
from functions.platform.storage import keys
from tests.builders.authenticator import Authenticator
from tests.builders.hosted import (
    HANDS,
    HUGE,
    LARGE,
    SMALL,
    a_phone,
    at_once,
    begin,
    begun,
    code_shown,
    confirm,
    order,
    quote,
)
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


@pytest.mark.pain(17)
def test_the_shop_finds_the_order_by_its_reference_and_captures_it(shop: Shop) -> None:
    checkout = order(shop, reference="hosted-17")
    confirm(shop, checkout, begun(shop, checkout))
    (auth,) = shop.api.get("/v1/authorizations?reference=hosted-17", token=shop.key)["data"]
    assert shop.capture(auth["id"], SMALL).status == 201


def test_a_confirmation_with_a_passkey_is_two_requests_and_six_write_units(shop: Shop) -> None:
    """On the largest reference, over the cap, with the counter of the passkey left to the stream."""
    earlier = order(shop)
    confirm(shop, earlier, begun(shop, earlier))  # what a container reads once a minute, such as its rules, is there
    phone, checkout = a_phone(shop), order(shop, LARGE, reference="r" * 64)
    body = begun(shop, checkout, phone)
    shop.authorize(10_000)  # the container has the live rules, as any but its first order finds them
    with shop.platform.metered() as meter:
        assert confirm(shop, checkout, body)["status"] == "approved"
    assert meter.requests == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 6
    assert max(meter.sizes.values()) <= 1024, meter.sizes


def test_the_passkeys_counter_follows_from_the_stream(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    confirm(shop, checkout, begun(shop, checkout, phone))
    (stored,) = [i for i in shop.platform.items() if i["sk"]["S"].startswith(keys.PASSKEYS)]
    assert stored["n"]["N"] == "0"
    shop.settle()
    item = shop.platform.tables.get(PasskeyItem, shop.customer_id, stored["sk"]["S"])
    assert (item.counter, item.used_at_ms is not None) == (phone.count, True)


def test_over_the_cap_a_session_alone_is_not_enough(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    body = begun(shop, checkout, phone)
    assertion = body.pop("assertion")
    reply = confirm(shop, checkout, body)
    assert (reply.status, reply["code"]) == (409, "step_up_required")
    assert shop.line()["held_minor"] == 0
    assert confirm(shop, checkout, body | {"assertion": assertion})["status"] == "approved"


def test_a_proof_is_good_for_its_own_order_only(shop: Shop) -> None:
    """Reliability R8: bound to checkout, amount, merchant and plan."""
    phone = a_phone(shop)
    cheap, dear = order(shop, LARGE), order(shop, LARGE + 100)
    for_cheap, for_dear = begun(shop, cheap, phone), begun(shop, dear, phone)
    reply = confirm(shop, dear, for_dear | {"assertion": for_cheap["assertion"]})
    assert (reply.status, reply["code"]) == (403, "confirmation_refused")
    assert shop.line()["held_minor"] == 0
    assert confirm(shop, dear, for_dear)["status"] == "approved"


def test_a_proof_is_good_for_its_own_plan_only(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    three = begun(shop, checkout, phone)
    twelve = begun(shop, checkout, phone, quote=quote(shop, checkout, 12))
    assert confirm(shop, checkout, three)["code"] == "agreement_not_shown"
    assert confirm(shop, checkout, twelve | {"assertion": three["assertion"]})["code"] == "confirmation_refused"
    assert confirm(shop, checkout, twelve)["status"] == "approved"


def test_a_proof_is_good_once(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    body = begun(shop, checkout, phone)
    assert confirm(shop, checkout, body)["status"] == "approved"
    reply = confirm(shop, checkout, body)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "checkout_state", "confirmed")
    assert shop.line()["held_minor"] == LARGE


def test_a_proof_is_good_for_ten_minutes(shop: Shop) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    body = begun(shop, checkout, phone)
    shop.platform.clock.advance(timedelta(minutes=10))
    reply = confirm(shop, checkout, body)
    assert (reply.status, reply["code"]) == (409, "agreement_not_shown")


@pytest.mark.parametrize("lie", [{"verified": False}, {"rp_id": "evil.example"}], ids=["unverified", "another domain"])
def test_a_proof_made_otherwise_is_refused(shop: Shop, lie: dict[str, Any]) -> None:
    phone, checkout = a_phone(shop), order(shop, LARGE)
    text = quote(shop, checkout)
    shown = begin(shop, checkout, quote=text)
    assertion = phone.sign(shown["proof"]["options"], **lie)
    body = {"quote": text, "agreement_hash": shown["agreement"]["hash"], "assertion": assertion}
    assert confirm(shop, checkout, body)["code"] == "confirmation_refused"


def test_somebody_elses_passkey_confirms_nothing(shop: Shop) -> None:
    a_phone(shop)
    checkout = order(shop, LARGE)
    body = begun(shop, checkout, Authenticator())
    assert confirm(shop, checkout, body)["code"] == "confirmation_refused"


def test_a_small_order_with_a_bad_proof_is_not_confirmed_without_it(shop: Shop) -> None:
    checkout = order(shop)
    body = begun(shop, checkout) | {"assertion": {"id": "AAAA"}}
    assert confirm(shop, checkout, body)["code"] == "confirmation_refused"


def test_a_step_up_declined_order_is_completed_on_its_page(platform: Platform) -> None:
    """The shop's call comes back declined with a url; the customer signs there, and the order has its authorization."""
    shop = a_shop(platform, magic.NEEDS_CONFIRMATION)
    phone = a_phone(shop)
    declined = shop.authorize(SMALL, "step-up")
    assert declined["decline"]["code"] == "step_up_required"
    checkout = declined["decline"]["url"].rpartition("/")[2]
    assert shop.api.get(f"/v1/me/checkouts/{checkout}", token=shop.customer)["outcome"] is None
    assert shop.api.get(f"/v1/me/checkouts/{checkout}/offers", token=shop.customer)["step_up"] == {
        "required": True,
        "methods": ["passkey"],
    }
    reply = confirm(shop, checkout, begun(shop, checkout, phone))
    assert reply["status"] == "approved"
    found = shop.api.get("/v1/authorizations?reference=step-up", token=shop.key)["data"]
    assert [(a["attempt"], a["status"]) for a in found] == [(2, "approved"), (1, "declined")]
    assert shop.line()["held_minor"] == SMALL


def test_a_step_up_page_is_its_customers_alone(platform: Platform) -> None:
    shop, other = a_shop(platform, magic.NEEDS_CONFIRMATION), a_shop(platform)
    checkout = shop.authorize(SMALL, "mine")["decline"]["url"].rpartition("/")[2]
    assert shop.api.get(f"/v1/me/checkouts/{checkout}", token=other.customer).status == 404


def test_what_risk_asks_for_on_the_page_is_asked_for_from_then_on(platform: Platform) -> None:
    shop = a_shop(platform, magic.NEEDS_CONFIRMATION)
    checkout = order(shop)
    reply = confirm(shop, checkout, begun(shop, checkout))
    assert (reply.status, reply["code"]) == (409, "step_up_required")
    again = begin(shop, checkout)
    assert (again["proof"]["required"], again["proof"]["method"]) == (True, "code")


def test_without_a_passkey_a_code_confirms_up_to_its_cap(shop: Shop) -> None:
    checkout = order(shop, LARGE)
    body = begun(shop, checkout)
    (message,) = shop.platform.drain(shop.platform.settings.messages_queue_url)
    assert (message["kind"], message["checkout_id"]) == ("confirmation_code", checkout)
    on_message(message)
    on_message(message)
    assert len([i for i in shop.platform.items() if i["pk"]["S"].startswith("sent#")]) == 1
    assert confirm(shop, checkout, body | {"code": code_shown(shop, checkout)})["status"] == "approved"


def test_over_the_codes_cap_only_a_passkey_will_do(shop: Shop) -> None:
    reply = begin(shop, order(shop, HUGE))
    assert (reply.status, reply["code"]) == (409, "passkey_required")
    checkout, phone = order(shop, HUGE), a_phone(shop)
    assert confirm(shop, checkout, begun(shop, checkout, phone))["status"] == "approved"


def test_a_code_does_not_stand_in_for_a_passkey_that_is_there(shop: Shop) -> None:
    a_phone(shop)
    reply = begin(shop, order(shop, LARGE), method="code")
    assert (reply.status, reply["code"]) == (409, "passkey_required")


def test_a_code_that_was_not_sent_proves_nothing(shop: Shop) -> None:
    """Somebody who asks for the passkey gets no guesses at a code, and the magic one is none."""
    a_phone(shop)
    checkout = order(shop, LARGE)
    body = begun(shop, checkout)
    for code in (code_shown(shop, checkout), magic.MAGIC_CODE):
        reply = confirm(shop, checkout, body | {"code": code})
        assert (reply.status, reply["code"]) == (403, "confirmation_refused")
    assert shop.line()["held_minor"] == 0


def test_five_wrong_codes_end_it_and_the_right_one_comes_too_late(platform: Platform) -> None:
    shop = a_shop(platform, None)
    checkout = order(shop, LARGE)
    body = begun(shop, checkout)
    right = code_shown(shop, checkout)
    wrong = "000001" if right != "000001" else "000002"
    left = [confirm(shop, checkout, body | {"code": wrong})["tries_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    reply = confirm(shop, checkout, body | {"code": right})
    assert (reply.status, reply["code"]) == (403, "confirmation_refused")
    assert shop.line()["held_minor"] == 0


def test_a_code_is_good_for_what_it_was_sent_for_only(platform: Platform) -> None:
    shop = a_shop(platform, None)
    cheap, dear = order(shop, LARGE), order(shop, LARGE + 100)
    begun(shop, cheap)
    body = begun(shop, dear)
    assert confirm(shop, dear, body | {"code": code_shown(shop, cheap)})["code"] == "confirmation_refused"


def test_pages_that_begin_at_once_each_get_their_answer_while_there_are_codes(shop: Shop) -> None:
    checkout = order(shop, LARGE)
    text = quote(shop, checkout)
    begin(shop, checkout, quote=text)  # imports are not thread-safe
    replies = at_once(lambda _: begin(shop, checkout, quote=text))
    assert Counter(reply.body.get("code", "shown") for reply in replies) == {"shown": 2, "too_many_codes": HANDS - 2}


def test_a_page_whose_write_was_sent_twice_by_the_client_gets_its_answer(shop: Shop) -> None:
    """The client's own retry after a lost answer finds its own write."""
    checkout = order(shop)
    tables, original = shop.platform.tables, shop.platform.tables.dispatch

    def twice(operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and "sw" in repr(arguments):
            original(operation, arguments)
        return original(operation, arguments)

    tables.dispatch = twice  # type: ignore[method-assign]
    try:
        body = begun(shop, checkout)
    finally:
        del tables.dispatch
    assert confirm(shop, checkout, body)["status"] == "approved"


def test_an_order_gets_three_codes(shop: Shop) -> None:
    checkout = order(shop, LARGE)
    for _ in range(3):
        assert begin(shop, checkout).status == 200
    reply = begin(shop, checkout)
    assert (reply.status, reply["code"]) == (409, "too_many_codes")


def test_the_magic_code_is_a_magic_customers_alone(platform: Platform) -> None:
    ordinary, wizard = a_shop(platform, None), a_shop(platform)
    for shop, status in ((ordinary, 403), (wizard, 200)):
        checkout = order(shop, LARGE)
        assert confirm(shop, checkout, begun(shop, checkout) | {"code": magic.MAGIC_CODE}).status == status


def test_parallel_guesses_share_the_five_tries(platform: Platform) -> None:
    shop = a_shop(platform, None)
    checkout = order(shop, LARGE)
    body = begun(shop, checkout)
    right = int(code_shown(shop, checkout))
    wrong = at_once(lambda n: confirm(shop, checkout, body | {"code": f"{(right + 1 + n) % 10**6:06d}"}))
    assert {r.status for r in wrong} == {403}
    assert shop.platform.tables.get(CheckoutItem, checkout, consistent=True).tries == CODE_TRIES
