"""A journey on the platform that production's template makes: held back, contested, given back; the books balance."""

from __future__ import annotations

import pytest

from tests.builders.remote import RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def test_a_journey_is_held_back_rendered_in_part_and_contested(shop: RemoteShop) -> None:
    who = shop.newcomer()
    auth = shop.authorize(who, 90_000, category="travel")
    asked = {"amount_minor": 90_000, "service": {"units": 3}}
    capture = shop.post(f"/v1/authorizations/{auth['id']}/captures", asked, token=shop.key)
    assert (capture["holdback_minor"], capture["payout_blocked"]) == (90_000, False)
    report = {"rendered_on": capture["start_on"], "units": 1, "evidence": {"reference": "night-1"}}
    rendered = shop.post(f"/v1/captures/{capture['id']}/fulfilments", report, token=shop.key)
    assert (rendered["released_minor"], rendered["holdback_minor"]) == (30_000, 60_000)
    opened = shop.post(f"/v1/me/plans/{capture['plan_id']}/disputes", {"kind": "not_received"}, token=who.token)
    assert opened["status"] == "opened"

    def asked_of_the_merchant() -> bool:
        mine = shop.get("/v1/disputes", shop.key)["data"]
        return any((each["id"], each["status"]) == (opened["id"], "evidence_due") for each in mine)

    eventually("the merchant is asked", asked_of_the_merchant)
    accepted = shop.post(f"/v1/disputes/{opened['id']}/accept", {}, token=shop.key, status=200)
    assert (accepted["status"], accepted["refunded_minor"]) == ("accepted", 90_000)
    assert shop.get(f"/v1/refunds/{accepted['refund_id']}", shop.key)["kind"] == "dispute"
    assert shop.line(who)["outstanding_minor"] == 0
    balance = shop.get("/v1/ledger/trial-balance", shop.staff("auditor"))
    assert all(currency["difference_minor"] == 0 for currency in balance["currencies"])
