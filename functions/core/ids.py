"""The one id maker. An id is a prefix and 26 characters of Crockford base 32 that carry 128 bits.

Minted ids sort by time (48 bits of milliseconds, 80 random bits: the ULID layout). Derived ids are a truncated
HMAC-SHA256 of what they stand for, so that the same order always has the same id and no one can guess another's.
Source: https://github.com/ulid/spec (alphabet and layout); RFC 2104, RFC 6234.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime

from functions.core.clock import epoch_ms
from functions.core.errors import NotFoundError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_AS_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_CROCKFORD = re.compile(f"[{_ALPHABET}]+", re.ASCII)
_LENGTH = 26
ID_BYTES = 16


def encode(raw: bytes) -> str:
    """26 characters for 16 bytes, most significant first, so text and bytes sort alike."""
    if len(raw) != ID_BYTES:
        raise ValueError(f"an id carries {ID_BYTES} bytes, not {len(raw)}")
    number = int.from_bytes(raw, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def decode(text: str) -> bytes:
    """Inverse of `encode`.

    Raises:
        ValueError: Wrong length, alphabet or range.
    """
    if len(text) != _LENGTH:
        raise ValueError("an id has 26 characters after its prefix")
    if not _CROCKFORD.fullmatch(text):
        raise ValueError("an id uses Crockford base 32 in upper case")
    number = int(text.translate(_AS_PYTHON), 32)
    if number >> 128:
        raise ValueError("an id carries 128 bits")
    return number.to_bytes(ID_BYTES, "big")


def new_id(prefix: str, at: datetime, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Mint a time-sortable id.

    Args:
        prefix: Without underscore, for example "chk".
        at: Its time of birth; two ids of one millisecond sort at random.
        random: Source of 10 unpredictable bytes.
    """
    return f"{prefix}_{encode(epoch_ms(at).to_bytes(6, 'big') + random(10))}"


def keyed_hash(secret: bytes, *parts: str | bytes | int, size: int = ID_BYTES) -> bytes:
    """HMAC-SHA256 over length-prefixed parts (("ab", "c") and ("a", "bc") differ), first `size` bytes."""
    message = b"".join(
        len(part).to_bytes(4, "big") + part for part in (p if isinstance(p, bytes) else str(p).encode() for p in parts)
    )
    return hmac.digest(secret, message, hashlib.sha256)[:size]


def derived_id(prefix: str, secret: bytes, *parts: str | bytes | int) -> str:
    """The id of something that its own facts identify; 128 bits of keyed hash."""
    return f"{prefix}_{encode(keyed_hash(secret, prefix, *parts))}"


def id_bytes(public_id: str) -> bytes:
    """The 16 bytes an id carries, for storing."""
    return decode(public_id.rpartition("_")[2])


def id_text(prefix: str, raw: bytes) -> str:
    """Inverse of `id_bytes`."""
    return f"{prefix}_{encode(raw)}"


def require_id(prefix: str, text: str) -> str:
    """The id itself, if it is one of this kind.

    Raises:
        NotFoundError: Anything else: an id that can't exist names nothing, and says no more than that.
    """
    head, separator, tail = text.partition("_")
    try:
        if head != prefix or not separator:
            raise ValueError("another kind of id")
        decode(tail)
    except ValueError:
        raise NotFoundError from None
    return text
