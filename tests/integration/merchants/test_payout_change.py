"""Another payout account: two people, a word to the old contact, 48 hours in which the old one is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from functions.merchants import payout_change as rules
from functions.merchants.api import blueprint
from functions.merchants.payout_change import PayoutChange
from functions.merchants.service import payout_account_of
from functions.servicing.events import on_message
from tests.builders.api import Api, Reply
from tests.builders.merchants import merchant_body
from tests.builders.platform import Platform
from tests.builders.servicing import sandbox_log

OLD = {"holder": "Lantern Ltd", "number": "DE89370400440532013000"}
NEW = {"holder": "Lantern Ltd", "number": "DE02120300000000202051"}
EMAIL = "finance@lantern.example"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
WHY = {"reason": "they moved their bank"}


@pytest.fixture
def api(platform: Platform) -> Api:
    return Api(blueprint)


@pytest.fixture
def merchant(platform: Platform, api: Api) -> str:
    body = merchant_body(payout_account=OLD, contact_email=EMAIL, country="DE")
    return str(api.post("/v1/merchants", body, token=platform.staff_token("operator"))["id"])


def step(platform: Platform, api: Api, merchant: str, what: str = "", by: str = "stf_1", key: str = "fresh") -> Reply:
    body = WHY if what else {"account": NEW, **WHY}
    token = platform.staff_token("finance", subject=by)
    return api.post(f"/v1/merchants/{merchant}/payout-account{what}", body, token=token, key=key)


def numbers(merchant: str) -> str:
    account = payout_account_of(merchant)
    assert account is not None
    return str(account["number"])


def test_a_proposal_alone_changes_nothing_and_its_author_can_not_approve_it(
    platform: Platform, api: Api, merchant: str
) -> None:
    proposed = step(platform, api, merchant)
    assert proposed["settlement"]["payout_change"] == {
        "status": "proposed", "last4": "2051", "proposed_by": "stf_1", "approved_by": None, "effective_at": None,
    }  # fmt: skip
    alone = step(platform, api, merchant, "/approve")
    assert (alone.status, alone["code"]) == (403, "same_person")
    platform.clock.advance_business(timedelta(days=30))
    assert numbers(merchant) == OLD["number"]


def test_approved_it_is_paid_to_after_48_hours_and_not_before(platform: Platform, api: Api, merchant: str) -> None:
    step(platform, api, merchant)
    approved = step(platform, api, merchant, "/approve", by="stf_2", key="a")
    assert approved["settlement"]["payout_change"]["effective_at"] == "2026-11-24T08:00:00.000Z"
    assert step(platform, api, merchant, "/approve", by="stf_2", key="a").replayed
    platform.clock.advance_business(timedelta(hours=48) - timedelta(milliseconds=1))
    assert numbers(merchant) == OLD["number"]
    platform.clock.advance_business(timedelta(milliseconds=1))
    assert numbers(merchant) == NEW["number"]
    seen = api.get(f"/v1/merchants/{merchant}", token=platform.staff_token("auditor"))
    assert (seen["settlement"]["payout_account_last4"], seen["settlement"]["payout_change"]) == ("2051", None)
    api.patch(f"/v1/merchants/{merchant}", {"cutoff": "12:00", **WHY}, token=platform.staff_token("finance"))
    assert numbers(merchant) == NEW["number"]


def test_the_old_contact_is_told_once(platform: Platform, api: Api, merchant: str) -> None:
    step(platform, api, merchant)
    step(platform, api, merchant, "/approve", by="stf_2")
    [event] = [e for e in platform.events() if e.type == "merchant.payout_account_changing"]
    assert "2051" not in repr(event.data)
    assert EMAIL not in repr(event.data)
    for _ in range(2):
        on_message({"source": "whitenote", "detail-type": event.type, "detail": event.to_dict()})
    [sent] = sandbox_log(platform)
    assert sent.channel == "email"
    assert "2051" in sent.text


def test_a_change_cancelled_in_its_48_hours_never_happens_and_is_not_told(
    platform: Platform, api: Api, merchant: str
) -> None:
    step(platform, api, merchant)
    step(platform, api, merchant, "/approve", by="stf_2")
    event = next(e for e in platform.events() if e.type == "merchant.payout_account_changing")
    assert step(platform, api, merchant, "/cancel").status == 200
    on_message({"source": "whitenote", "detail-type": event.type, "detail": event.to_dict()})
    assert sandbox_log(platform) == []
    platform.clock.advance_business(timedelta(days=3))
    assert numbers(merchant) == OLD["number"]
    late = step(platform, api, merchant, "/cancel")
    assert (late.status, late["code"]) == (409, "no_payout_change")


def test_a_new_proposal_needs_a_new_approval(platform: Platform, api: Api, merchant: str) -> None:
    step(platform, api, merchant)
    step(platform, api, merchant, "/approve", by="stf_2")
    again = step(platform, api, merchant, by="stf_2")
    assert again["settlement"]["payout_change"]["status"] == "proposed"
    platform.clock.advance_business(timedelta(days=3))
    assert numbers(merchant) == OLD["number"]


def test_no_account_number_is_stored_in_clear(platform: Platform, api: Api, merchant: str) -> None:
    step(platform, api, merchant)
    assert NEW["number"] not in repr(platform.items())


def test_what_is_stored_of_a_change_is_read_back() -> None:
    change = PayoutChange("2051", "stf_1", NOW)
    for each in (change, rules.approve(change, "stf_2", NOW)):
        assert rules.from_json(rules.to_json(each)) == each
    assert rules.from_json(None) is None
