"""Every rule that ships fires on its case, keeps quiet just beside it, and the pack keeps quiet on ordinary orders."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions.risk.counters import DAY_S
from functions.risk.pack import pack_signals, unpack_signals
from functions.risk.profile import RiskProfile, Token
from functions.risk.rules import InvalidRule, compile_rule
from functions.risk.ruling.default_rules import default_ruleset, default_sources
from functions.risk.ruling.outcomes import Outcome
from functions.risk.signals import SYNC_SCHEMA, LineFacts, MerchantFacts, OrderFacts, stream_signals, sync_signals

NOW = 1_790_000_000
MINUTE, HOUR = 60, 3_600


def ordinary() -> dict[str, Any]:
    """An old customer's usual order from the usual device."""
    profile = RiskProfile(last_channel="online")
    for index in range(12):
        profile = profile.with_purchase(
            20_000 + 1_000 * index, NOW - (15 - index) * 6 * DAY_S, channel="online", merchants=[7], cell=(624, 2430)
        )
    day = NOW // DAY_S
    token = Token(11, day - 400, day - 3)
    profile = profile.with_device(token).with_address(token).with_instrument(token)
    order = OrderFacts(
        25_000, NOW - 10 * HOUR, "online", "electronics", 28_800, merchant=7, device=11, address=11, instrument=11,
        cell=(624, 2430),
    )  # fmt: skip
    line = LineFacts(500_000, 400_000, 0, 100_000, NOW - 500 * DAY_S)
    return sync_signals(order, line, profile, MerchantFacts(100, 2_500_000), fraud_score_bps=20)


QUIET = stream_signals(ordinary(), {}, NOW)
DAY7, DAY30 = 7 * DAY_S, 30 * DAY_S

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "listed_party": ({"lists": ("blocked_devices",)}, {"lists": ("trusted_customers",)}),
    "amount_above_own_history": (
        {"amount_to_mean_bps": 60_000, "amount_to_largest_bps": 20_000, "share_of_available_bps": 3_000},
        {"amount_to_mean_bps": 60_000, "amount_to_largest_bps": 20_000, "share_of_available_bps": 2_999},
    ),
    "amount_outlier_on_new_device": (
        {"amount_z_centi": 300, "device_known": False, "share_of_available_bps": 2_000},
        {"amount_z_centi": 300, "device_known": True, "share_of_available_bps": 2_000},
    ),
    "new_account_big_liquid_order": (
        {"tenure": DAY7 - 1, "purchase_count": 1, "liquid_goods": True, "share_of_available_bps": 9_500,
         "amount_minor": 2_000_000},
        {"tenure": DAY7, "purchase_count": 1, "liquid_goods": True, "share_of_available_bps": 9_500,
         "amount_minor": 2_000_000},
    ),
    "new_account_big_share": (
        {"tenure": DAY30 - 1, "purchase_count": 2, "share_of_available_bps": 9_500, "amount_minor": 2_000_000},
        {"tenure": DAY30 - 1, "purchase_count": 3, "share_of_available_bps": 9_500, "amount_minor": 2_000_000},
    ),
    "velocity_count_15m": ({"customer_count_15m": 12}, {"customer_count_15m": 11}),
    "velocity_count_1h": ({"customer_count_1h": 16}, {"customer_count_1h": 15}),
    "velocity_sum_1d": (
        {"customer_count_1d": 4, "tenure": DAY30, "customer_sum_1d": 450_000, "limit_minor": 500_000},
        {"customer_count_1d": 4, "tenure": DAY30, "customer_sum_1d": 449_999, "limit_minor": 500_000},
    ),
    "new_device_big_order": (
        {"device_known": False, "share_of_available_bps": 5_000},
        {"device_known": False, "share_of_available_bps": 4_999},
    ),
    "new_device_and_address": (
        {"device_age": 0, "address_age": 0, "purchase_count": 2, "amount_to_largest_bps": 10_000, "tenure": 2 * DAY_S},
        {"device_age": 0, "address_age": DAY_S, "purchase_count": 2, "amount_to_largest_bps": 10_000},
    ),
    "new_device_unusual_order": (
        {"device_age": 0, "purchase_count": 1, "address_age": 0, "amount_to_mean_bps": 10_000},
        {"device_age": 0, "purchase_count": 1, "address_age": 0, "amount_to_mean_bps": 9_999, "tenure": 2 * DAY_S},
    ),
    "shared_device": ({"device_customers_30d": 4}, {"device_customers_30d": 3}),
    "flagged_device": (
        {"device_flagged": True, "share_of_available_bps": 1_000},
        {"device_flagged": False, "share_of_available_bps": 1_000},
    ),
    "flagged_new_device": ({"device_flagged": True, "device_age": 0}, {"device_flagged": True, "device_age": DAY_S}),
    "new_address_liquid_goods": (
        {"address_known": False, "liquid_goods": True, "amount_to_largest_bps": 15_000},
        {"address_known": False, "liquid_goods": True, "amount_to_largest_bps": 15_000, "channel": "in_store"},
    ),
    "shared_address": (
        {"address_customers_30d": 6, "purchase_count": 2},
        {"address_customers_30d": 6, "purchase_count": 3},
    ),
    "shared_instrument": ({"instrument_customers_30d": 3}, {"instrument_customers_30d": 2}),
    "impossible_travel": (
        {"travel_kmh": 1_000, "distance_km": 300},
        {"travel_kmh": 1_000, "distance_km": 299},
    ),
    "channel_switch": (
        {"channel_switched": True, "time_since_last": 30 * MINUTE - 1, "first_at_merchant": True,
         "share_of_available_bps": 3_000},
        {"channel_switched": True, "time_since_last": 30 * MINUTE, "first_at_merchant": True,
         "share_of_available_bps": 3_000},
    ),
    "night_liquid_goods": (
        {"hour_local": 5, "liquid_goods": True, "share_of_available_bps": 5_000},
        {"hour_local": 6, "liquid_goods": True, "share_of_available_bps": 5_000},
    ),
    "bust_out_jump": (
        {"small_repayments_90d": 2, "amount_to_largest_bps": 50_000, "liquid_goods": True,
         "utilisation_after_bps": 8_000},
        {"small_repayments_90d": 5, "amount_to_largest_bps": 50_000, "liquid_goods": True,
         "utilisation_after_bps": 8_000},
    ),
    "limit_raise_max_out": (
        {"limit_raise_age": DAY7 - 1, "utilisation_after_bps": 9_500, "share_of_available_bps": 7_000},
        {"utilisation_after_bps": 9_500, "share_of_available_bps": 7_000},
    ),
    "first_payment_missed": ({"first_payment_missed": True}, {"first_payment_missed": False}),
    "identity_reused": (
        {"identity_reuse": 2, "tenure": 90 * DAY_S - 1},
        {"identity_reuse": 1, "tenure": 90 * DAY_S - 1},
    ),
    "refund_habit": (
        {"refund_count_30d": 4, "refund_share_bps_30d": 5_000},
        {"refund_count_30d": 3, "refund_share_bps_30d": 5_000},
    ),
    "nearly_all_refunded": (
        {"refund_count_30d": 3, "refund_share_bps_30d": 8_000},
        {"refund_count_30d": 3, "refund_share_bps_30d": 7_999},
    ),
    "refund_elsewhere_habit": (
        {"refund_elsewhere_count_30d": 2, "share_of_available_bps": 2_000},
        {"refund_elsewhere_count_30d": 1, "share_of_available_bps": 2_000},
    ),
    "watched_merchant": (
        {"lists": ("watched_merchants",), "share_of_available_bps": 2_000},
        {"lists": (), "share_of_available_bps": 2_000},
    ),
    "asked_to_confirm": ({"lists": ("stepped_up_customers",)}, {"lists": ("watched_merchants",)}),
    "watched_customer": ({"lists": ("watched_customers",)}, {"lists": ("watched_merchants",)}),
    "confirming_customer": ({"lists": ("confirming_customers",)}, {"lists": ("watched_customers",)}),
    "round_amount_odd_ticket": (
        {"round_amount": True, "first_at_merchant": True, "amount_to_ticket_bps": 50_000,
         "share_of_available_bps": 5_000},
        {"round_amount": False, "first_at_merchant": True, "amount_to_ticket_bps": 50_000,
         "share_of_available_bps": 5_000},
    ),
    "fraud_score_elevated": (
        {"fraud_score_bps": 1_000, "amount_to_largest_bps": 25_000},
        {"fraud_score_bps": 1_000, "amount_to_largest_bps": 24_999},
    ),
    "fraud_score_high": (
        {"fraud_score_bps": 3_000, "device_known": False, "amount_to_largest_bps": 10_000},
        {"fraud_score_bps": 3_000, "device_known": True, "address_known": False, "amount_to_largest_bps": 10_000},
    ),
    "stream_velocity": ({"customer_count_15m": 8}, {"customer_count_15m": 7, "customer_count_1h": 11}),
    "stream_shared_device": ({"device_customers_30d": 4}, {"device_customers_1d": 3, "device_customers_30d": 3}),
    "stream_new_lines_one_device": (
        {"device_customers_30d": 2, "tenure": DAY30 - 1, "purchase_count": 2, "liquid_goods": True,
         "utilisation_after_bps": 3_000},
        {"device_customers_30d": 2, "tenure": DAY30 - 1, "purchase_count": 2, "liquid_goods": True,
         "utilisation_after_bps": 2_999},
    ),
    "stream_one_device_one_shop": (
        {"device_customers_30d": 3, "device_merchants_30d": 1, "round_amount": True},
        {"device_customers_30d": 3, "device_merchants_30d": 2, "round_amount": True},
    ),
    "stream_shared_address": ({"address_customers_1d": 5}, {"address_customers_1d": 4}),
    "stream_instrument_spread": ({"instrument_customers_1d": 3}, {"instrument_customers_1d": 2}),
    "stream_bust_out": (
        {"limit_raise_age": 14 * DAY_S - 1, "utilisation_after_bps": 9_000, "liquid_share_bps_30d": 8_000},
        {"limit_raise_age": 14 * DAY_S, "utilisation_after_bps": 9_000, "liquid_share_bps_30d": 8_000},
    ),
    "stream_link_ring": (
        {"ring_size": 5, "ring_outstanding": 1_000_000, "limit_minor": 500_000},
        {"ring_size": 5, "ring_outstanding": 999_999, "limit_minor": 500_000},
    ),
    "stream_colluding_merchant": (
        {"merchant_count_30d": 100, "merchant_round_bps_30d": 5_000, "merchant_customers_30d": 29},
        {"merchant_count_30d": 100, "merchant_round_bps_30d": 5_000, "merchant_customers_30d": 30,
         "merchant_devices_30d": 15},
    ),
    "stream_refund_elsewhere": (
        {"merchant_elsewhere_bps_30d": 3_000, "merchant_refund_bps_30d": 1_000},
        {"merchant_elsewhere_bps_30d": 3_000, "merchant_refund_bps_30d": 999},
    ),
    "stream_early_default": (
        {"merchant_plans_due": 10, "merchant_early_default_bps": 2_000},
        {"merchant_plans_due": 9, "merchant_early_default_bps": 2_000},
    ),
    "stream_decline_burst": ({"merchant_declines_1h": 20}, {"merchant_declines_1h": 19}),
    "stream_synthetic_identity": (
        {"first_payment_missed": True, "identity_reuse": 1},
        {"first_payment_missed": True, "identity_reuse": 0},
    ),
}  # fmt: skip


def fired(signals: dict[str, Any], rule_id: str) -> bool:
    rules = {
        d.rule.id: d.rule for synchronous in (True, False) for d in default_ruleset(synchronous=synchronous).deployed
    }
    return rules[rule_id].evaluate(signals).matched is True


@pytest.mark.parametrize("source", default_sources(), ids=lambda source: source["id"])
def test_each_default_rule_fires_on_its_case_and_not_just_beside_it(source: dict[str, Any]) -> None:
    fires, does_not = CASES[source["id"]]
    assert fired({**QUIET, **fires}, source["id"])
    assert not fired({**QUIET, **does_not}, source["id"])


def test_no_default_rule_lacks_a_case_and_all_follow_the_published_grammar() -> None:
    sources = default_sources()
    assert {source["id"] for source in sources} == set(CASES)
    grammar = jsonschema.Draft202012Validator(json.loads(Path("functions/risk/rule_schema.json").read_text()))
    for source in sources:
        grammar.validate(source)


@pytest.mark.parametrize("synchronous", [True, False])
def test_an_ordinary_order_of_an_old_customer_passes(synchronous: bool) -> None:
    result = default_ruleset(synchronous=synchronous).evaluate(QUIET)
    assert result.outcome is Outcome.APPROVE
    assert result.fired == ()
    if synchronous:
        assert result.unknown == {}


def test_a_first_order_of_modest_size_passes() -> None:
    order = OrderFacts(30_000, NOW - 10 * HOUR, "online", "electronics", 28_800, merchant=7, device=11)
    signals = sync_signals(order, LineFacts(500_000, 500_000, opened_s=NOW - DAY_S), RiskProfile())
    assert default_ruleset(synchronous=True).evaluate(signals).outcome is Outcome.APPROVE


def test_a_new_account_that_takes_all_at_once_in_liquid_goods_is_held() -> None:
    order = OrderFacts(2_900_000, NOW, "online", "electronics", 28_800, liquid_goods=True, merchant=7, device=11)
    signals = sync_signals(order, LineFacts(3_000_000, 3_000_000, opened_s=NOW - DAY_S), RiskProfile())
    result = default_ruleset(synchronous=True).evaluate(signals)
    assert result.outcome is Outcome.HOLD
    assert result.fired[0].rule.id == "new_account_big_liquid_order"


def test_a_synchronous_rule_may_not_wait_for_the_stream() -> None:
    source = {"id": "r", "outcome": "hold", "when": {"gt": [{"signal": "device_customers_1h"}, 3]}}
    with pytest.raises(InvalidRule) as caught:
        compile_rule(source, SYNC_SCHEMA)
    assert caught.value.reason == "unknown_signal"


def test_a_hundred_rules_run_well_within_a_millisecond() -> None:
    ruleset = default_ruleset(synchronous=True)
    best = min(_seconds(lambda: [ruleset.evaluate(QUIET) for _ in range(4)]) for _ in range(20))
    assert len(ruleset.deployed) >= 25
    assert best < 0.001


def test_the_decision_record_of_the_default_pack_stays_small_and_replays() -> None:
    ruleset = default_ruleset(synchronous=True)
    signals = {**QUIET, "lists": ("blocked_devices", "watched_merchants"), "amount_minor": 2**52}
    packed = pack_signals(signals, SYNC_SCHEMA, ruleset.signals)
    result = ruleset.evaluate(signals)
    assert len(packed) + len(result.bits) + 8 <= 160
    assert ruleset.evaluate(unpack_signals(packed, SYNC_SCHEMA, ruleset.signals)) == result


def _seconds(run: Any) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started
