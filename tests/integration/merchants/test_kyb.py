"""A business is looked up before it sells: what the register says decides whether it can go live."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.merchants import kyb
from functions.merchants.api import blueprint
from functions.merchants.ports import RegisterAnswer
from functions.merchants.sandbox import MAGIC_ENDINGS
from tests.builders.api import Api, Reply
from tests.builders.machine import live
from tests.builders.merchants import merchant_body
from tests.builders.platform import Platform

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
GOOD = "91310000MA1K35H47X"


@pytest.fixture
def api(platform: Platform) -> Api:
    return Api(blueprint)


@pytest.fixture
def merchant(platform: Platform, api: Api) -> str:
    return str(api.post("/v1/merchants", merchant_body(), token=platform.staff_token("operator"))["id"])


def check(platform: Platform, api: Api, merchant: str, number: str, key: str = "fresh") -> Reply:
    body = {"registration_number": number, "reason": "onboarding"}
    return api.post(f"/v1/merchants/{merchant}/kyb", body, token=platform.staff_token("risk_admin"), key=key)


def go_live(platform: Platform, api: Api, merchant: str) -> Reply:
    body = {"status": "live", "reason": "checked"}
    return api.post(f"/v1/merchants/{merchant}/status", body, token=platform.staff_token("operator"))


def answer(**changes: bool) -> RegisterAnswer:
    return RegisterAnswer("sandbox", "reg_1", **{"found": True, "active": True, "name_matches": True, **changes})


@pytest.mark.parametrize(
    ("said", "status", "reasons"),
    [
        (answer(), "verified", ()),
        (answer(found=False), "rejected", ("unknown_number",)),
        (answer(active=False), "rejected", ("struck_off",)),
        (answer(name_matches=False), "referred", ("name_differs",)),
        (None, "referred", ("register_timeout",)),
    ],
)
def test_what_each_answer_means(said: RegisterAnswer | None, status: str, reasons: tuple[str, ...]) -> None:
    found = kyb.judge(GOOD, said, NOW)
    assert (found.status, found.reasons) == (status, reasons)
    assert kyb.from_json(kyb.to_json(found)) == found


def test_a_verified_business_goes_live_and_the_check_stands_in_its_file(
    platform: Platform, api: Api, merchant: str
) -> None:
    found = check(platform, api, merchant, GOOD, key="k")
    assert (found["kyb"]["status"], found["kyb"]["number"], found["kyb"]["provider"]) == ("verified", GOOD, "sandbox")
    assert check(platform, api, merchant, GOOD, key="k").replayed
    assert go_live(platform, api, merchant)["status"] == "live"
    told = [event for event in platform.events() if event.type == "merchant.kyb_checked"]
    assert [event.data["kyb"] for event in told] == ["verified"]


@pytest.mark.parametrize("ending", MAGIC_ENDINGS)
def test_a_business_that_the_register_does_not_vouch_for_does_not_go_live(
    platform: Platform, api: Api, merchant: str, ending: str
) -> None:
    assert check(platform, api, merchant, f"9131000{ending}")["kyb"]["status"] in {"rejected", "referred"}
    refused = go_live(platform, api, merchant)
    assert (refused.status, refused["code"]) == (409, "kyb_not_passed")
    check(platform, api, merchant, GOOD)
    assert go_live(platform, api, merchant).status == 200


def test_without_a_check_a_business_goes_live_in_the_sandbox_alone(platform: Platform, api: Api, merchant: str) -> None:
    live(platform)
    refused = go_live(platform, api, merchant)
    assert (refused.status, refused["code"], refused["kyb_status"]) == (409, "kyb_not_passed", None)
