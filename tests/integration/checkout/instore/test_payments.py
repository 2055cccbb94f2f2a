"""A payment at a till through HTTP: what a code pays, once, and at what cost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from functions.customers import magic
from tests.builders.platform import Platform
from tests.builders.shop import a_merchant, a_shop
from tests.builders.till import Till, a_till


@pytest.fixture
def till(platform: Platform) -> Till:
    return a_till(platform)


def test_a_code_pays_at_once_by_the_plan_that_costs_nothing(till: Till) -> None:
    paid = till.pay(60_000, "sale-a")
    assert (paid["status"], paid["product_id"], paid["term_count"]) == ("approved", "cny_pay_later", 1)
    assert till.shop.line()["held_minor"] == 60_000
    assert till.look("sale-a").body == paid.body
    auth = till.shop.api.get(f"/v1/authorizations/{paid['authorization_id']}", token=till.shop.key)
    assert (auth["status"], auth["channel"], auth["terminal_id"]) == ("approved", "in_store", "till-1")
    assert paid["receipt"][0] == "Corner Electronics"
    assert all(len(line) <= 40 for line in paid["receipt"])


def test_a_payment_is_two_requests_four_write_units_and_three_read_units(till: Till) -> None:
    till.pay(10_000)  # merchant, products and rules are read once per container
    body = till.body(60_000, "r" * 64, terminal_id="t" * 32, code=till.code(steps=1))
    with till.platform.metered() as meter:
        assert till.send(body)["status"] == "approved"
    assert [r for r in meter.requests if r != "GetItem"] == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 4
    assert meter.read_units - meter.requests.count("GetItem") <= 3  # the key is looked up consistently
    assert max(meter.sizes.values()) <= 1024, meter.sizes


def test_a_code_pays_once(till: Till) -> None:
    code = till.code()
    till.pay(10_000, code=code)
    again = till.send(till.body(10_000, code=code))
    assert (again.status, again["code"]) == (409, "code_used")
    assert till.shop.line()["held_minor"] == 10_000


def test_the_key_of_a_payment_is_no_good_for_another_though_its_code_is_used(till: Till) -> None:
    body = till.body(10_000, "sale")
    till.send(body, key="once")
    for other in ({**body, "reference": "another"}, till.body(10_000, "a-third", code=till.code(steps=1))):
        again = till.send(other, key="once")
        assert (again.status, again["code"]) == (422, "idempotency_key_reused")
    assert till.shop.line()["held_minor"] == 10_000


def test_an_earlier_code_pays_nothing_after_a_later_one(till: Till) -> None:
    before = till.code(steps=-1)
    till.pay(10_000)
    assert till.send(till.body(10_000, code=before))["code"] == "code_used"


def test_the_same_command_gets_the_same_payment_even_an_hour_later(till: Till) -> None:
    body = till.body(10_000)
    first = till.send(body, key="once")
    till.platform.clock.advance(timedelta(hours=1))
    again = till.send(body, key="once")
    assert (again.status, again.replayed, again["authorization_id"]) == (201, True, first["authorization_id"])
    other = till.send({**body, "amount_minor": 20_000}, key="once")
    assert (other.status, other["code"]) == (422, "idempotency_key_reused")


def test_a_till_that_asks_again_with_a_new_code_gets_the_same_payment(till: Till) -> None:
    first = till.pay(10_000, "sale-b")
    till.platform.clock.advance(timedelta(seconds=60))
    again = till.pay(10_000, "sale-b")
    assert (again.replayed, again["authorization_id"]) == (True, first["authorization_id"])
    assert till.shop.line()["held_minor"] == 10_000


def test_another_customers_code_is_not_paid_by_the_first(till: Till, platform: Platform) -> None:
    till.pay(10_000, "sale-c")
    other = a_till(platform, None)
    reply = till.send(till.body(10_000, "sale-c", code=other.code()))
    assert (reply.status, reply["code"]) == (409, "reference_in_use")


def test_a_lost_answer_is_found_again_by_the_retry(till: Till) -> None:
    body = till.body(10_000)
    with till.platform.failing("TransactWriteItems", lost=True, times=1):
        assert till.send(body, key="k").status == 503
    found = till.send(body, key="k")
    assert (found["status"], found.replayed) == ("approved", True)
    assert till.shop.line()["held_minor"] == 10_000


def test_one_code_shown_at_many_tills_at_once_pays_once(till: Till) -> None:
    code = till.code()
    bodies = [till.body(1_000, f"rush-{n}", code=code) for n in range(12)]
    till.send(bodies[0] | {"reference": "warm"}, key="never-mind")  # imports are not thread-safe
    code = till.code(steps=1)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda body: till.send({**body, "code": code}), bodies))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 11
    assert {reply["code"] for reply in replies if reply.status == 409} == {"code_used"}
    assert till.shop.line()["held_minor"] == 2_000


def test_a_code_made_by_us_pays_in_its_step_and_in_no_other(till: Till) -> None:
    made = till.shop.api.post("/v1/me/payment-codes", {}, token=till.customer)["code"]
    assert till.pay(10_000, code=made)["status"] == "approved"
    following = till.shop.api.post("/v1/me/payment-codes", {}, token=till.customer)
    assert following["code"] != made
    assert till.pay(10_000, code=following["code"])["status"] == "approved"
    wait = till.shop.api.post("/v1/me/payment-codes", {}, token=till.customer)
    assert (wait.status, wait["code"], wait.headers["retry-after"]) == (429, "code_too_soon", "30")


def test_no_device_number_zero_pays_unless_we_have_just_made_its_code(till: Till) -> None:
    from functions.checkout.codes import alias as aliases
    from functions.checkout.codes import otp
    from functions.checkout.codes.code import make_code
    from functions.checkout.codes.device_service import code_keys, own_line

    line, step = own_line(till.shop.customer_id, None), otp.counter_at(till.platform.clock.wall())
    forged = make_code(code_keys(), line.alias, aliases.turn_in(aliases.month_of(step), None), 0, step)
    assert till.send(till.body(10_000, code=str(forged)))["code"] == "code_invalid"


def test_a_removed_phone_pays_nothing_from_that_moment(till: Till) -> None:
    till.shop.api.delete(f"/v1/me/devices/{till.phone.id}", token=till.customer)
    reply = till.send(till.body(10_000))
    assert (reply.status, reply["code"]) == (422, "code_invalid")


def test_a_renewed_alias_pays_and_the_one_before_does_not(till: Till) -> None:
    old = till.code()
    till.shop.api.post("/v1/me/payment-codes/renew-alias", {}, token=till.customer)
    assert till.send(till.body(10_000, code=old))["code"] == "code_invalid"
    till.phone.aliases = till.shop.mine("devices")["data"][0]["aliases"]
    assert till.pay(10_000)["status"] == "approved"


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"code": "123"}, "code_misread"),
    ({"code": "1" * 41}, "invalid"),
    ({"amount_minor": 0}, "invalid"),
    ({"amount_minor": 1.5}, "invalid"),
    ({"surprise": 1}, "invalid"),
    ({"reference": "a b"}, "invalid"),
    ({"terminal_id": ""}, "invalid"),
    ({"currency": "XYZ"}, "unsupported_currency"),
    ({"currency": "EUR"}, "currency_not_accepted"),
    ({"product_id": "cny_5"}, "product_not_offered"),
    ({"product_id": "cny_3", "amount_minor": 2_999}, "product_not_offered"),
]


def test_bad_input_has_its_code_and_holds_nothing(till: Till) -> None:
    replies = [(till.send({**till.body(10_000), **change}), code) for change, code in REFUSED]
    assert [(reply.status, reply["code"]) for reply, _ in replies] == [(422, code) for _, code in replies]
    assert till.shop.line()["held_minor"] == 0


def test_an_exhausted_line_is_declined_and_the_code_is_still_good(till: Till) -> None:
    code = till.code()
    much = till.pay(till.shop.line()["available_minor"] + 1, code=code)
    assert (much["status"], much["decline"]) == ("declined", {"code": "not_available"})
    assert till.pay(10_000, code=code)["status"] == "approved"


def test_another_merchants_payment_is_not_there(till: Till) -> None:
    till.pay(10_000, "mine")
    other = a_merchant(till.platform, till.shop.api)["api_key"]["secret"]
    assert till.shop.api.get("/v1/in-store/payments/mine", token=other).status == 404
    assert till.shop.api.post("/v1/in-store/payments/mine/complete", {}, token=other).status == 404


def test_an_online_order_is_no_payment_at_a_till(platform: Platform) -> None:
    shop = a_shop(platform, magic.ALWAYS_APPROVED)
    shop.authorize(60_000, "online-1")
    assert shop.api.get("/v1/in-store/payments/online-1", token=shop.key).status == 404
    reply = shop.api.post("/v1/in-store/payments/online-1/reverse", {}, token=shop.key)
    assert (reply.status, reply["code"]) == (409, "reference_in_use")
