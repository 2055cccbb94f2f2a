"""Devices and payment codes through HTTP: who may make one, what is told once, what ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.checkout.codes import otp
from functions.checkout.codes.code import PaymentCode, prove
from functions.checkout.codes.device_service import code_keys
from functions.customers import magic
from tests.builders.phone import Phone
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def proof_of(code: str, platform: Platform):
    return prove(code_keys(), PaymentCode.parse(code), otp.counter_at(platform.clock.wall()))


def test_an_enrolled_phone_makes_codes_offline_that_we_can_read(shop: Shop) -> None:
    phone = Phone.enrol(shop, name="小明的手机")
    proof = proof_of(phone.code(shop.platform.clock.wall()), shop.platform)
    assert proof is not None
    assert proof.enrolment == phone.number == 1
    later = shop.platform.clock.wall() + timedelta(days=60)
    assert phone.code(later)[1:10] != phone.code(shop.platform.clock.wall())[1:10]


def test_the_secret_is_told_again_to_a_retry_within_ten_minutes_and_then_never(shop: Shop) -> None:
    first = shop.api.post("/v1/me/devices", {}, token=shop.customer, key="d")
    again = shop.api.post("/v1/me/devices", {}, token=shop.customer, key="d")
    assert (again["secret"], again.replayed) == (first["secret"], True)
    assert (
        shop.api.post("/v1/me/devices", {"name": "x"}, token=shop.customer, key="d")["code"] == "idempotency_key_reused"
    )
    shop.platform.clock.advance(timedelta(minutes=10))
    token = shop.platform.customer_token(shop.customer_id)
    assert shop.api.post("/v1/me/devices", {}, token=token, key="d")["secret"] is None
    assert [each["secret"] for each in shop.mine("devices")["data"]] == [None]


def test_neither_secret_nor_name_is_stored_or_told(shop: Shop) -> None:
    phone = Phone.enrol(shop, name="a telling name")
    stored = repr(shop.platform.items())
    assert "a telling name" not in stored
    assert repr(phone.secret)[2:-1] not in stored
    told = [event for event in shop.platform.events() if event.type.startswith("device.")]
    assert [event.type for event in told] == ["device.enrolled"]
    assert "telling" not in repr(told[0].to_dict())
    assert shop.mine("devices")["data"][0]["name"] == "a telling name"


def test_a_removed_phone_is_gone_for_good_and_its_number_makes_other_codes(shop: Shop) -> None:
    phone = Phone.enrol(shop)
    for _ in range(2):
        gone = shop.api.delete(f"/v1/me/devices/{phone.id}", token=shop.customer)
        assert (gone.status, gone["status"], gone["aliases"]) == (200, "removed", [])
    assert shop.mine("devices")["data"] == []
    others = [Phone.enrol(shop) for _ in range(9)]
    assert sorted(each.number for each in others) == list(range(1, 10))
    assert next(each for each in others if each.number == phone.number).secret != phone.secret
    refused = shop.api.post("/v1/me/devices", {}, token=shop.customer)
    assert (refused.status, refused["code"]) == (409, "too_many_devices")


def test_anothers_device_is_not_there(shop: Shop) -> None:
    phone = Phone.enrol(shop)
    stranger = shop.platform.customer_token(a_shop(shop.platform).customer_id)
    assert shop.api.delete(f"/v1/me/devices/{phone.id}", token=stranger).status == 404
    assert len(shop.mine("devices")["data"]) == 1


def test_without_a_line_there_is_nothing_to_pay_from(platform: Platform) -> None:
    poor = a_shop(platform, magic.DECLINED)
    for path in ("devices", "payment-codes"):
        reply = poor.api.post(f"/v1/me/{path}", {}, token=poor.customer)
        assert (reply.status, reply["code"]) == (404, "no_line")


def test_a_code_made_by_us_is_the_same_until_its_step_is_over(shop: Shop) -> None:
    first = shop.api.post("/v1/me/payment-codes", {}, token=shop.customer)
    again = shop.api.post("/v1/me/payment-codes", {}, token=shop.customer)
    assert first.status == 201
    assert (len(first["code"]), first["code"]) == (18, again["code"])
    proof = proof_of(first["code"], shop.platform)
    assert proof is not None
    assert proof.enrolment == 0
    shop.platform.clock.advance(timedelta(seconds=30))
    assert shop.api.post("/v1/me/payment-codes", {}, token=shop.customer)["code"] != first["code"]


def test_a_renewed_alias_is_shown_to_phones_and_a_retry_renews_nothing(shop: Shop) -> None:
    before = Phone.enrol(shop).aliases
    path = "/v1/me/payment-codes/renew-alias"
    renewed = shop.api.post(path, {}, token=shop.customer, key="r")
    again = shop.api.post(path, {}, token=shop.customer, key="r")
    assert again.replayed
    assert renewed["aliases"] == again["aliases"] == shop.mine("devices")["data"][0]["aliases"]
    assert renewed["aliases"][0] != before[0]
    assert renewed["aliases"][1:] == before[1:]
    for _ in range(8):
        assert shop.api.post(path, {}, token=shop.customer).status == 200
    last = shop.api.post(path, {}, token=shop.customer)
    assert (last.status, last["code"], last["renewable_at"]) == (
        409, "alias_renewed_too_often", "2026-12-01T00:00:00.000Z",
    )  # fmt: skip
