"""Parties of an order: hashes that link and name nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.payments.parties import Parties, address_hash, party_hash

SECRET = b"a secret of the tests"
THING = st.none() | st.integers(0, 2**64 - 1)


CELL = st.none() | st.tuples(st.integers(-1_800, 1_800), st.integers(-3_600, 3_600))


@given(st.builds(Parties, THING, THING, THING, THING, st.booleans(), CELL))
def test_bytes_give_the_parties_back(parties: Parties) -> None:
    packed = parties.pack()
    assert Parties.unpack(packed) == parties
    assert packed is None or len(packed) <= 37


def test_nobody_takes_no_byte() -> None:
    assert Parties().pack() is None
    assert Parties.unpack(None) == Parties()


def test_ones_own_word_counts_before_anothers() -> None:
    mine, theirs = Parties(device=1, cell=(1, 2)), Parties(device=2, address=3, device_flagged=True, cell=(3, 4))
    assert mine.over(theirs) == Parties(device=1, address=3, device_flagged=True, cell=(1, 2))
    assert Parties(device=1).over(theirs).cell == (3, 4)


@pytest.mark.parametrize(
    "written",
    [
        ("CN", "200000", "Shanghai", "Nanjing Road 12", "3-4"),
        ("cn", "200 000", "SHANGHAI ", "nanjing road, 12", "3/4"),
        ("CN", "200000", "Ｓｈａｎｇｈａｉ", "Nanjing Road 12", "3 4"),
    ],
)
def test_an_address_is_the_same_however_it_is_written(written: tuple[str, ...]) -> None:
    expected = address_hash(SECRET, ("CN", "200000", "shanghai", "nanjing road 12", "34"))
    assert address_hash(SECRET, written) == expected


def test_another_house_is_another_address_and_no_address_is_none() -> None:
    base = ("CN", "200000", "Shanghai", "Nanjing Road 12", None)
    assert address_hash(SECRET, base) != address_hash(SECRET, (*base[:3], "Nanjing Road 13", None))
    assert address_hash(SECRET, base) != address_hash(b"another", base)
    assert address_hash(SECRET, (None, " ", "", "-", None)) is None


def test_the_same_text_as_another_kind_is_another_party() -> None:
    assert party_hash(SECRET, "device", "x") != party_hash(SECRET, "instrument", "x")
    assert party_hash(SECRET, "shop", "a", "bc") != party_hash(SECRET, "shop", "ab", "c")
