"""The request as values: what is refused before any view runs."""

from __future__ import annotations

import json

import pytest

from functions.core.errors import (
    InsufficientScopeError,
    InvalidError,
    MalformedError,
    TooLargeError,
    UnauthorizedError,
)
from functions.platform.web.context import MAX_BODY_BYTES, Call, Principal, content_hash

MERCHANT = Principal("merchant", "mer_1", frozenset({"payments:read"}))


def call(raw=b"{}", *, key="k", principal=MERCHANT, method="POST", path="/v1/x", headers=None):
    return Call(
        request_id="req",
        method=method,
        path=path,
        principal=principal,
        headers={"idempotency-key": key, **(headers or {})} if key is not None else headers or {},
        query={},
        raw=raw if isinstance(raw, bytes) else json.dumps(raw).encode(),
        commands_key=b"c" * 32,
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"deep": [{"a": 1, "a": 1}]}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        '{"a": "\ufffd"}'.encode(),
        b"[1, 2]",
        b'"text"',
        b"null",
        b"{",
        b'{"a": 1} x',
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
    ],
    ids=["twice", "twice, deep", "NaN", "inf", "-inf", "not UTF-8", "not UTF-8, as the gateway says it",
         "list", "text", "null", "cut", "more after it",
         "byte order mark", "too deep", "too long a number", "half a character", "half a character as name"],
)  # fmt: skip
def test_what_is_not_one_json_object_is_malformed(raw):
    with pytest.raises(MalformedError):
        call(raw).json()


def test_a_whole_character_in_two_escapes_is_good():
    assert call(b'{"a": "\\ud83d\\ude00"}').json() == {"a": "😀"}


def test_the_replacement_character_itself_comes_as_an_escape():
    assert call(b'{"a": "\\ufffd"}').json() == {"a": "\ufffd"}


@pytest.mark.parametrize("raw", [b"", b"  \n"])
def test_no_body_is_an_empty_object(raw):
    assert call(raw).json() == {}


def test_the_largest_body_is_read_and_one_byte_more_is_not():
    filler = MAX_BODY_BYTES - len('{"a": ""}')
    assert call({"a": "x" * filler}).json()["a"]
    with pytest.raises(TooLargeError):
        call({"a": "x" * (filler + 1)}).json()


@pytest.mark.parametrize("key", [None, "", "x" * 256, "schlüssel", "a\nb", "a\tb", "\x7f"])
def test_a_key_that_is_missing_or_unprintable_is_refused_by_name(key):
    with pytest.raises(MalformedError) as raised:
        call(key=key).command()
    assert raised.value.errors[0].pointer == "Idempotency-Key"
    assert raised.value.errors[0].code == ("invalid" if key else "required")


def test_the_longest_key_is_good():
    assert len(call(key="x" * 255).command().key) == 8


SAME = call({"a": 1, "b": [2]}).command()


@pytest.mark.parametrize("raw", [b'{"b":[2],"a":1}', b' { "a" : 1, "b" : [ 2 ] } '])
def test_a_body_is_compared_by_its_meaning(raw):
    assert call(raw).command() == SAME


@pytest.mark.parametrize("raw", [{"a": 2, "b": [2]}, {"a": 1}, {"a": "1", "b": [2]}, {"a": 1.5, "b": [2]}])
def test_another_body_is_another_body(raw):
    assert call(raw).command().body != SAME.body
    assert call(raw).command().key == SAME.key


@pytest.mark.parametrize(
    "other",
    [
        {"key": "k2"},
        {"method": "PUT"},
        {"path": "/v1/y"},
        {"principal": Principal("merchant", "mer_2", frozenset())},
        {"principal": Principal("staff", "mer_1", frozenset())},
        {"principal": None},
    ],
    ids=lambda other: next(iter(other)),
)
def test_principal_method_path_and_key_are_the_scope(other):
    command = call({"a": 1, "b": [2]}, **other).command()
    assert command.key != SAME.key
    assert command.scope != SAME.scope


def test_a_kind_and_one_of_the_scopes_are_enough():
    assert call().require("merchant", "payments:write", "payments:read") is MERCHANT
    assert call().require("merchant") is MERCHANT


@pytest.mark.parametrize(
    ("principal", "needs", "error"),
    [
        (None, ("merchant",), UnauthorizedError),
        (MERCHANT, ("customer",), UnauthorizedError),
        (MERCHANT, ("merchant", "payments:write"), InsufficientScopeError),
    ],
)
def test_another_kind_is_nobody_and_a_missing_scope_is_said(principal, needs, error):
    with pytest.raises(error):
        call(principal=principal).require(*needs)


def test_only_versions_that_were_are_known():
    assert call(headers={"whitenote-version": "2026-11-22"}).api_version() == "2026-11-22"
    with pytest.raises(InvalidError):
        call(headers={"whitenote-version": "2026-11-23"}).api_version()


def test_a_hash_of_content_knows_no_order():
    assert content_hash({"a": 1, "b": "王"}) == content_hash({"b": "王", "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
