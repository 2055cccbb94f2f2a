"""Counters do not care how the stream delivers."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.risk.counters import DAY_S, WINDOWS, Counter, Distinct, Observation, aggregate, hash64
from functions.risk.measures.hyperloglog import SlidingHyperLogLog
from functions.risk.pack import Packer, Unpacker
from functions.risk.profile import RiskProfile, Token
from tests.builders.effort import effort

START = 20_000 * DAY_S
OBSERVATIONS = st.lists(
    st.tuples(st.integers(0, 40 * DAY_S), st.integers(0, 10**6), st.integers(0, 50)), max_size=25
).map(
    lambda rows: [
        Observation(f"e{i}", "s", START + at, amount, {"customers": hash64(str(who))})
        for i, (at, amount, who) in enumerate(rows)
    ]
)


def counted(observations: list[Observation]) -> Counter:
    return aggregate(observations).get("s", Counter())


@settings(max_examples=effort(60))
@given(OBSERVATIONS, st.randoms())
def test_order_and_batching_change_nothing(observations: list[Observation], random: Any) -> None:
    whole = counted(observations)
    shuffled = list(observations)
    random.shuffle(shuffled)
    assert counted(shuffled) == whole
    cut = random.randint(0, len(shuffled))
    assert counted(shuffled[:cut]).merge(counted(shuffled[cut:])) == whole
    assert counted(shuffled[cut:]).merge(counted(shuffled[:cut])) == whole


@settings(max_examples=effort(60))
@given(OBSERVATIONS)
def test_bytes_give_the_counter_back(observations: list[Observation]) -> None:
    counter = counted(observations)
    assert Counter.unpack(counter.pack()) == counter


@settings(max_examples=effort(60))
@given(OBSERVATIONS)
def test_a_window_holds_at_least_what_is_in_it_and_at_most_one_bucket_more(observations: list[Observation]) -> None:
    now = max((o.at_s for o in observations), default=START)
    counter = counted(observations)
    for window, (width_s, length_s) in WINDOWS.items():
        inside = [o for o in observations if now - length_s < o.at_s <= now]
        around = [o for o in observations if now - length_s - width_s < o.at_s <= now]
        count, total = counter.total(window, now)
        assert len(inside) <= count <= len(around)
        assert sum(o.sum_minor for o in inside) <= total <= sum(o.sum_minor for o in around)
        different = counter.different("customers", window, now)
        things = {t for o in inside for t in o.seen.values()}
        if len({t for o in observations for t in o.seen.values()}) <= 32:
            assert len(things) <= different


SKETCH_ROWS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 4_000)), max_size=40)


@settings(max_examples=effort(60))
@given(SKETCH_ROWS, SKETCH_ROWS)
def test_sketches_merge_like_sets(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    def sketch(rows: list[tuple[int, int]]) -> SlidingHyperLogLog:
        made = SlidingHyperLogLog()
        for thing, time in rows:
            made = made.add(thing, time)
        return made

    a, b = sketch(left), sketch(right)
    assert a.merge(b) == b.merge(a) == sketch(left + right)
    assert a.merge(a) == a
    packer = Packer()
    a.pack(packer, 4_000)
    assert SlidingHyperLogLog.unpack(Unpacker(packer.done()), 4_000) == a


@settings(max_examples=effort(8))
@given(st.integers(0, 2**32), st.integers(40, 600))
def test_estimates_stay_within_five_standard_errors(seed: int, true: int) -> None:
    distinct = Distinct()
    for n in range(true):
        distinct = distinct.add(hash64(str(seed), str(n)), START + n)
    assert abs(distinct.count(30 * DAY_S, START + true) - true) <= max(3, 5 * 0.065 * true)


TOKENS = st.builds(
    Token,
    st.integers(0, 2**64 - 1),
    st.integers(0, 30_000),
    st.integers(30_000, 40_000),
    st.integers(0, 99),
    st.booleans(),
)


@settings(max_examples=effort(60))
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**12), st.integers(START, START + 90 * DAY_S), st.sampled_from(["online", "in_store"])
        )
    ),
    st.lists(TOKENS),
    st.lists(st.integers(0, 40_000)),
    st.booleans(),
)
def test_bytes_give_the_profile_back(
    purchases: list[tuple[int, int, str]], tokens: list[Token], days: list[int], missed: bool
) -> None:
    profile = RiskProfile(first_payment_missed=missed)
    for amount, at_s, channel in purchases:
        profile = profile.with_purchase(
            amount, at_s, channel=channel, merchants=[amount], cell=(-amount % 99, 5), liquid=missed
        )
        profile = profile.with_refund(amount, at_s).with_refund_elsewhere(amount, at_s)
    for token in tokens:
        profile = profile.with_device(token).with_address(token).with_instrument(token)
    for day in days:
        profile = profile.with_small_repayment(day)
    assert RiskProfile.unpack(profile.pack()) == profile
    assert len(profile.pack()) < 2_048


@settings(max_examples=effort(80))
@given(st.lists(st.integers(-(2**62), 2**62)), st.binary(max_size=9), st.text(max_size=9))
def test_packed_values_come_back_in_order(numbers: list[int], raw: bytes, text: str) -> None:
    packer = Packer()
    for number in numbers:
        packer.signed(number)
    unpacker = Unpacker(packer.blob(raw).text(text).done())
    assert [unpacker.signed() for _ in numbers] == numbers
    assert (unpacker.blob(), unpacker.text()) == (raw, text)
    unpacker.finish()
