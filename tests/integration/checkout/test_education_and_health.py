"""What two scenarios ask beside the table: who learns what, whether it is still good, and what nobody else may read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.payments.scenario import Course, allows
from functions.platform.storage.transactions import commit
from functions.risk.store import plan_lists
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

AMOUNT = 60_000
ORDER: dict[str, Any] = {"amount_minor": AMOUNT, "currency": "CNY", "reference": "order-1", "category": "education"}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


@pytest.mark.parametrize(
    ("category", "currency", "course", "allowed"),
    [
        ("education", "CNY", Course("adult", "vocational"), True),
        ("education", "CNY", Course("adult", "other"), False),
        ("education", "CNY", Course("minor", "vocational"), False),
        ("education", "USD", Course("adult", "other"), True),
        ("education", "USD", Course("minor", "other"), False),
        ("travel", "CNY", Course("minor", "other"), True),
    ],
)
def test_no_credit_for_a_minors_course_and_in_china_none_but_vocational(
    category: str, currency: str, course: Course, allowed: bool
) -> None:
    assert allows(category, currency, course) == allowed


@pytest.mark.parametrize("course", [{"beneficiary": "minor"}, {"programme": "other"}])
def test_such_an_order_is_declined_and_holds_nothing(shop: Shop, course: dict[str, str]) -> None:
    declined = shop.authorize(AMOUNT, category="education", education=course)
    assert (declined["status"], declined["decline"]) == ("declined", {"code": "scenario_not_allowed"})
    assert shop.line()["held_minor"] == 0
    adult = shop.authorize(AMOUNT, category="education", education={"beneficiary": "adult"})
    assert adult["status"] == "approved"


def test_a_checkout_for_it_is_refused_at_its_creation(shop: Shop) -> None:
    reply = shop.api.post("/v1/checkouts", {**ORDER, "education": {"beneficiary": "minor"}}, token=shop.key)
    assert (reply.status, reply["code"], reply["errors"][0]["pointer"]) == (422, "scenario_not_allowed", "/education")


def freeze(shop: Shop) -> None:
    [line] = [i for i in shop.platform.items() if i["pk"]["S"].startswith("line#")]
    key = {name: line[name] for name in ("pk", "sk")}
    how = {"UpdateExpression": "SET #s = :f", "ExpressionAttributeNames": {"#s": "s"}}
    values = {":f": {"S": "frozen"}}
    table = shop.platform.settings.table
    shop.platform.client("dynamodb").update_item(TableName=table, Key=key, ExpressionAttributeValues=values, **how)


def test_a_course_captured_within_thirty_days_is_honoured_whatever_the_line(shop: Shop) -> None:
    auth = shop.authorize(AMOUNT, category="education")
    freeze(shop)
    shop.platform.clock.advance_business(timedelta(days=29, hours=23))
    assert shop.capture(auth["id"], 20_000).status == 201


def test_a_later_one_asks_the_line_again_and_tells_nobody_why(shop: Shop) -> None:
    auth = shop.authorize(AMOUNT, category="education")
    shop.platform.clock.advance_business(timedelta(days=30))
    assert shop.capture(auth["id"], 20_000).status == 201
    freeze(shop)
    refused = shop.capture(auth["id"], 20_000)
    assert (refused.status, refused["code"], refused["current_status"]) == (409, "not_available", "partially_captured")
    assert (shop.line()["outstanding_minor"], shop.line()["held_minor"]) == (20_000, 40_000)


def test_a_later_one_asks_the_rules_again(shop: Shop) -> None:
    auth = shop.authorize(AMOUNT, category="education")
    [line] = [i["pk"]["S"] for i in shop.platform.items() if i["pk"]["S"].startswith("line#")]
    commit(shop.platform.tables, plan_lists(int(line.partition("#")[2]), "blocked_customers"))
    shop.platform.clock.advance_business(timedelta(days=31))
    assert shop.capture(auth["id"], AMOUNT)["code"] == "not_available"


def test_another_scenario_is_not_asked_again(shop: Shop) -> None:
    auth = shop.authorize(AMOUNT, category="travel")
    freeze(shop)
    shop.platform.clock.advance_business(timedelta(days=31))
    assert shop.capture(auth["id"], AMOUNT).status == 201


def test_no_event_says_that_a_sale_was_of_health(shop: Shop) -> None:
    shop.api.post("/v1/checkouts", {**ORDER, "category": "health", "lines": []}, token=shop.key)
    auth = shop.authorize(AMOUNT, category="health")
    capture = shop.capture(auth["id"], AMOUNT)
    shop.refund(capture["id"], 1_000)
    asked = {"kind": "not_received"}
    shop.api.post(f"/v1/me/plans/{capture['plan_id']}/disputes", asked, token=shop.customer)
    events = [event.to_dict() for event in shop.platform.events()]
    told = {event["type"] for event in events}
    assert {"checkout.created", "authorization.approved", "capture.created", "refund.created", "dispute.opened"} <= told
    assert "health" not in json.dumps(events)
    assert "private" in json.dumps(events)
    assert shop.api.get(f"/v1/authorizations/{auth['id']}", token=shop.key)["category"] == "health"  # its own order
