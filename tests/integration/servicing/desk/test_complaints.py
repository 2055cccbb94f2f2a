"""Complaints: in the customer's words, sealed, answered once and in time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.customers.service import plan_erasure
from functions.platform.storage.transactions import commit
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

WORDS = "Nobody told me about the late charge of 5 May."


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def support(shop: Shop, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    return shop.api(method, path, body, token=shop.platform.staff_token("support"), key=key)


def complain(shop: Shop, key: str = "k", **changes: Any) -> Any:
    body = {"customer_id": shop.customer_id, "topic": "fees", "channel": "phone", "text": WORDS, **changes}
    return support(shop, "POST", "/v1/complaints", body, key)


def answer(shop: Shop, name: str, key: str = "a") -> Any:
    body = {"outcome": "upheld", "text": "We give it back."}
    return support(shop, "POST", f"/v1/complaints/{name}/answer", body, key)


def test_a_complaint_is_kept_in_the_customers_words_and_nowhere_in_clear(shop: Shop) -> None:
    made = complain(shop)
    assert (made.status, made["text"], made["answer_by_on"]) == (201, WORDS, "2026-12-07")
    assert complain(shop).replayed
    assert WORDS not in json.dumps(shop.platform.items(), default=str)
    events = [event for event in shop.platform.events() if event.type == "complaint.opened"]
    assert len(events) == 1
    assert WORDS not in str(events[0].data)
    [listed] = support(shop, "GET", "/v1/complaints")["data"]
    assert (listed["id"], listed["text"]) == (made["id"], None)


def test_it_is_answered_once(shop: Shop) -> None:
    made = complain(shop)
    done = answer(shop, made["id"])
    assert (done["status"], done["outcome"], done["answer"]) == ("answered", "upheld", "We give it back.")
    assert answer(shop, made["id"]).replayed
    assert answer(shop, made["id"], "b")["code"] == "complaint_answered"


def test_without_an_answer_it_is_overdue_after_fifteen_days(shop: Shop) -> None:
    made = complain(shop)
    shop.platform.clock.advance_business(timedelta(days=15))
    assert support(shop, "GET", f"/v1/complaints/{made['id']}")["overdue"] is False
    shop.platform.clock.advance_business(timedelta(days=1))
    assert support(shop, "GET", f"/v1/complaints/{made['id']}")["overdue"] is True
    answer(shop, made["id"])
    assert support(shop, "GET", f"/v1/complaints/{made['id']}")["overdue"] is False


def test_the_words_of_who_was_erased_are_gone_and_the_complaint_stays(shop: Shop) -> None:
    made = complain(shop)
    commit(shop.platform.tables, plan_erasure(shop.customer_id, ""))
    shown = support(shop, "GET", f"/v1/complaints/{made['id']}")
    assert (shown.status, shown["topic"], shown["text"]) == (200, "fees", None)
    assert complain(shop, "other").status == 404
