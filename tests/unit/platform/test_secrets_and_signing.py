"""Derived keys and signed values."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from functions.platform.secrets import Secrets, hkdf
from functions.platform.signing import BadSignatureError, sign, verify

KEY = b"k" * 32


@given(st.binary(min_size=32, max_size=80), st.text(max_size=20), st.integers(1, 32))
def test_a_derived_key_is_that_of_rfc_5869(master, purpose, size):
    independent = HKDF(SHA256(), length=size, salt=b"whitenote", info=purpose.encode()).derive(master)
    assert hkdf(master, purpose, size) == independent


def test_more_than_one_block_is_refused():
    with pytest.raises(ValueError, match="32"):
        hkdf(KEY, "ids", 33)


def test_each_purpose_has_its_own_key():
    secrets = Secrets(KEY)
    assert len({secrets.key(p) for p in ("ids", "events", "quotes", "cursors", "commands", "lookup")}) == 6


def test_a_short_master_is_refused():
    with pytest.raises(ValueError, match="32"):
        Secrets(b"short")


def test_secrets_come_from_the_stored_object_and_show_nowhere():
    secrets = Secrets.from_json({"master": "m" * 64, "customer_signing_key": "pem", "customer_signing_kid": "k1"})
    assert (secrets.customer_signing_key, secrets.customer_signing_kid) == ("pem", "k1")
    secrets.key("ids")
    assert "_derived" not in repr(secrets)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=5))
def test_a_signed_value_comes_back(payload):
    assert verify(KEY, sign(KEY, payload)) == payload


def test_a_value_of_another_purpose_is_refused():
    with pytest.raises(BadSignatureError):
        verify(b"other" * 8, sign(KEY, {"a": 1}))


@given(st.data())
def test_no_character_can_be_changed(data):
    text = sign(KEY, {"amount_minor": 100})
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCabc012-_").filter(lambda c: c != text[place]))
    with pytest.raises(BadSignatureError):
        verify(KEY, text[:place] + other + text[place + 1 :])


def _second_spelling(text: str) -> str:
    """Other characters for the same bytes: the unused bits of the last one are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


@pytest.mark.parametrize("payload", [{"a": 1}, {"a": 11}])
def test_a_second_spelling_of_the_same_bytes_is_refused(payload):
    """Else a used quote could be spelled anew, past the memory of used ones."""
    text = sign(KEY, payload)
    spelled = _second_spelling(text)

    def raw(t):
        return base64.urlsafe_b64decode(t + "=" * (-len(t) % 4))

    assert raw(spelled) == raw(text)
    with pytest.raises(BadSignatureError):
        verify(KEY, spelled)


@pytest.mark.parametrize("change", ["{}=", "{}==", "{}\n", " {}", "{}*", "é{}", "{}" * 200])
def test_padding_blanks_and_lengths_that_we_never_write_are_refused(change):
    text = sign(KEY, {"amount_minor": 100})
    with pytest.raises(BadSignatureError):
        verify(KEY, change.replace("{}", text))


@given(st.text(max_size=100))
def test_garbage_is_refused_and_nothing_else_happens(text):
    with pytest.raises(BadSignatureError):
        verify(KEY, text)
