"""Sealed fields: bound to their name and owner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.platform.crypto import DecryptionError, Sealer

KEY = b"0" * 32
SEALER = Sealer("cus_1", KEY)


@given(st.text() | st.integers() | st.lists(st.text(), max_size=3) | st.none())
def test_a_field_comes_back(value):
    assert SEALER.open("name", SEALER.seal("name", value)) == value


def test_the_same_value_never_looks_the_same():
    assert SEALER.seal("name", "王小明") != SEALER.seal("name", "王小明")


@pytest.mark.parametrize(
    "reader",
    [(SEALER, "phone"), (Sealer("cus_2", KEY), "name"), (Sealer("cus_1", b"1" * 32), "name")],
    ids=["another field", "another person", "another key"],
)
def test_a_value_moved_elsewhere_does_not_open(reader):
    sealer, name = reader
    with pytest.raises(DecryptionError):
        sealer.open(name, SEALER.seal("name", "王小明"))


def test_name_and_owner_do_not_run_together():
    with pytest.raises(DecryptionError):
        Sealer("cus_1", KEY).open("name", Sealer("cus_1na", KEY).seal("me", "x"))


@given(st.data())
def test_no_bit_can_be_changed(data):
    sealed = bytearray(SEALER.seal("name", "王小明"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DecryptionError):
        SEALER.open("name", bytes(sealed))


@pytest.mark.parametrize("size", [0, 5, 12, 27])
def test_what_is_cut_short_does_not_open(size):
    with pytest.raises(DecryptionError):
        SEALER.open("name", SEALER.seal("name", "x")[:size])


def test_all_fields_are_sealed_under_their_own_names():
    sealed = SEALER.seal_all({"name": "a", "phone": "b"})
    assert {name: SEALER.open(name, value) for name, value in sealed.items()} == {"name": "a", "phone": "b"}


def test_the_error_names_the_field_and_not_the_value():
    with pytest.raises(DecryptionError) as raised:
        SEALER.open("phone", SEALER.seal("name", "王小明"))
    assert str(raised.value) == "phone of cus_1"
