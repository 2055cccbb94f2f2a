"""Signed values that travel through other people's hands: quotes, customer tokens, sign-in state.

A compact form of its own rather than JWT on the hot path: purpose, JSON payload and HMAC-SHA256, 128 bits of tag or
more. The purpose is part of the key, so a token of one kind is never good as another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

_TAG_BYTES = 24
MAX_TOKEN_CHARACTERS = 2048


class BadSignatureError(Exception):
    """Not a value that we signed for this purpose."""


def sign(key: bytes, payload: Mapping[str, Any]) -> str:
    """URL-safe text that carries the payload and its tag."""
    raw = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    tag = hmac.digest(key, raw, hashlib.sha256)[:_TAG_BYTES]
    return base64.urlsafe_b64encode(tag + raw).rstrip(b"=").decode()


def verify(key: bytes, text: str) -> dict[str, Any]:
    """The payload of `sign`.

    Raises:
        BadSignatureError: Too long, not ours, changed, or of another purpose.
    """
    if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
        raise BadSignatureError
    try:
        blob = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadSignatureError from None
    raw = blob[_TAG_BYTES:]
    if not hmac.compare_digest(blob[:_TAG_BYTES], hmac.digest(key, raw, hashlib.sha256)[:_TAG_BYTES]):
        raise BadSignatureError
    if base64.urlsafe_b64encode(blob).rstrip(b"=").decode() != text:
        raise BadSignatureError  # a second spelling of the same bytes would have another replay hash
    payload: dict[str, Any] = json.loads(raw)
    return payload
