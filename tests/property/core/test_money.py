"""Laws of splitting and reading money."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.money import allocate, currency_exponent, parse_amount, round_ratio, to_decimal
from tests.builders.effort import effort

QUICK = settings(max_examples=effort(60), deadline=None)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=40).filter(any)


@QUICK
@given(st.integers(-(10**15), 10**15), weights)
def test_shares_sum_exactly_and_lie_within_a_unit_of_the_exact_share(total, by):
    shares = allocate(total, by)
    assert sum(shares) == total
    assert all(abs(share - Fraction(total * weight, sum(by))) < 1 for share, weight in zip(shares, by, strict=True))


@QUICK
@given(st.integers(-(10**15), 10**15), weights)
def test_the_opposite_total_splits_into_the_opposite_shares(total, by):
    assert allocate(-total, by) == tuple(-share for share in allocate(total, by))


@QUICK
@given(st.integers(0, 10**9), weights, st.integers(1, 1000))
def test_only_the_proportion_of_weights_matters(total, by, factor):
    assert allocate(total, [weight * factor for weight in by]) == allocate(total, by)


@QUICK
@given(st.integers(0, 9), st.lists(st.integers(0, 6), min_size=1, max_size=3).filter(any))
def test_no_other_split_is_closer_and_ties_are_the_earliest(total, by):
    """Against every split there is: least sum of squared distances, then lexicographically greatest."""
    exact = [Fraction(total * weight, sum(by)) for weight in by]
    splits = [split for split in product(range(total + 1), repeat=len(by)) if sum(split) == total]
    distances = {split: sum((share - each) ** 2 for share, each in zip(split, exact, strict=True)) for split in splits}
    best = min(distances.values())
    assert allocate(total, by) == max(split for split in splits if distances[split] == best)


@QUICK
@given(st.integers(-(10**20), 10**20), st.integers(1, 10**10))
def test_rounding_is_to_the_nearest_and_symmetric(numerator, denominator):
    rounded = round_ratio(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - rounded) <= Fraction(1, 2)
    assert round_ratio(-numerator, denominator) == -rounded
    if 2 * abs(numerator) % denominator == 0 and 2 * abs(numerator) // denominator % 2:
        assert abs(rounded) > abs(Fraction(numerator, denominator))


@QUICK
@given(st.integers(-(10**18), 10**18), st.sampled_from(["JPY", "KRW", "CNY", "USD", "EUR", "KWD", "BHD", "TND"]))
def test_what_is_written_out_reads_back(minor, currency):
    text = format(to_decimal(minor, currency), "f")
    assert parse_amount(text, currency) == minor
    assert len(text.partition(".")[2]) == currency_exponent(currency)
