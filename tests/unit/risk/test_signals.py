"""Signals from facts, figure by figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.risk.counters import DAY_S, Counter, hash64
from functions.risk.expression.tree import PYTHON_TYPES
from functions.risk.measures.places import Sighting, cell_of, distance_km, speed_kmh
from functions.risk.pack import DamagedError, Packer, pack_signals, unpack_signals
from functions.risk.profile import History, RiskProfile, Token
from functions.risk.signals import (
    SCHEMA,
    SYNC_SCHEMA,
    LineFacts,
    MerchantFacts,
    OrderFacts,
    RecentOrders,
    stream_signals,
    sync_signals,
)

NOW = int(datetime(2026, 11, 22, 16, 30, tzinfo=UTC).timestamp())
TODAY = NOW // DAY_S
ORDER = OrderFacts(60_000, NOW, "online", "electronics", 8 * 3600, merchant=1, device=11, address=12, instrument=13)
LINE = LineFacts(500_000, 120_000, 80_000, 300_000, NOW - 10 * DAY_S)


def test_the_order_and_the_line() -> None:
    s = sync_signals(ORDER, LINE, None)
    assert (s["hour_local"], s["weekend"], s["round_amount"]) == (0, False, True)  # Monday half past midnight there
    assert (s["share_of_available_bps"], s["utilisation_bps"], s["utilisation_after_bps"]) == (5_000, 7_600, 8_800)
    assert (s["tenure"], s["limit_minor"]) == (10 * DAY_S, 500_000)


@pytest.mark.parametrize(("exponent", "amount", "is_round"), [(2, 59_999, False), (0, 600, True), (3, 100_000, True)])
def test_round_amounts_follow_the_currency(exponent: int, amount: int, is_round: bool) -> None:
    order = replace(ORDER, amount_minor=amount, exponent=exponent)
    assert sync_signals(order, LINE, None)["round_amount"] is is_round


@pytest.mark.parametrize("category", ["health", "aesthetic_medicine"])
def test_a_sensitive_category_is_never_a_signal(category: str) -> None:
    assert "category" not in sync_signals(replace(ORDER, category=category), LINE, RiskProfile())


@pytest.mark.parametrize("available", [0, -5])
def test_a_share_of_nothing_has_no_value(available: int) -> None:
    assert "share_of_available_bps" not in sync_signals(ORDER, replace(LINE, available_minor=available), None)


def test_velocity_counts_the_order_at_hand_and_every_bucket_touched() -> None:
    recent = RecentOrders((1, 2, 4, 8, 16), (10, 20, 40, 80, 160), (31, 3, 100), (310, 30, 999))
    s = sync_signals(ORDER, replace(LINE, velocity=recent), None)
    assert [s[f"customer_count_{w}"] for w in ("15m", "1h", "1d")] == [4, 32, 35]
    assert [s[f"customer_sum_{w}"] for w in ("15m", "1h", "1d")] == [60_030, 60_310, 60_340]


def test_a_profile_that_could_not_be_read_leaves_its_signals_out() -> None:
    missing = sync_signals(ORDER, LINE, None)
    present = sync_signals(ORDER, LINE, RiskProfile())
    assert {"purchase_count", "first_at_merchant", "device_known", "identity_reuse"} <= present.keys() - missing.keys()


def test_a_customer_without_history_has_zeros_but_no_ratios() -> None:
    s = sync_signals(ORDER, LINE, RiskProfile())
    assert (s["purchase_count"], s["customer_count_30d"], s["first_at_merchant"]) == (0, 1, True)
    assert not {"amount_to_mean_bps", "amount_z_centi", "travel_kmh", "time_since_last"} & s.keys()


def test_amount_against_own_history_is_exact() -> None:
    history = History()
    for amount in (10_000, 20_000, 30_000, 40_000):
        history = history.add(amount)
    s = sync_signals(ORDER, LINE, RiskProfile(history=history))
    assert s["amount_to_mean_bps"] == 24_000
    assert s["amount_to_largest_bps"] == 15_000
    assert s["amount_z_centi"] == 313  # (60,000 - 25,000) / 11,180.34


def test_equal_purchases_have_no_spread_and_so_no_distance() -> None:
    history = History(5, 50_000, 5 * 10_000**2, 10_000)
    assert "amount_z_centi" not in sync_signals(ORDER, LINE, RiskProfile(history=history))


def test_ratios_are_cut_before_they_grow_out_of_the_record() -> None:
    profile = RiskProfile(history=History(2, 2, 2, 1))
    s = sync_signals(replace(ORDER, amount_minor=10**12), LINE, profile)
    assert s["amount_to_mean_bps"] == 10_000_000


def test_ticket_of_the_merchant() -> None:
    assert sync_signals(ORDER, LINE, None, MerchantFacts(4, 80_000))["amount_to_ticket_bps"] == 30_000
    assert "amount_to_ticket_bps" not in sync_signals(ORDER, LINE, None, MerchantFacts())


def test_tokens_tell_new_from_known() -> None:
    profile = RiskProfile().with_device(Token(11, TODAY - 40, TODAY, 3, flagged=True))
    s = sync_signals(ORDER, LINE, profile)
    assert (s["device_known"], s["device_age"], s["device_customers_30d"], s["device_flagged"]) == (
        True, 40 * DAY_S, 3, True,
    )  # fmt: skip
    assert (s["address_known"], s["address_age"]) == (False, 0)
    assert "address_customers_30d" not in s
    assert not {"device_known", "device_age"} & sync_signals(replace(ORDER, device=None), LINE, profile).keys()


def test_place_channel_and_newness() -> None:
    profile = RiskProfile().with_purchase(
        5_000, NOW - 3_600, channel="in_store", merchants=[1, 77], cell=cell_of(31.23, 121.47)
    )
    order = replace(ORDER, cell=cell_of(39.90, 116.40), shop=78)
    s = sync_signals(order, LINE, profile)
    assert (s["first_at_merchant"], s["first_at_shop"], s["channel_switched"]) == (False, True, True)
    assert s["time_since_last"] == 3_600
    assert 1_055 <= s["distance_km"] <= 1_075
    assert s["travel_kmh"] == s["distance_km"] - 8


def test_bust_out_refund_and_identity_figures() -> None:
    profile = RiskProfile(limit_raised_day=TODAY - 3, identity_reuse=2, first_payment_missed=True)
    for day in (TODAY - 100, TODAY - 30, TODAY - 1):
        profile = profile.with_small_repayment(day)
    profile = profile.with_purchase(40_000, NOW - DAY_S, channel="online")
    profile = profile.with_refund(10_000, NOW - DAY_S).with_refund(10_000, NOW).with_refund_elsewhere(10_000, NOW)
    s = sync_signals(ORDER, LINE, profile)
    assert (s["small_repayments_90d"], s["limit_raise_age"]) == (2, 3 * DAY_S)
    assert (s["refund_count_30d"], s["refund_elsewhere_count_30d"], s["refund_share_bps_30d"]) == (2, 1, 5_000)
    assert (s["identity_reuse"], s["first_payment_missed"]) == (2, True)


def test_stream_signals_come_from_the_counters() -> None:
    device, merchant = Counter(), Counter()
    for n in range(5):
        device = device.add(NOW - n * 60, sum_minor=100, seen={"customers": hash64(str(n)), "merchants": 1})
        merchant = merchant.add(NOW - n * DAY_S, sum_minor=100, seen={"declines": hash64(str(n))})
    s = stream_signals({"amount_minor": 5}, {"device": device, "merchant": merchant}, NOW, {"ring_size": 4})
    assert (s["device_customers_1h"], s["device_customers_30d"], s["device_merchants_1d"]) == (5, 5, 1)
    assert (s["device_count_15m"], s["device_sum_1h"], s["merchant_count_30d"]) == (5, 500, 5)
    assert (s["merchant_declines_1d"], s["ring_size"], s["amount_minor"]) == (2, 4, 5)
    assert "address_count_1h" not in s


def test_every_signal_made_is_declared_and_of_its_kind() -> None:
    profile = RiskProfile(limit_raised_day=1).with_purchase(9, NOW - 9, channel="online", cell=(1, 1))
    for amount in range(5):
        profile = profile.with_purchase(amount + 1, NOW, channel="online", cell=(1, 1))
    token = Token(1, TODAY, TODAY)
    profile = profile.with_device(token).with_address(token).with_instrument(token)
    order = replace(ORDER, device=1, address=1, instrument=1, shop=5, cell=(2, 2))
    made = sync_signals(order, LINE, profile, MerchantFacts(1, 1), fraud_score_bps=5)
    assert set(made) == set(SYNC_SCHEMA)
    counters = {subject: Counter().add(NOW) for subject in ("device", "address", "instrument", "merchant")}
    for name, value in stream_signals(made, counters, NOW).items():
        assert type(value) in PYTHON_TYPES[SCHEMA.value_kind(name)], name


def test_a_snapshot_packs_small_and_comes_back() -> None:
    names = tuple(sorted(SYNC_SCHEMA))
    made = sync_signals(ORDER, LINE, RiskProfile(), fraud_score_bps=5)
    packed = pack_signals({**made, "channel": 5, "tenure": 2.5}, SYNC_SCHEMA, names)
    assert unpack_signals(packed, SYNC_SCHEMA, names) == {
        k: v for k, v in made.items() if k not in {"channel", "tenure"}
    }
    assert len(packed) < 200
    for damage in (packed[:-1], packed + b"x", b""):
        with pytest.raises(DamagedError):
            unpack_signals(damage, SYNC_SCHEMA, names)


def test_named_lists_and_plain_lists_come_back_as_they_were() -> None:
    names = ("lists", "list:blocked_devices")
    values = {"lists": ("b", "a"), "list:blocked_devices": frozenset({"y", "x"})}
    assert unpack_signals(pack_signals(values, SYNC_SCHEMA, names), SYNC_SCHEMA, names) == values


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ((52.52, 13.405), (48.8566, 2.3522), 870, 885),  # Berlin, Paris
        ((-33.87, 151.21), (51.51, -0.13), 16_980, 17_010),  # Sydney, London
        ((0, 179.99), (0, -179.99), 0, 12),  # across the date line
    ],
)
def test_distances_are_those_of_the_globe(a: tuple[float, float], b: tuple[float, float], low: int, high: int) -> None:
    assert low <= distance_km(cell_of(*a), cell_of(*b)) <= high
    assert distance_km(cell_of(*a), cell_of(*b)) == distance_km(cell_of(*b), cell_of(*a))


def test_neighbouring_cells_and_clock_skew_are_no_travel() -> None:
    here, there = Sighting(0, (0, 0)), Sighting(300, (0, 100))
    assert speed_kmh(here, Sighting(0, (0, 1))) == 0
    assert speed_kmh(here, there._replace(at_s=0)) == speed_kmh(there, here) > 0
    with pytest.raises(ValueError, match="degrees"):
        cell_of(91, 0)


def test_a_late_purchase_adds_to_history_but_moves_no_one() -> None:
    profile = RiskProfile().with_purchase(5, NOW, channel="online", cell=(1, 1))
    late = profile.with_purchase(7, NOW - 99, channel="in_store", cell=(9, 9))
    assert (late.history.total_minor, late.last_channel, late.last_at_s) == (12, "online", NOW)
    assert late.sightings == (Sighting(NOW - 99, (9, 9)), Sighting(NOW, (1, 1)))


def test_travel_is_measured_from_the_last_purchase_that_told_its_place() -> None:
    profile = RiskProfile().with_purchase(5, NOW - 9_000, channel="online", cell=cell_of(31.23, 121.47))
    profile = profile.with_purchase(5, NOW - 60, channel="online")
    s = sync_signals(replace(ORDER, cell=cell_of(39.90, 116.40)), LINE, profile)
    assert s["time_since_last"] == 60
    assert s["travel_kmh"] == (s["distance_km"] - 8) * 3_600 // 9_000


def test_goods_that_sell_for_cash_are_counted_by_day() -> None:
    profile = (
        RiskProfile().with_purchase(30, NOW, channel="online", liquid=True).with_purchase(70, NOW, channel="online")
    )
    assert (profile.days.total(30 * DAY_S, NOW), profile.liquid.total(30 * DAY_S, NOW)) == ((2, 100), (1, 30))


def test_a_profile_of_before_places_and_goods_were_kept_still_reads() -> None:
    old = Packer().unsigned(1).unsigned(1).unsigned(5_000).unsigned(5_000).blob((5_000**2).to_bytes(4, "big"))
    for _ in range(3):
        old.unsigned(0).unsigned(0)
    for _ in range(4):  # merchants, devices, addresses, instruments
        old.unsigned(0)
    old.unsigned(1).unsigned(NOW).unsigned(1).signed(624).signed(2430)
    raw = old.unsigned(0).unsigned(0).unsigned(0).unsigned(0).done()
    profile = RiskProfile.unpack(raw)
    assert (profile.sightings, profile.liquid.buckets) == ((Sighting(NOW, (624, 2430)),), {})
    assert RiskProfile.unpack(profile.pack()) == profile


def test_only_the_latest_tokens_and_merchants_are_kept() -> None:
    profile = RiskProfile()
    for n in range(60):
        profile = profile.with_device(Token(n, n, n)).with_purchase(1, NOW + n, channel="online", merchants=[n])
    assert [t.hash for t in profile.devices] == [54, 55, 56, 57, 58, 59]
    assert profile.merchants == tuple(range(20, 60))


def test_a_token_keeps_the_day_it_was_first_seen() -> None:
    profile = RiskProfile().with_device(Token(1, 100, 100)).with_device(Token(1, 150, 150, 4))
    assert profile.devices == (Token(1, 100, 150, 4),)
