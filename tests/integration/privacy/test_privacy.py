"""Export tells all there is; erasure leaves the books whole and nobody in them; a restore brings nobody back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from functions.ledger.audit.export_service import export_ledger
from functions.lending.plans.balance_store import plan_balance_change
from functions.platform.storage.transactions import commit
from functions.privacy.replay import main as replay
from tests.builders.autopay import an_account
from tests.builders.platform import TABLE, Platform
from tests.builders.shop import Shop, a_shop


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def erase(shop: Shop):
    return shop.api.delete("/v1/me", token=shop.customer)


def paid(shop: Shop) -> str:
    """A purchase that is paid back in full."""
    plan = shop.buy(120_000)["plan_id"]
    quote = shop.mine(f"plans/{plan}/payoff-quote")["quote"]
    done = shop.api.post(f"/v1/me/plans/{plan}/payoff", {"quote": quote}, token=shop.customer)
    assert done.status in {200, 201}, done.body
    shop.settle()
    return str(plan)


def personal(shop: Shop) -> set[str]:
    me = shop.api.get("/v1/me", token=shop.customer).body
    return {me["name"], me["phone"], me["document"]["number"]}


def test_an_export_holds_every_part_and_the_persons_own_data(shop):
    capture = shop.buy(120_000)
    shop.repay(1_000)
    export = shop.mine("export")
    assert export.status == 200
    assert export["profile"] == shop.api.get("/v1/me", token=shop.customer).body
    assert [plan["id"] for plan in export["plans"]] == [capture["plan_id"]]
    assert export["agreements"][0]["accepted_hash"]
    assert [each["code"] for each in export["consent_history"]] == ["bureau_query"]
    (application,) = export["credit_applications"]
    assert application["id"] == shop.application["id"]
    assert application["record"]["decision"]["outcome"] == "approved"
    assert application["record"]["inputs"]
    assert [line["currency"] for line in export["credit_lines"]] == ["CNY"]
    assert len(export["ledger_entries"]) == 2
    assert [(each["amount_minor"], each["status"]) for each in export["repayments"]] == [(1_000, "received")]
    assert not [part for part, value in export.body.items() if value is None]


def test_an_export_has_what_was_paid_out_and_what_the_person_complained_about(shop, platform):
    shop.buy(3_000, term=1)
    platform.clock.advance_business(timedelta(days=31))
    paid_in = shop.repay(10_000)
    shop.settle()
    account = an_account(shop)
    payout = shop.api.post("/v1/me/credit-balance/payout", {"instrument_id": account}, token=shop.customer)
    said = {"customer_id": shop.customer_id, "topic": "fees", "channel": "phone", "text": "The fee is too high."}
    shop.api.post("/v1/complaints", said, token=platform.staff_token("support"))
    export = shop.mine("export")
    assert [each["id"] for each in export["repayments"]] == [paid_in["id"]]
    assert export["credit_payouts"] == [payout.body]
    assert [each["text"] for each in export["complaints"]] == ["The fee is too high."]
    assert not {"taken_by", "answered_by"} & export["complaints"][0].keys()


def test_an_export_goes_through_every_page(shop, monkeypatch):
    monkeypatch.setattr("functions.privacy.export_service.MAX_LIMIT", 1)
    plans = [shop.buy(10_000 + n)["plan_id"] for n in range(3)]
    export = shop.mine("export")
    assert sorted(plan["id"] for plan in export["plans"]) == sorted(plans)
    assert len(export["ledger_entries"]) == 3


def test_nobody_is_forgotten_who_owes_or_is_owed(shop):
    shop.buy(120_000)
    shop.authorize(50_000)
    refused = erase(shop)
    assert (refused.status, refused["code"]) == (409, "erasure_blocked")
    assert {error["code"] for error in refused["errors"]} == {"held", "outstanding", "plan_open"}
    assert shop.api.get("/v1/me", token=shop.customer).status == 200


def test_erasure_leaves_nothing_that_opens_or_finds_the_person(shop, platform):
    known = personal(shop)
    done = erase(shop)
    assert (done.status, done["status"], done["customer_id"]) == (200, "erased", shop.customer_id)
    assert shop.api.get("/v1/me", token=shop.customer).status == 404
    assert shop.mine("export").status == 404
    (item,) = [raw for raw in platform.items() if raw["pk"]["S"] == shop.customer_id and raw["sk"]["S"] == "-"]
    assert not {"wk", "nm", "ph", "dc", "bo", "ad"} & item.keys()
    assert not [raw["pk"]["S"] for raw in platform.items() if raw["pk"]["S"].startswith(("tel#", "doc#"))]
    everything = repr(platform.items()) + repr(platform.items(platform.settings.ledger_table))
    assert not [secret for secret in known if secret in everything]


def test_bank_accounts_and_mandates_are_exported_and_forgotten_with_their_last_digits(shop, platform):
    account = shop.api.post(
        "/v1/me/instruments", {"number": "6222020200012345678", "bank": "ICBC"}, token=shop.customer
    )
    asked = {"enabled": True, "instrument_id": account["id"]}
    assert shop.api("PUT", "/v1/me/autopay", asked, token=shop.customer).status == 200
    export = shop.mine("export")
    assert [each["last4"] for each in export["instruments"]] == ["5678"]
    assert [each["instrument_id"] for each in export["mandates"]] == [account["id"]]
    assert erase(shop).status == 200
    assert not [raw for raw in platform.items() if raw["sk"]["S"].startswith(("ins#", "autopay#"))]
    assert not {"5678", "ICBC"} & {value for raw in platform.items() for each in raw.values() for value in each.values()
                                   if isinstance(value, str)}  # fmt: skip


def test_a_credit_balance_keeps_the_person_in_whatever_currency(shop, platform):
    commit(platform.tables, plan_balance_change(shop.customer_id, "EUR", 500, platform.clock.now()))
    assert [each["code"] for each in erase(shop)["errors"]] == ["credit_balance"]


def test_asked_twice_the_answer_is_the_same(shop):
    assert erase(shop).body == erase(shop).body


def test_an_erased_customers_line_buys_nothing_more(shop):
    body = shop.pay_body(10_000)
    assert erase(shop).status == 200
    answer = shop.api.post("/v1/authorizations", body, token=shop.key)
    assert (answer.status, answer["status"]) == (201, "declined")


def test_an_order_that_comes_between_keeps_the_person(shop, platform):
    """The line is closed under the condition that it carries nothing: the read before it decides nothing alone."""
    body = shop.pay_body(10_000)
    tables = platform.box.tables
    original, done = tables.dispatch, []

    def dispatch(operation, arguments):
        if (
            operation == "TransactWriteItems"
            and not done
            and any("Put" in i and i["Put"]["Item"]["pk"]["S"] == "erased" for i in arguments["TransactItems"])
        ):
            done.append(True)
            assert shop.api.post("/v1/authorizations", body, token=shop.key)["status"] == "approved"
        return original(operation, arguments)

    tables.dispatch = dispatch
    try:
        refused = erase(shop)
    finally:
        del tables.dispatch
    assert done
    assert (refused.status, refused["code"]) == (409, "erasure_blocked")
    assert shop.api.get("/v1/me", token=shop.customer).status == 200


def test_the_books_stay_whole(shop, platform):
    paid(shop)
    before = [line["entry"]["id"] for line in export_ledger() if line["type"] == "entry"]
    assert erase(shop).status == 200
    lines = list(export_ledger())
    assert [line["entry"]["id"] for line in lines if line["type"] == "entry"] == before
    assert [line for line in lines if line["type"] == "stray"] == []


def test_a_restore_brings_nobody_back(shop, platform, capsys):
    backup = platform.items()
    assert erase(shop).status == 200
    for raw in backup:
        platform.client("dynamodb").put_item(TableName=TABLE, Item=raw)
    assert shop.api.get("/v1/me", token=shop.customer).status == 200
    capsys.readouterr()
    assert replay([]) == 0
    assert capsys.readouterr().out == "1 tombstones, 1 people forgotten again\n"
    assert shop.api.get("/v1/me", token=shop.customer).status == 404
    assert replay([]) == 0
    assert capsys.readouterr().out == "1 tombstones, 0 people forgotten again\n"


def test_the_record_of_a_decision_is_shredded_with_the_key(shop, platform):
    assert erase(shop).status == 200
    stored = [raw for raw in platform.items() if raw["sk"]["S"].startswith("app#")]
    assert stored
    assert all(b"income" not in value.get("B", b"") for raw in stored for value in raw.values())
    assert json.loads(stored[0]["rs"]["S"]) == []
