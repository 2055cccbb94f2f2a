"""Counters: windows, bytes, shards."""

from __future__ import annotations

import pytest

from functions.risk.counters import (
    DAY_S,
    EXACT,
    HOUR_S,
    QUARTER_S,
    Counter,
    Observation,
    aggregate,
    hash64,
    shard_count,
    shard_of,
)
from functions.risk.measures.hyperloglog import SlidingHyperLogLog
from functions.risk.pack import DamagedError, Packer, Unpacker

NOW = 20_000 * DAY_S + 10 * HOUR_S


def test_a_window_takes_every_bucket_that_it_touches_and_no_other() -> None:
    start_of_quarter = NOW - NOW % QUARTER_S
    counter = Counter().add(start_of_quarter - 1, sum_minor=5)
    assert counter.total("15m", start_of_quarter + QUARTER_S - 1) == (0, 0)
    assert counter.total("15m", start_of_quarter + QUARTER_S - 2) == (1, 5)
    assert counter.total("1h", start_of_quarter + HOUR_S - 2) == (1, 5)
    assert counter.total("1h", start_of_quarter + HOUR_S - 1) == (0, 0)


@pytest.mark.parametrize(("window", "length"), [("15m", 900), ("1h", 3_600), ("1d", DAY_S), ("30d", 30 * DAY_S)])
@pytest.mark.parametrize("offset", [0, 1, 899, 12_345, DAY_S - 1])
def test_nothing_inside_a_window_is_ever_missed(window: str, length: int, offset: int) -> None:
    now = 20_000 * DAY_S + offset
    counter = Counter().add(now - length + 1, sum_minor=7)
    assert counter.add(now).total(window, now) == (2, 7)


def test_what_happened_later_is_not_counted_before() -> None:
    counter = Counter().add(NOW + DAY_S)
    assert [counter.total(window, NOW)[0] for window in ("15m", "1h", "1d", "30d")] == [0, 0, 0, 0]


def test_old_buckets_are_dropped_so_that_the_item_stays_small() -> None:
    counter = Counter()
    for hour in range(24 * 90):
        counter = counter.add(NOW + hour * HOUR_S, sum_minor=10**9, seen={"customers": hash64(str(hour % 20))})
    assert [len(ring.buckets) for ring in counter.rings] == [2, 25, 31]
    assert counter.total("30d", NOW + 24 * 90 * HOUR_S)[0] <= 24 * 31
    assert len(counter.pack()) < 1_024


def test_refunds_may_lower_a_sum() -> None:
    counter = Counter().add(NOW, sum_minor=100).add(NOW, count=-1, sum_minor=-100)
    assert counter.total("1h", NOW) == (0, 0)
    assert Counter.unpack(counter.pack()) == counter


def test_distinct_is_exact_up_to_32_and_by_window() -> None:
    counter = Counter()
    for n in range(EXACT):
        counter = counter.add(NOW - n * HOUR_S, seen={"customers": hash64("c", str(n))})
        counter = counter.add(NOW - n * HOUR_S, seen={"customers": hash64("c", str(n))})
    assert counter.different("customers", "30d", NOW) == 32
    assert counter.different("customers", "1d", NOW) == 25  # the quarter-hour at the edge is touched
    assert counter.different("customers", "1h", NOW) == 2
    assert counter.different("devices", "30d", NOW) == 0


@pytest.mark.parametrize("true", [100, 1_000, 20_000])
def test_distinct_beyond_32_is_estimated_within_four_standard_errors(true: int) -> None:
    sketch = SlidingHyperLogLog()
    for n in range(true):
        sketch = sketch.add(hash64("thing", str(n)), n % 96)
    assert abs(sketch.count(0, 96) - true) <= 4 * 0.065 * true


def test_an_estimate_answers_short_windows_too() -> None:
    counter = Counter()
    for n in range(400):
        counter = counter.add(NOW - 20 * DAY_S, seen={"customers": hash64("old", str(n))})
    for n in range(60):
        counter = counter.add(NOW, seen={"customers": hash64("new", str(n))})
    assert 40 <= counter.different("customers", "1d", NOW) <= 80
    assert 340 <= counter.different("customers", "30d", NOW) <= 580


def test_a_crowded_counter_still_fits_an_item() -> None:
    counter = Counter()
    for n in range(3_000):
        counter = counter.add(
            NOW + n * 800, sum_minor=n, seen={"customers": hash64(str(n)), "devices": hash64("d", str(n))}
        )
    packed = counter.pack()
    assert len(packed) < 3_072
    assert Counter.unpack(packed) == counter


@pytest.mark.parametrize(
    "damage", [b"", b"\x01", b"\x02\xff", Counter().pack() + b"\x00", Counter().add(NOW).pack()[:-1]]
)
def test_damaged_bytes_are_refused_not_misread(damage: bytes) -> None:
    with pytest.raises(DamagedError):
        Counter.unpack(damage)


def test_a_varint_that_never_ends_is_refused() -> None:
    with pytest.raises(DamagedError):
        Unpacker(b"\xff" * 20).unsigned()
    with pytest.raises(ValueError, match="does not fit"):
        Packer().unsigned(-1)


def test_an_event_delivered_twice_in_a_batch_counts_once_per_subject() -> None:
    twice = [
        Observation("e1", "device#1", NOW, 100, {"customers": hash64("a")}),
        Observation("e1", "merchant#1", NOW, 100),
        Observation("e2", "device#1", NOW, 50, {"customers": hash64("b")}),
        Observation("e1", "device#1", NOW, 100, {"customers": hash64("a")}),
    ]
    changes = aggregate(twice)
    assert changes["device#1"].total("1h", NOW) == (2, 150)
    assert changes["device#1"].different("customers", "1h", NOW) == 2
    assert changes["merchant#1"].total("1h", NOW) == (1, 100)


@pytest.mark.parametrize(("peak", "shards"), [(0, 1), (1, 1), (500, 1), (501, 2), (50_000, 100)])
def test_shards_follow_the_peak(peak: int, shards: int) -> None:
    assert shard_count(peak) == shards


def test_an_event_always_falls_into_the_same_shard_and_events_spread() -> None:
    assert shard_of("evt_1", 8) == shard_of("evt_1", 8)
    counts = [0] * 8
    for n in range(4_000):
        counts[shard_of(f"evt_{n}", 8)] += 1
    assert min(counts) > 400
