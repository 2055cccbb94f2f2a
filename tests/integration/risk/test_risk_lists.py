"""Named lists over HTTP: with a reason, for a time, and felt by the next order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.core.clock import isoformat
from functions.customers import magic
from functions.payments.parties import Parties
from functions.payments.store import AuthorizationItem
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DEVICE = {"id": "a-phone-of-hers"}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None)


def change(shop: Shop, verb: str, name: str, value: str, /, key: str | None = "fresh", **body: Any) -> Reply:
    token = shop.platform.staff_token("risk_admin", subject="stf_9")
    asked = {"value": value, "reason": "a ring", **body}
    return shop.api.post(f"/v1/risk-lists/{name}/{verb}", asked, token=token, key=key)


def order(shop: Shop, **more: Any) -> Reply:
    return shop.api.post("/v1/authorizations", {**shop.pay_body(60_000), **more}, token=shop.key)


def test_a_blocked_customer_is_declined_until_taken_off(shop: Shop) -> None:
    assert order(shop)["status"] == "approved"
    entry = change(shop, "add", "blocked_customers", shop.customer_id)
    assert (entry.status, entry["status"], entry["by"], entry["until"]) == (200, "on", "stf_9", None)
    refused = order(shop)
    assert (refused["status"], refused["decline"]) == ("declined", {"code": "risk"})
    removed = change(shop, "remove", "blocked_customers", shop.customer_id, reason="a mistake")
    assert [e["what"] for e in removed["history"]] == ["added", "removed"]
    assert order(shop)["status"] == "approved"


def test_a_block_outweighs_trust(platform: Platform) -> None:
    shop = a_shop(platform, magic.ALWAYS_APPROVED)
    change(shop, "add", "blocked_customers", shop.customer_id)
    assert order(shop)["status"] == "declined"


def test_a_device_is_blocked_by_the_hash_that_evidence_shows(shop: Shop) -> None:
    auth = order(shop, device=DEVICE)
    item = shop.platform.tables.get(AuthorizationItem, auth["id"])
    device = f"{Parties.unpack(item.parties).device:016x}"
    change(shop, "add", "blocked_devices", device)
    assert order(shop, device=DEVICE)["status"] == "declined"
    assert order(shop, device={"id": "another-phone"})["status"] == "approved"


def test_a_watched_merchant_is_looked_at_and_a_watched_customer_held(shop: Shop) -> None:
    change(shop, "add", "watched_customers", shop.customer_id)
    assert order(shop)["status"] == "held"


def test_an_entry_ends_by_itself(shop: Shop) -> None:
    until = isoformat(shop.platform.clock.now() + timedelta(hours=1))
    change(shop, "add", "blocked_customers", shop.customer_id, until=until)
    assert order(shop)["status"] == "declined"
    shop.platform.clock.advance_business(timedelta(hours=1))
    assert order(shop)["status"] == "approved"
    token = shop.platform.staff_token("auditor")
    [entry] = shop.api.get("/v1/risk-lists/blocked_customers", token=token)["data"]
    assert (entry["status"], entry["value"]) == ("expired", shop.customer_id)


def test_the_lists_tell_how_many_stand_on_them(shop: Shop) -> None:
    change(shop, "add", "blocked_devices", "00000000000000ff")
    change(shop, "add", "blocked_devices", "00000000000000fe")
    change(shop, "remove", "blocked_devices", "00000000000000fe")
    token = shop.platform.staff_token("auditor")
    lists = {each["id"]: each for each in shop.api.get("/v1/risk-lists", token=token)["data"]}
    assert (lists["blocked_devices"]["entries"], lists["watched_merchants"]["entries"]) == (1, 0)


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("nothing", "cus_x", 404, "not_found"),
        ("blocked_customers", "mer_00000000000000000000000000", 422, "invalid"),
        ("blocked_customers", "cus_1", 422, "invalid"),
        ("blocked_devices", "FF00000000000000", 422, "invalid"),
        ("blocked_devices", "ff", 422, "invalid"),
    ],
)
def test_what_is_no_value_of_a_list_is_refused(shop: Shop, name: str, value: str, status: int, code: str) -> None:
    reply = change(shop, "add", name, value)
    assert (reply.status, reply["code"]) == (status, code)


def test_a_reason_and_an_end_ahead_are_needed(shop: Shop) -> None:
    assert change(shop, "add", "blocked_devices", "00000000000000ff", reason="").status == 422
    past = isoformat(shop.platform.clock.now())
    assert change(shop, "add", "blocked_devices", "00000000000000ff", until=past)["code"] == "end_in_past"
    assert change(shop, "remove", "blocked_devices", "00000000000000ff")["code"] == "not_on_list"


def test_the_same_command_twice_is_once_and_told_once(shop: Shop) -> None:
    shop.platform.events()
    first = change(shop, "add", "blocked_devices", "00000000000000ff", key="k")
    again = change(shop, "add", "blocked_devices", "00000000000000ff", key="k")
    assert (again["version"], again.replayed, first.replayed) == (first["version"], True, False)
    [told] = [e for e in shop.platform.events() if e.type == "risk_list.changed"]
    assert (told.data["what"], told.merchant_id) == ("added", None)
