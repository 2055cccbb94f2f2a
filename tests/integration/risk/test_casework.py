"""What a decided case does to orders, line, payouts and merchant; how a case is found, and opened again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.customers import magic
from functions.risk.casework import notices
from functions.servicing.events import on_message
from functions.settlement.blocks import blocks_of
from tests.builders.platform import Platform
from tests.builders.servicing import sandbox_log
from tests.builders.shop import Shop, a_shop
from tests.builders.suspicion import suspect


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None)  # nobody's magic: the rules speak


def the_case(shop: Shop) -> dict[str, Any]:
    [case] = shop.api.get("/v1/reviews", token=shop.platform.staff_token("reviewer"))["data"]
    found: dict[str, Any] = case
    return found


def decide(shop: Shop, case: dict[str, Any], verb: str, who: str = "stf_r", **body: Any) -> Any:
    token = shop.platform.staff_token("reviewer", subject=who)
    return shop.api.post(f"/v1/reviews/{case['id']}/{verb}", body, token=token)


def test_a_declined_case_may_freeze_the_line_whose_money_it_lets_go(shop: Shop) -> None:
    order = shop.authorize(60_000)["id"]
    suspect(shop, "velocity", "line", "alert", "suspend", "open_case", order=order)
    reply = decide(shop, the_case(shop), "decline", outcome="confirmed_fraud", measures=["freeze_line"])
    assert reply.status == 200, reply.body
    line = shop.line()
    assert (line["held_minor"], line["status"]) == (0, "frozen")
    assert line["limit_minor"] == line["available_minor"]


def test_what_a_check_asks_to_be_confirmed_is_confirmed_for_a_month(shop: Shop) -> None:
    suspect(shop, "refund_abuse", "line", "alert", "step_up_next", "open_case")
    asked = shop.authorize(60_000)
    assert (asked["status"], asked["decline"]["code"]) == ("declined", "step_up_required")
    shop.platform.clock.advance(timedelta(days=31))
    shop.customer = shop.platform.customer_token(shop.customer_id)
    assert shop.authorize(60_000)["status"] == "approved"


def test_a_line_is_frozen_until_its_case_is_cleared(shop: Shop) -> None:
    suspect(shop, "bust_out", "line", "alert", "cut_line", "open_case")
    assert shop.line()["status"] == "frozen"
    case = the_case(shop)
    assert (case["about"], case["kind"], case["measures"]) == ("line", "line", ["freeze_line"])
    assert decide(shop, case, "approve", outcome="cleared").status == 200
    assert shop.line()["status"] == "active"


def test_a_case_about_a_merchant_blocks_the_payout_and_a_decline_stops_the_merchant(shop: Shop) -> None:
    suspect(shop, "colluding_merchant", shop.merchant_id, "alert", "block_payout", "open_case")
    now = shop.platform.clock.now()
    [block] = blocks_of(shop.merchant_id, now)
    case = the_case(shop)
    assert (block.set_by, block.only, case["about"], case["customer_id"]) == (case["id"], None, "merchant", None)
    assert decide(shop, case, "decline", outcome="confirmed_fraud").status == 200
    [block] = blocks_of(shop.merchant_id, now)
    assert block.until_at - now == timedelta(days=90)
    merchant = shop.api.get(f"/v1/merchants/{shop.merchant_id}", token=shop.platform.staff_token("operator"))
    assert merchant["status"] == "suspended"
    assert shop.line()["status"] == "active"  # a merchant's pattern touches no customer's line


def test_where_the_capture_won_the_payout_of_that_order_is_blocked(shop: Shop) -> None:
    order = shop.authorize(60_000)["id"]
    assert shop.capture(order, 60_000, final=True).status == 201
    suspect(shop, "velocity", "line", "alert", "suspend", "open_case", order=order)
    [block] = blocks_of(shop.merchant_id, shop.platform.clock.now())
    assert block.only == order
    assert decide(shop, the_case(shop), "approve", outcome="cleared").status == 200


def test_a_reopened_case_suspends_again_and_needs_two_people(shop: Shop) -> None:
    order = shop.authorize(60_000)["id"]
    suspect(shop, "velocity", "line", "alert", "suspend", "open_case", order=order)
    first = the_case(shop)
    assert decide(shop, first, "approve", outcome="cleared").status == 200
    admin = shop.platform.staff_token("risk_admin", subject="stf_a")
    again = shop.api.post(f"/v1/reviews/{first['id']}/reopen", {"reason": "new evidence"}, token=admin)
    assert (again.status, again["reversal"], again["second_person_needed"]) == (201, True, True)
    held = shop.api.get(f"/v1/authorizations/{order}", token=shop.key)
    assert held["suspension"]["case_id"] == again["id"]
    alone = decide(shop, again.body, "decline", outcome="confirmed_fraud")
    assert (alone.status, alone["code"]) == (409, "second_person_needed")
    proposal = {"decision": "decline", "outcome": "confirmed_fraud", "measures": ["freeze_line"]}
    assert decide(shop, again.body, "propose", **proposal)["proposal"]["measures"] == ["freeze_line"]
    assert decide(shop, again.body, "decline", who="stf_2", outcome="confirmed_fraud").status == 200
    assert shop.api.get(f"/v1/authorizations/{order}", token=shop.key)["status"] == "voided"
    assert shop.line()["status"] == "frozen"  # what was proposed is what the second person confirmed


def test_the_same_finding_is_folded_and_the_sixth_kind_in_an_hour_is_kept_and_not_sent(shop: Shop) -> None:
    for n in range(7):
        suspect(shop, f"kind_{n % 6}", "line", "alert", "open_case", record=f"e{n}")
    suspect(shop, "kind_0", "line", "alert", "open_case", record="e0")  # delivered twice
    alerts = shop.api.get("/v1/alerts", token=shop.platform.staff_token("reviewer"))["data"]
    shown = {alert["kind"]: (alert["count"], alert["sent"]) for alert in alerts}
    assert shown == {f"kind_{n}": (2 if n == 0 else 1, n != 5) for n in range(6)}
    assert len([e for e in shop.platform.events() if e.type == "fraud.alert"]) == 5
    assert len(the_case(shop)["reasons"]) == 6
    kept = shop.api.get("/v1/alerts?kind=kind_5&status=open", token=shop.platform.staff_token("auditor"))["data"]
    assert [alert["sent"] for alert in kept] == [False]


def test_the_customer_is_told_once_what_was_decided_and_not_why(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    order = shop.authorize(60_000)["id"]
    shop.settle()
    decide(shop, the_case(shop), "decline")
    [asked] = [e for e in platform.events() if e.type == "review_notice.requested"]
    message = {"detail-type": asked.type, "source": "whitenote", "detail": asked.to_dict()}
    on_message(message)
    on_message(message)
    [sent] = [s for s in sandbox_log(platform) if "600.00" in s.text]
    assert "已中止" in sent.text
    assert "watched" not in sent.text
    assert asked.data == {"message_id": asked.object_id, "authorization_id": order}
    assert notices.TOPIC == "review_notice"


def test_the_queue_shows_the_late_first_then_the_dear_and_a_wrong_filter_is_refused(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    cheap = shop.authorize(30_000)["id"]
    shop.settle()
    platform.clock.advance_business(timedelta(hours=1, minutes=50))
    dear, middle = shop.authorize(90_000)["id"], shop.authorize(60_000)["id"]
    shop.settle()
    reviewer = platform.staff_token("reviewer")
    first = shop.api.get("/v1/reviews?limit=2", token=reviewer)
    rest = shop.api.get(f"/v1/reviews?limit=2&cursor={first['next_cursor']}", token=reviewer)
    shown = [case["authorization_id"] for case in (*first["data"], *rest["data"])]
    assert (shown, rest["next_cursor"]) == ([cheap, dear, middle], None)
    assert shop.api.get(f"/v1/reviews?customer_id={shop.customer_id}", token=reviewer)["data"][0]["status"] == "open"
    assert shop.api.get("/v1/reviews?severity=huge", token=reviewer).status == 422


def test_the_evidence_shows_what_the_decision_saw_and_what_is_shared(platform: Platform) -> None:
    shop = a_shop(platform, magic.HELD)
    body = shop.pay_body(60_000) | {"device": {"id": "phone-number-one"}}
    order = shop.api.post("/v1/authorizations", body, token=shop.key)["id"]
    shop.settle()
    case = the_case(shop)
    found = shop.api.get(f"/v1/reviews/{case['id']}/evidence", token=platform.staff_token("auditor"))
    assert found.status == 200, found.body
    [seen] = found["orders"]
    assert (seen["authorization_id"], seen["decision"]["rules"]["watched_customer"]) == (order, "yes")
    assert {node["kind"] for node in found["graph"]["nodes"]} == {"customer", "device"}
    assert [edge["customer"] for edge in found["graph"]["edges"]] == [shop.customer_id]
    assert found["merchant"]["orders_30d"] == 1
