"""Rules in force and the fraud model inside the authorization."""

from __future__ import annotations

import time

import pytest

from functions.payments.store import AuthorizationItem
from functions.platform.storage import keys
from functions.platform.storage.transactions import Put, WriteSet, commit
from functions.risk.counters import DAY_S, hash64
from functions.risk.counting.store import TerminalItem
from functions.risk.fraud.features import TerminalHistory
from functions.risk.rule_life import live
from functions.risk.rule_life.store import short
from tests.builders.platform import Platform
from tests.builders.shop import Shop, a_shop
from tests.integration.risk.test_rules_api import Staff


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform, None)


def attack(shop: Shop) -> None:
    """The merchant had nothing but frauds between three weeks and one week ago, all of them known."""
    now_s, history = int(shop.platform.clock.now().timestamp()), TerminalHistory()
    history = history.with_order(now_s - 21 * DAY_S)
    for day in range(8, 20):
        history = history.with_order(now_s - day * DAY_S).with_frauds(now_s - day * DAY_S)
    item = TerminalItem(pk=keys.terminal(hash64(shop.merchant_id)), packed=history.pack(), version=1)
    commit(shop.platform.tables, WriteSet.of(Put(item)))


def test_an_order_at_a_terminal_under_attack_is_held(shop: Shop) -> None:
    assert shop.authorize(60_000)["status"] == "approved"
    shop.settle()
    attack(shop)
    auth = shop.authorize(60_000)
    assert auth["status"] == "held"
    shop.settle()
    reviewer = shop.platform.staff_token("reviewer")
    [case] = shop.api.get("/v1/reviews", token=reviewer)["data"]
    assert {r["rule"] for r in case["reasons"]} == {"fraud_score_elevated", "fraud_score_high"}
    why = shop.api.get(f"/v1/risk-decisions/{auth['id']}", token=reviewer)["score"]
    assert why["reasons"][0]["code"] == "fraud_terminal"


def test_trust_overrules_the_score(platform: Platform) -> None:
    trusted = a_shop(platform)
    attack(trusted)
    assert trusted.authorize(60_000)["status"] == "approved"


def test_with_everything_remembered_it_is_still_two_requests_and_three_read_units(shop: Shop) -> None:
    shop.authorize(60_000)
    shop.settle()
    body = {**shop.pay_body(60_000), "device": {"id": "a-phone-of-hers"}, "shipping_address": {"city": "Shanghai"}}
    shop.authorize(60_000)  # whatever a container reads once in a while has been read
    with shop.platform.metered() as meter:
        assert shop.api.post("/v1/authorizations", body, token=shop.key)["status"] == "approved"
    asked = [r for r in meter.requests if r != "GetItem"]
    assert asked == ["BatchGetItem", "TransactWriteItems"]
    gets = meter.requests.count("GetItem") * 1.0  # the key's lookup in the authorizer, consistent
    assert meter.read_units - gets <= 3.0
    assert meter.write_units <= 4


def test_a_container_learns_of_new_rules_within_half_a_minute(shop: Shop) -> None:
    shop.authorize(60_000)
    before, version = live.live(), live._copy.version
    Staff(shop).carried()
    live._copy.live, live._copy.version, live._copy.read_at = before, version, time.monotonic()
    behind = shop.authorize(60_000)
    assert behind["status"] == "approved"
    item = shop.platform.tables.get(AuthorizationItem, behind["id"])
    assert short(live.read_record(item.decision)[1]) == short(before.sync)
    live._copy.read_at -= live.CACHED_S + 1
    assert shop.authorize(60_000)["status"] == "held"
