"""Opaque cursors: the place in a list, sealed so that nobody can read or move it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from functions.core.errors import FieldError, InvalidError
from functions.platform.storage.table import RawItem

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
_TAG_BYTES = 12
_LIMIT_DIGITS = 3

T = TypeVar("T")


def page_limit(query: Mapping[str, str]) -> int:
    """`?limit=` as an integer of 1–100, 20 if absent.

    Raises:
        InvalidError: Anything else.
    """
    text = query.get("limit", str(DEFAULT_LIMIT))
    if text.isascii() and text.isdigit() and len(text) <= _LIMIT_DIGITS and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidError("limit is 1 to 100", errors=(FieldError("limit", "out_of_range", "1 to 100"),))


def seal(secret: bytes, scope: str, key: RawItem | None) -> str | None:
    """A cursor for the key to go on from; None at the end."""
    if key is None:
        return None
    raw = json.dumps(dict(sorted(key.items())), separators=(",", ":")).encode()
    tag = hmac.digest(secret, scope.encode() + b"\0" + raw, hashlib.sha256)[:_TAG_BYTES]
    return base64.urlsafe_b64encode(tag + raw).decode().rstrip("=")


def unseal(secret: bytes, scope: str, cursor: str | None) -> RawItem | None:
    """Inverse of `seal`, for the same list only.

    Raises:
        InvalidError: Not a cursor of this list.
    """
    if cursor is None:
        return None
    try:
        blob = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        blob = b""
    tag, raw = blob[:_TAG_BYTES], blob[_TAG_BYTES:]
    expected = hmac.digest(secret, scope.encode() + b"\0" + raw, hashlib.sha256)[:_TAG_BYTES]
    if not raw or not hmac.compare_digest(tag, expected):
        raise InvalidError(
            "not a cursor of this list",
            errors=(FieldError("cursor", "invalid", "use next_cursor as it came"),),
        )
    key: RawItem = json.loads(raw)
    return key


def page(items: Sequence[T], next_cursor: str | None, present: Callable[[T], Any]) -> dict[str, Any]:
    """The body of a list."""
    return {"data": [present(item) for item in items], "next_cursor": next_cursor}
