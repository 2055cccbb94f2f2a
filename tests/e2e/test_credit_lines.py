"""Decisions, limits and models on the platform that production's template makes: the assessor runs its models there."""

from __future__ import annotations

import pytest

from functions.customers import magic
from tests.builders.remote import RemoteShop, eventually
from tests.platform_fixture import RunningPlatform

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def shop(running_platform: RunningPlatform) -> RemoteShop:
    return RemoteShop(running_platform)


def test_a_person_answers_a_referral_the_line_opens_and_the_decision_replays(shop: RemoteShop) -> None:
    who = shop.newcomer(magic.BUREAU_TIMES_OUT)
    reviewer = shop.staff("reviewer")

    def waiting() -> list[dict[str, object]]:
        queue = shop.get("/v1/decisions?queue=people&limit=100", reviewer)["data"]
        return [one for one in queue if one["customer_id"] == who.id]

    [decision] = eventually("the queue's row", waiting)
    path = f"/v1/decisions/{decision['id']}"
    limit = min(shop.get(path, reviewer)["carried_limits_minor"])
    shop.post(f"{path}/approve", {"limit_minor": limit, "reason": "seen"}, token=reviewer, status=200)
    assert shop.line(who)["limit_minor"] == limit
    assert shop.post(f"{path}/replay", {}, token=reviewer, status=200)["identical"] is True


def test_a_cut_moves_the_line_and_says_why(shop: RemoteShop) -> None:
    who = shop.newcomer(limit_minor=480_000)
    body = {"currency": "CNY", "limit_minor": 240_000, "reason": "looked at"}
    path = f"/v1/customers/{who.id}/credit-line"
    shop.post(f"{path}/adjust", body, token=shop.staff("risk_admin"), status=200)
    line = shop.line(who)
    assert (line["limit_minor"], line["changes"][0]["code"]) == (240_000, "staff_cut")


def test_every_scored_application_is_counted_by_the_assessor(shop: RemoteShop) -> None:
    auditor = shop.staff("auditor")
    [champion] = [
        row["id"]
        for row in shop.get("/v1/models", auditor)["data"]
        if (row["model"], row["role"]) == ("application", "champion")
    ]
    before = shop.get(f"/v1/models/{champion}/drift", auditor)["rows"]
    shop.newcomer()
    eventually("the count", lambda: shop.get(f"/v1/models/{champion}/drift", auditor)["rows"] > before)


@pytest.mark.slow  # a container looks for a challenger every half minute
def test_an_order_is_judged_by_the_fraud_model_s_challenger_too(shop: RemoteShop) -> None:
    auditor, modeller, why = shop.staff("auditor"), shop.staff("modeller"), {"reason": "seen"}
    models = shop.get("/v1/models", auditor)["data"]
    challenger = next(row["id"] for row in models if (row["model"], row["role"]) == ("fraud", "candidate"))
    shop.post(f"/v1/models/{challenger}/challenge", why, token=modeller, status=200)

    def compared() -> dict[str, object] | None:
        shop.authorize(shop.newcomer(), 30_000)  # another one: so many orders of one were a rush
        report: dict[str, object] = shop.get(f"/v1/models/{challenger}/compare", auditor)
        return report if report["cases"] else None

    assert eventually("a comparison", compared)["agreement"] == 1.0
    shop.post(f"/v1/models/{challenger}/withdraw", why, token=modeller, status=200)
