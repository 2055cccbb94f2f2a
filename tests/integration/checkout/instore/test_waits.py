"""What a sale at a till waits for: the phone, a person, the end of the reversal window. And how it is undone."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from functions.checkout.instore.events import waits
from functions.checkout.instore.settle_service import act, settle
from functions.core.ids import new_id
from functions.customers import magic
from functions.payments.service import load, plan_suspension
from functions.platform.storage import keys
from functions.platform.storage.transactions import commit
from functions.servicing.sweep import handler_of
from tests.builders.authenticator import Authenticator
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.till import Till, a_till


@pytest.fixture
def till(platform: Platform) -> Till:
    return a_till(platform)


def entries(till: Till) -> int:
    return len([i for i in till.platform.items(LEDGER_TABLE) if "b" in i])


def test_an_approved_sale_is_captured_once_after_the_reversal_window(till: Till) -> None:
    paid = till.pay(60_000, "sale")
    assert paid["due_at"] == "2026-11-22T08:02:00.000Z"
    till.wait(119)
    assert till.look("sale")["status"] == "approved"
    told = till.wait(1)
    assert told.count("capture.created") == 1
    till.wait(60)
    done = till.look("sale")
    assert (done["status"], done["due_at"]) == ("captured", None)
    assert done["capture_id"].startswith("cap_")
    assert till.shop.line()["outstanding_minor"] == 60_000
    assert entries(till) == 1


def test_a_sale_is_complete_when_the_shop_says_so_and_is_captured_once(till: Till) -> None:
    till.pay(60_000, "sale")
    done = till.complete("sale", key="c")
    again = till.complete("sale", key="c")
    assert (done["status"], done.replayed, again.replayed) == ("captured", False, True)
    assert till.complete("sale")["capture_id"] == done["capture_id"]
    till.wait(130)
    assert entries(till) == 1


def test_the_plan_begins_on_the_shops_day_and_its_agreement_is_kept(till: Till) -> None:
    till.platform.clock.advance(timedelta(hours=8, minutes=-1))  # 15:59 in UTC, one minute to midnight in Shanghai
    till.shop.customer = till.customer
    till.pay(60_000, "sale")
    till.wait(121)
    capture = till.shop.api.get(f"/v1/captures/{till.look('sale')['capture_id']}", token=till.shop.key)
    assert capture["start_on"] == date(2026, 11, 22).isoformat()
    plan = till.shop.api.get(f"/v1/me/plans/{capture['plan_id']}/agreement", token=till.customer)
    assert plan.status == 200
    kept = [i for i in till.platform.items() if i["pk"]["S"].startswith("agr#")]
    assert [i["sk"]["S"] for i in kept] == [till.shop.customer_id]


def test_over_the_cap_the_phone_confirms_by_the_agreement_it_was_shown(till: Till) -> None:
    at_cap = till.pay(100_000)
    assert at_cap["status"] == "approved"
    asked = till.pay(100_001, "big", code=till.code(steps=1))
    assert (asked["status"], asked["due_at"]) == ("awaiting_confirmation", "2026-11-22T08:03:00.000Z")
    assert till.shop.line()["held_minor"] == 200_001
    (shown,) = till.shop.mine("in-store")["data"]
    assert (shown["reference"], shown["amount_minor"], shown["offer"]["fee_minor"]) == ("big", 100_001, 0)
    other = till.confirm("big", agreement_hash="0" * 64)
    assert (other.status, other["code"]) == (409, "agreement_changed")
    yes = till.confirm("big", agreement_hash=shown["agreement"]["hash"], merchant_id=till.shop.merchant_id)
    assert yes["status"] == "approved"
    assert till.shop.mine("in-store")["data"] == []
    assert till.look("big")["status"] == "approved"
    again = till.confirm("big")
    assert (again.status, again["code"]) == (409, "authorization_state")
    till.wait(120)
    assert till.look("big")["status"] == "captured"


def test_her_passkey_signs_this_very_sale(till: Till) -> None:
    phone = Authenticator()
    begun = till.shop.api.post("/v1/passkeys/register/begin", {}, token=till.customer, key=None)
    answer = {"state": begun["state"], "credential": phone.register(begun["options"])}
    made = till.shop.api.post("/v1/passkeys/register/finish", answer, token=till.customer)
    assert made.status < 300, made.body
    till.pay(150_000, "one")
    till.pay(150_001, "two", code=till.code(steps=1))
    shown = {each["reference"]: each["proof"] for each in till.shop.mine("in-store")["data"]}
    assert till.confirm("one")["code"] == "passkey_required"
    other = till.confirm("one", assertion=phone.sign(shown["two"]["options"]))
    assert other.status in {401, 403}
    assert till.confirm("one", assertion=phone.sign(shown["one"]["options"]))["status"] == "approved"


def test_without_a_passkey_the_largest_sales_are_not_confirmed(till: Till) -> None:
    till.pay(1_000_001, "huge")
    assert till.confirm("huge")["code"] == "passkey_required"


def test_what_costs_the_customer_something_is_shown_before_it_is_agreed_to(till: Till) -> None:
    asked = till.pay(30_000, "fee", product_id="cny_3")
    assert asked["status"] == "awaiting_confirmation"
    shown = till.shop.mine("in-store/fee")
    assert shown["offer"]["fee_minor"] > 0
    assert till.confirm("fee")["status"] == "approved"
    assert till.complete("fee")["term_count"] == 3


def test_nobodys_word_in_three_minutes_is_a_no(till: Till) -> None:
    till.pay(150_000, "big")
    till.shop.settle()
    till.platform.clock.advance(timedelta(seconds=180))
    seen = till.look("big")
    assert (seen["status"], seen["decline"]) == ("declined", {"code": "not_confirmed"})
    late = till.confirm("big")
    assert (late.status, late["code"]) == (409, "confirmation_over")
    assert till.wait(0).count("authorization.declined") == 1
    assert till.shop.line()["held_minor"] == 0
    assert till.look("big")["decline"] == {"code": "not_confirmed"}


def test_anothers_payment_can_not_be_confirmed(till: Till) -> None:
    till.pay(150_000, "big")
    stranger = a_till(till.platform, None)
    assert stranger.confirm("big").status == 404
    assert stranger.shop.mine("in-store/big").status == 404


def test_a_held_sale_is_declined_after_a_minute_and_its_case_is_kept(platform: Platform) -> None:
    till = a_till(platform, magic.HELD)
    held = till.pay(60_000, "held")
    assert (held["status"], till.shop.line()["held_minor"]) == ("held", 60_000)
    till.wait(59)
    assert till.look("held")["status"] == "held"
    till.wait(1)
    seen = till.look("held")
    assert (seen["status"], seen["decline"]) == ("declined", {"code": "risk"})
    assert till.shop.line()["held_minor"] == 0
    (case,) = till.shop.api.get("/v1/reviews", token=platform.staff_token("reviewer"))["data"]
    assert (case["kind"], case["status"]) == ("held_in_store", "open")
    late = till.shop.api.post(
        f"/v1/reviews/{case['id']}/approve", {"reason": "she is known"}, token=platform.staff_token("reviewer")
    )
    assert late.status == 200, late.body
    assert till.look("held")["status"] == "declined"


def test_a_persons_yes_within_the_minute_approves(platform: Platform) -> None:
    till = a_till(platform, magic.HELD)
    till.pay(60_000, "held")
    till.shop.settle()
    (case,) = till.shop.api.get("/v1/reviews", token=platform.staff_token("reviewer"))["data"]
    yes = till.shop.api.post(
        f"/v1/reviews/{case['id']}/approve", {"reason": "she is known"}, token=platform.staff_token("reviewer")
    )
    assert yes.status == 200, yes.body
    assert till.look("held")["status"] == "approved"
    till.wait(120)
    assert till.look("held")["status"] == "captured"


def test_a_persons_yes_is_not_the_customers_where_the_phone_is_asked_as_well(platform: Platform) -> None:
    till = a_till(platform, magic.HELD)
    assert till.pay(150_000, "big")["status"] == "held"
    till.shop.settle()
    (case,) = till.shop.api.get("/v1/reviews", token=platform.staff_token("reviewer"))["data"]
    yes = {"reason": "she is known"}
    assert (
        till.shop.api.post(f"/v1/reviews/{case['id']}/approve", yes, token=platform.staff_token("reviewer")).status
        == 200
    )
    assert till.look("big")["status"] == "awaiting_confirmation"
    assert till.confirm("big")["status"] == "approved"
    till.wait(120)
    assert till.look("big")["status"] == "captured"


def test_an_early_message_comes_back_when_its_sale_is_due(till: Till) -> None:
    paid = till.pay(60_000, "sale")
    event = next(e for e in till.platform.events() if e.type == "in_store.due")
    answer = waits({"Records": [{"messageId": "m", "body": json.dumps({"detail": event.to_dict()})}]})
    assert answer == {"batchItemFailures": []}
    url = till.platform.settings.tills_queue_url
    delayed = till.platform.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert delayed["ApproximateNumberOfMessagesDelayed"] == "1"
    assert till.look("sale").body == paid.body


def test_asking_the_phone_costs_one_small_item_more(till: Till) -> None:
    till.pay(10_000)
    body = till.body(100_001, "r" * 64, code=till.code(steps=1))
    with till.platform.metered() as meter:
        assert till.send(body)["status"] == "awaiting_confirmation"
    assert [r for r in meter.requests if r != "GetItem"] == ["BatchGetItem", "TransactWriteItems"]
    assert meter.write_units <= 6


def test_the_sweep_finds_what_the_queue_has_lost(till: Till) -> None:
    paid = till.pay(60_000, "sale")
    till.shop.settle()
    timer = keys.till_timer(paid["authorization_id"])
    found = next(i for i in till.platform.items() if i["pk"]["S"] == timer)
    assert found["gs"]["S"] == "2026-11-22T09"
    till.platform.clock.advance_business(timedelta(hours=1))
    for _ in range(2):
        handler_of("till")([(timer, keys.TIMER)], till.platform.clock.now())
    assert till.look("sale")["status"] == "captured"
    assert not [i for i in till.platform.items() if i["pk"]["S"] == timer]
    assert entries(till) == 1


def test_an_early_look_does_nothing(till: Till) -> None:
    paid = till.pay(60_000, "sale")
    assert settle(paid["authorization_id"]) == timedelta(seconds=120)
    act([(keys.till_timer(paid["authorization_id"]), keys.TIMER)], till.platform.clock.now())
    assert till.look("sale")["status"] == "approved"


def test_a_sale_is_undone_before_its_capture(till: Till) -> None:
    till.pay(60_000, "sale")
    undone = till.reverse("sale", key="r")
    assert (undone["status"], till.shop.line()["held_minor"]) == ("reversed", 0)
    assert till.reverse("sale", key="r").replayed
    assert till.reverse("sale")["status"] == "reversed"
    assert till.wait(130).count("capture.created") == 0
    late = till.complete("sale")
    assert (late.status, late["code"]) == (409, "authorization_state")
    assert entries(till) == 0


def test_a_sale_is_undone_after_its_capture_once_with_every_fee(till: Till) -> None:
    till.pay(60_000, "sale", product_id="cny_12")
    till.confirm("sale")
    till.complete("sale")
    till.shop.settle()
    undone = till.reverse("sale")
    assert undone["status"] == "reversed"
    refund = till.shop.api.get(f"/v1/refunds/{undone['refund_id']}", token=till.shop.key)
    assert (refund["kind"], refund["amount_minor"], refund["remaining_minor"]) == ("reversal", 60_000, 0)
    assert refund["fee_returned_minor"] > 0
    assert till.reverse("sale")["refund_id"] == undone["refund_id"]
    assert till.shop.settle().count("refund.created") == 1
    assert till.look("sale")["status"] == "reversed"
    line = till.shop.line()
    assert (line["outstanding_minor"], line["available_minor"]) == (0, line["limit_minor"])


def test_a_part_refunded_before_is_not_given_back_twice(till: Till) -> None:
    till.pay(60_000, "sale")
    capture = till.complete("sale")["capture_id"]
    assert till.shop.refund(capture, 20_000).status == 201
    undone = till.reverse("sale")
    refund = till.shop.api.get(f"/v1/refunds/{undone['refund_id']}", token=till.shop.key)
    assert (refund["amount_minor"], till.shop.line()["outstanding_minor"]) == (40_000, 0)


def test_after_the_settlement_day_a_sale_is_refunded_and_not_reversed(till: Till) -> None:
    till.pay(60_000, "sale")
    till.complete("sale")
    till.platform.clock.advance_business(timedelta(days=1))
    late = till.reverse("sale")
    assert (late.status, late["code"]) == (409, "reverse_window_closed")
    assert till.shop.line()["outstanding_minor"] == 60_000


def test_a_reversal_that_comes_first_stops_the_payment_for_a_day(till: Till) -> None:
    before = till.reverse("sale", key="r")
    assert (before.status, before["status"], before["amount_minor"]) == (200, "reversed", None)
    assert till.reverse("sale", key="r").replayed
    late = till.pay(60_000, "sale")
    assert (late["status"], late["decline"]) == ("declined", {"code": "reversed"})
    assert till.shop.line()["held_minor"] == 0
    till.platform.clock.advance_business(timedelta(hours=24))
    assert till.pay(60_000, "sale")["status"] == "approved"


def test_undoing_a_declined_payment_stops_the_next_try_on_its_way(till: Till) -> None:
    till.pay(till.shop.line()["available_minor"] + 1, "sale")
    till.reverse("sale")
    assert till.pay(60_000, "sale")["decline"] == {"code": "reversed"}


def test_what_can_not_be_captured_can_not_be_completed_and_leaves_no_agreement(till: Till) -> None:
    till.reverse("never-came")
    till.reverse("too-late")
    till.pay(60_000, "too-late")
    till.pay(100_001, "big")
    for reference, status in (("never-came", "voided"), ("too-late", "declined"), ("big", "awaiting_confirmation")):
        done = till.complete(reference)
        assert (done.status, done["code"], done["current_status"]) == (409, "authorization_state", status)
    assert not [i for i in till.platform.items() if i["pk"]["S"].startswith("agr#")]


def test_a_suspended_sale_is_not_captured_by_the_clock(till: Till) -> None:
    paid = till.pay(60_000, "sale")
    suspend(till, paid["authorization_id"])
    till.wait(130)
    settle(paid["authorization_id"])
    assert till.look("sale")["status"] == "approved"
    refused = till.complete("sale")
    assert (refused.status, refused["code"]) == (409, "authorization_suspended")


def test_a_suspended_sale_is_not_confirmed_either(till: Till) -> None:
    paid = till.pay(150_000, "big")
    suspend(till, paid["authorization_id"])
    refused = till.confirm("big")
    assert (refused.status, refused["code"]) == (409, "authorization_suspended")


def suspend(till: Till, authorization_id: str) -> None:
    now = till.platform.clock.now()
    item = load(authorization_id, consistent=True)
    commit(till.platform.tables, plan_suspension(item, new_id("case", now), now + timedelta(days=3), now, "test"))
