"""Files of late debts: by bucket, as the plans tell; contacts under caps; promises judged by what was paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.builders.autopay import sweep_until
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop

DAY = timedelta(days=1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def late(shop: Shop, days: int, amount: int = 30_000) -> str:
    plan = str(shop.buy(amount, term=1)["plan_id"])
    sweep_until(shop, shop.platform.clock.now() + (30 + days) * DAY)
    return plan


def support(shop: Shop, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    return shop.api(method, path, body, token=shop.platform.staff_token("support"), key=key)


def files(shop: Shop, bucket: str = "M1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = support(shop, "GET", f"/v1/collections?bucket={bucket}")["data"]
    return found


def contact(shop: Shop, file: str, key: str, outcome: str = "no_answer", channel: str = "phone") -> Any:
    return support(shop, "POST", f"/v1/collections/{file}/contacts", {"channel": channel, "outcome": outcome}, key)


def test_a_late_customer_is_in_the_list_of_the_bucket_and_moves_with_it_and_leaves_when_paid(shop: Shop) -> None:
    late(shop, 2)
    [file] = files(shop)
    assert (file["bucket"], file["customer_id"], file["overdue_minor"]) == ("M1", shop.customer_id, 30_000)
    sweep_until(shop, shop.platform.clock.now() + 31 * DAY)
    assert files(shop) == []
    [moved] = files(shop, "M2")
    assert (moved["id"], moved["since_on"]) == (file["id"], file["since_on"])
    shop.repay(support(shop, "GET", f"/v1/collections/{file['id']}")["overdue_minor"])
    shop.settle()
    assert files(shop, "M2") == []
    assert support(shop, "GET", f"/v1/collections/{file['id']}")["bucket"] == "current"


def test_who_pays_in_time_has_no_file(shop: Shop) -> None:
    shop.buy(30_000, term=1)
    sweep_until(shop, shop.platform.clock.now() + 30 * DAY)
    shop.repay(30_000)
    sweep_until(shop, shop.platform.clock.now() + 5 * DAY)
    assert files(shop) == []


def test_a_written_off_debt_stays_in_a_list_of_its_own_with_what_is_claimed(shop: Shop) -> None:
    late(shop, 181)
    [file] = files(shop, "charged_off")
    assert file["charged_off_minor"] == 30_000
    shop.repay(10_000)
    shop.settle()
    assert support(shop, "GET", f"/v1/collections/{file['id']}")["charged_off_minor"] < 30_000


def test_a_contact_is_logged_once_and_a_second_on_the_day_is_refused_with_the_time_for_it(shop: Shop) -> None:
    late(shop, 2)
    [file] = files(shop)
    made, again = contact(shop, file["id"], "one"), contact(shop, file["id"], "one")
    assert (len(made["contacts"]), again.replayed, again["contacts"]) == (1, True, made["contacts"])
    refused = contact(shop, file["id"], "two", channel="email", outcome="sent")
    assert (refused.status, refused["code"]) == (409, "contact_cap")
    assert refused["next_contact_at"] == made["next_message_at"]
    shop.platform.clock.advance_business(DAY)
    assert contact(shop, file["id"], "three").status == 200


def test_a_kept_promise_is_told_from_a_broken_one(shop: Shop) -> None:
    late(shop, 2)
    [file] = files(shop)
    on = (shop.platform.clock.now() + 3 * DAY).date().isoformat()
    path = f"/v1/collections/{file['id']}/promises"
    made = support(shop, "POST", path, {"amount_minor": 10_000, "on": on}, "p1")
    assert (made["promise"]["status"], made["promise"]["on"]) == ("open", on)
    shop.repay(10_000)
    told = sweep_until(shop, shop.platform.clock.now() + 5 * DAY)
    assert told.count("collection.promise_kept") == 1
    on = (shop.platform.clock.now() + 3 * DAY).date().isoformat()
    support(shop, "POST", path, {"amount_minor": 10_000, "on": on}, "p2")
    shop.repay(9_999)
    told = sweep_until(shop, shop.platform.clock.now() + 5 * DAY)
    assert told.count("collection.promise_broken") == 1


@pytest.mark.parametrize("days", [-1, 31])
def test_a_promise_for_yesterday_or_never_is_none(shop: Shop, days: int) -> None:
    late(shop, 2)
    [file] = files(shop)
    on = (shop.platform.clock.now() + days * DAY + timedelta(hours=8)).date().isoformat()
    body = {"amount_minor": 10_000, "on": on}
    assert support(shop, "POST", f"/v1/collections/{file['id']}/promises", body, "p").status == 422
    assert support(shop, "GET", "/v1/collections?bucket=M9").status == 422
