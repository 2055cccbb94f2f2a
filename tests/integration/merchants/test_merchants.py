"""Merchants: taken on by staff, changed with a reason, known to others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.core.errors import NotFoundError
from functions.merchants import service
from functions.merchants.api import blueprint
from functions.merchants.keyring import MerchantKeysItem
from functions.platform.storage import keys
from functions.platform.storage.meter import item_bytes
from tests.builders.api import Api
from tests.builders.merchants import a_merchant, merchant_body

ACCOUNT = {"holder": "Lantern Electronics Ltd", "number": "DE89370400440532013000", "bank_code": "COBADEFFXXX"}
EMAIL = "finance@lantern.example"
TEN_CURRENCIES = ("CNY", "USD", "EUR", "JPY", "GBP", "HKD", "SGD", "KRW", "CHF", "AUD")


@pytest.fixture
def api(platform):
    return Api(blueprint)


@pytest.fixture
def operator(platform):
    return platform.staff_token("operator", subject="stf_op")


def ring(platform, merchant_id):
    return platform.tables.get(MerchantKeysItem, keys.merchant_keys(merchant_id), consistent=True)


def test_a_new_merchant_waits_and_has_a_key_with_every_scope(api, platform, operator):
    reply = api.post("/v1/merchants", merchant_body(), token=operator)
    assert (reply.status, reply["status"], reply["currencies"]) == (201, "pending", ["CNY"])
    assert reply["settlement"] == {
        "cutoff": "23:59",
        "payout_mode": "upfront",
        "payout_account_last4": None,
        "payout_change": None,
    }
    secret = reply["api_key"]["secret"]
    assert secret.startswith("sk_test_")
    assert api.get("/v1/api-keys", token=secret)["data"][0]["id"] == reply["api_key"]["id"]
    assert [event.type for event in platform.events()] == ["merchant.created", "api_key.created"]


def test_the_same_command_makes_the_same_merchant_and_shows_the_same_key_for_ten_minutes(api, platform, operator):
    first = api.post("/v1/merchants", merchant_body(), token=operator, key="k")
    platform.clock.advance(timedelta(minutes=10) - timedelta(milliseconds=1))
    soon = api.post("/v1/merchants", merchant_body(), token=operator, key="k")
    platform.clock.advance(timedelta(milliseconds=1))
    late = api.post("/v1/merchants", merchant_body(), token=operator, key="k")
    assert (soon.body, soon.replayed) == (first.body, True)
    assert late["api_key"] == {**first["api_key"], "secret": None}
    assert late["id"] == first["id"]


def test_the_same_key_with_another_body_is_refused(api, operator):
    api.post("/v1/merchants", merchant_body(), token=operator, key="k")
    reply = api.post("/v1/merchants", merchant_body(name="Another"), token=operator, key="k")
    assert (reply.status, reply["code"]) == (422, "idempotency_key_reused")


def test_bank_details_and_contact_are_sealed_and_shown_by_four_characters(api, platform, operator):
    body = merchant_body(payout_account=ACCOUNT, contact_email=EMAIL)
    reply = api.post("/v1/merchants", body, token=operator)
    assert reply["settlement"]["payout_account_last4"] == "3000"
    seen = f"{platform.items()} {platform.events()} {reply.body}"
    for value in (ACCOUNT["number"], ACCOUNT["holder"], EMAIL):
        assert value not in seen
    assert service.payout_account_of(reply["id"]) == ACCOUNT
    assert service.contact_of(reply["id"]) == EMAIL


def test_a_merchant_without_bank_details_has_none(platform):
    shop = a_merchant()
    assert service.payout_account_of(shop.id) is None
    assert service.contact_of(shop.id) is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"max_amount_minor": {}}, "/max_amount_minor"),
        ({"max_amount_minor": {"CNY": 0}}, "/max_amount_minor/CNY"),
        ({"max_amount_minor": {"yuan": 5}}, "/max_amount_minor/yuan/[key]"),
        ({"categories": []}, "/categories"),
        ({"categories": ["weapons"]}, "/categories/0"),
        ({"cutoff": "24:00"}, "/cutoff"),
        ({"zone": "Asia/Atlantis"}, "/zone"),
        ({"country": "ZZ"}, "/country"),
        ({"payout_account": {"holder": "x", "number": "1"}}, "/payout_account/number"),
        ({"contact_email": "nobody"}, "/contact_email"),
        ({"status": "live"}, "/status"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(api, platform, operator, changes, pointer):
    reply = api.post("/v1/merchants", merchant_body(**changes), token=operator)
    assert (reply.status, reply["errors"][0]["pointer"]) == (422, pointer)
    assert platform.items() == []


def test_a_currency_out_of_use_is_refused(api, operator):
    reply = api.post("/v1/merchants", merchant_body(max_amount_minor={"DEM": 5}), token=operator)
    assert (reply.status, reply["code"]) == (422, "unsupported_currency")


def test_the_status_is_changed_with_a_reason_and_known_to_money_calls_at_once(api, platform, operator):
    shop = a_merchant(status="pending")
    platform.events()
    reply = api.post(f"/v1/merchants/{shop.id}/status", {"status": "live", "reason": "KYB done"}, token=operator)
    assert (reply.status, reply["status"], reply["version"]) == (200, "live", 2)
    assert ring(platform, shop.id).status == "live"
    (event,) = platform.events()
    assert event.type == "merchant.status_changed"
    assert (event.data["reason"], event.data["by"], event.merchant_id) == ("KYB done", "stf_op", shop.id)


def test_a_step_that_the_table_has_not_is_refused_with_the_status(api, operator, platform):
    shop = a_merchant(status="closed")
    reply = api.post(f"/v1/merchants/{shop.id}/status", {"status": "live", "reason": "x"}, token=operator)
    assert (reply.status, reply["code"], reply["current_status"]) == (409, "status_change_refused", "closed")


def test_a_replayed_status_change_is_done_once(api, platform, operator):
    shop = a_merchant()
    path, body = f"/v1/merchants/{shop.id}/status", {"status": "suspended", "reason": "chargebacks"}
    first = api.post(path, body, token=operator, key="k")
    api.post(path, {"status": "live", "reason": "cleared"}, token=operator)
    again = api.post(path, body, token=operator, key="k")
    assert (first["status"], again.status, again.replayed, again["status"]) == ("suspended", 200, True, "live")
    other = api.post(path, {"status": "closed", "reason": "x"}, token=operator, key="k")
    assert other["code"] == "idempotency_key_reused"


def test_what_is_named_changes_and_the_rest_stays(api, platform, operator):
    shop = a_merchant()
    platform.events()
    body = {"reason": "season", "max_amount_minor": {"CNY": 9_000_000, "JPY": 100}, "cutoff": "18:00"}
    reply = api.patch(f"/v1/merchants/{shop.id}", body, token=operator)
    assert (reply["max_amount_minor"], reply["settlement"]["cutoff"]) == ({"CNY": 9_000_000, "JPY": 100}, "18:00")
    assert reply["name"] == shop.merchant.name
    (event,) = platform.events()
    assert (event.type, event.data["changed"], event.data["reason"]) == (
        "merchant.changed", ["limits", "cutoff"], "season",
    )  # fmt: skip


def test_changing_to_the_same_writes_nothing(api, platform, operator):
    shop = a_merchant()
    before = platform.items()
    reply = api.patch(f"/v1/merchants/{shop.id}", {"reason": "x", "name": shop.merchant.name}, token=operator)
    assert reply.status == 200
    assert platform.items() == before


@pytest.mark.parametrize(
    "body", [{"name": "No reason"}, {"reason": "nothing"}, {"reason": "x", "zone": "Mars"}, {"reason": "x", "id": "y"}]
)
def test_a_change_needs_a_reason_and_something_to_change(api, platform, operator, body):
    assert api.patch(f"/v1/merchants/{a_merchant().id}", body, token=operator).status == 422


def test_merchants_are_listed_newest_first_page_by_page(api, platform, operator):
    ids = []
    for _ in range(5):
        ids.append(a_merchant().id)
        platform.clock.advance(timedelta(seconds=1))
    seen, cursor = [], ""
    while True:
        reply = api.get(f"/v1/merchants?limit=2{cursor}", token=operator)
        seen += [row["id"] for row in reply["data"]]
        if reply["next_cursor"] is None:
            break
        cursor = f"&cursor={reply['next_cursor']}"
    assert seen == ids[::-1]


def test_a_cursor_of_another_list_is_refused(api, operator):
    assert api.get("/v1/merchants?cursor=AAAA", token=operator).status == 422


def test_another_slice_gets_a_merchant_at_most_thirty_seconds_old(platform, monkeypatch):
    shop, now = a_merchant(), [100.0]
    monkeypatch.setattr(service.time, "monotonic", lambda: now[0])
    with platform.metered() as meter:
        service.get_merchant(shop.id)
        service.get_merchant(shop.id)
        now[0] += 30
        service.get_merchant(shop.id)
    assert meter.requests == ["BatchGetItem", "BatchGetItem"]


def test_a_change_is_seen_at_once_where_it_was_made(api, platform, operator):
    shop = a_merchant()
    assert service.get_merchant(shop.id).status == "live"
    api.post(f"/v1/merchants/{shop.id}/status", {"status": "suspended", "reason": "x"}, token=operator)
    assert service.get_merchant(shop.id).status == "suspended"


@pytest.mark.parametrize("nobody", ["mer_" + "0" * 26, "mer_nonsense", "cus_" + "0" * 26, ""])
def test_a_merchant_that_is_not_there_is_not_found(platform, nobody):
    with pytest.raises(NotFoundError):
        service.get_merchant(nobody)


def test_the_largest_merchant_fits_in_two_kilobytes(platform):
    shop = a_merchant(
        name="名" * 200,
        zone="America/Argentina/ComodRivadavia",
        max_amount_minor=dict.fromkeys(TEN_CURRENCIES, 10**12),
        payout_account={**ACCOUNT, "holder": "名" * 64, "number": "X" * 34},
        contact_email="x" * 64 + "@" + "d" * 150 + ".example",
    )
    sizes = {item["pk"]["S"]: item_bytes(item) for item in platform.items() if item["sk"]["S"] == "-"}
    assert sizes[shop.id] <= 2048
