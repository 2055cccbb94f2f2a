"""Months pass on the platform's own clock: statements, autopay and payouts through the real queues and functions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.core.clock import parse_instant
from tests.builders.remote import Newcomer, RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def buy(shop: RemoteShop, who: Newcomer, amount_minor: int, term: int) -> dict[str, Any]:
    auth = shop.authorize(who, amount_minor, term=term)
    capture = shop.post(f"/v1/authorizations/{auth['id']}/captures", {"amount_minor": amount_minor}, token=shop.key)
    eventually("the plan in the list", lambda: shop.get("/v1/me/plans", who.token)["data"])
    return capture


def test_a_mandate_collects_on_the_due_day_and_who_does_not_pay_is_cut_and_frozen_on_the_day(shop: RemoteShop) -> None:
    who = shop.newcomer()
    account = shop.post("/v1/me/instruments", {"number": "6200000000000005"}, token=who.token)["id"]
    allowed = shop.call("PUT", "/v1/me/autopay", {"enabled": True, "instrument_id": account}, token=who.token)
    assert allowed.status_code == 200
    bought, late = buy(shop, who, 30_000, 1), shop.newcomer()
    buy(shop, late, 30_000, 1)
    shop.pass_time(timedelta(days=62))
    plan = shop.get(f"/v1/me/plans/{bought['plan_id']}", who.token)
    assert (plan["status"], plan["outstanding_minor"]) == ("paid_off", 0)
    statements = shop.get("/v1/me/statements", who.token)["data"]
    assert sum(each["paid_minor"] for each in statements) == 30_000
    assert statements[0]["bill_minor"] == 0
    assert [each["months_late"] for each in statements] == [0] * len(statements)
    for form, start in (("pdf", b"%PDF-"), ("html", b"<!doctype html>")):
        link = shop.get(f"/v1/me/statements/{statements[-1]['id']}/document?format={form}", who.token)
        assert httpx.get(link["url"], timeout=30).content.startswith(start)
    line = shop.line(late)
    assert (line["status"], line["limit_minor"]) == ("frozen", 30_000)
    assert [change["code"] for change in line["changes"]] == ["M2", "delinquency_frozen", "M1"]
    days = [parse_instant(change["changed_at"]).date() for change in line["changes"]]
    assert (days[1] - days[2]).days == 30


def test_what_was_paid_too_much_goes_back_to_the_account(shop: RemoteShop) -> None:
    who = shop.newcomer()
    account = shop.post("/v1/me/instruments", {"number": "6200000000000001"}, token=who.token)["id"]
    buy(shop, who, 30_000, 1)
    shop.post("/v1/me/repayments", {"amount_minor": 5_000, "currency": "CNY"}, token=who.token)
    asked = {"instrument_id": account, "amount_minor": 2_000}
    assert shop.post("/v1/me/credit-balance/payout", asked, token=who.token)["status"] == "paid"
    assert shop.get("/v1/me/credit-balance", who.token)["balance_minor"] == 3_000
