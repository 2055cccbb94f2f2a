"""Ids: one maker, 128 bits, text that sorts as its bytes do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import NotFoundError
from functions.core.ids import decode, derived_id, encode, id_bytes, id_text, keyed_hash, new_id, require_id

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
RAW = st.binary(min_size=16, max_size=16)


def test_text_is_that_of_the_ulid_specification():
    """The example of the specification's reference implementation."""
    assert encode((1469918176385).to_bytes(6, "big") + bytes(10)) == "01ARYZ6S410000000000000000"


@given(RAW)
def test_text_carries_every_bit(raw):
    assert decode(encode(raw)) == raw


@given(RAW, RAW)
def test_text_sorts_as_the_bytes_do(one, other):
    assert (encode(one) < encode(other)) == (one < other)


def test_later_ids_sort_after_earlier_ones():
    ids = [new_id("chk", AT + timedelta(milliseconds=ms)) for ms in range(5)]
    assert sorted(ids) == ids


def test_two_ids_of_one_millisecond_differ():
    assert len({new_id("chk", AT) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "I" + "0" * 25, "o" + "0" * 25, "0" * 25 + "é", "0" * 25 + "\n"],
)
def test_what_no_encoder_writes_is_refused(text):
    with pytest.raises(ValueError, match="id"):
        decode(text)


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_parts_of_a_hash_do_not_run_together(one, other):
    assert (keyed_hash(b"k", *one) == keyed_hash(b"k", *other)) == (one == other)


def test_a_hash_depends_on_its_secret():
    assert keyed_hash(b"one", "x") != keyed_hash(b"other", "x")


def test_a_derived_id_is_the_same_again_and_another_per_kind():
    assert derived_id("cus", b"k", "a", 1) == derived_id("cus", b"k", "a", 1)
    assert id_bytes(derived_id("cus", b"k", "a")) != id_bytes(derived_id("mer", b"k", "a"))


@given(RAW)
def test_an_id_comes_back_from_its_bytes(raw):
    assert id_bytes(id_text("auth", raw)) == raw


@pytest.mark.parametrize(
    "text", ["", "cus", "cus_", "mer_" + "0" * 26, "CUS_" + "0" * 26, "cus_" + "0" * 25, "cus__" + "0" * 26, "../x"]
)
def test_what_is_not_an_id_of_the_kind_names_nothing(text):
    with pytest.raises(NotFoundError):
        require_id("cus", text)


def test_an_id_of_the_kind_is_given_back():
    text = new_id("cus", AT)
    assert require_id("cus", text) == text
