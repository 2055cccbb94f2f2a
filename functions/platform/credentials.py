"""API keys: shown once, stored as a keyed hash, judged by the authorizer, compared again by calls that move money."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from functions.core.ids import encode, keyed_hash
from functions.platform.storage import keys
from functions.platform.storage.table import IntegerAttribute, Item

_SECRET_BYTES = 24
MERCHANT_SCOPES = (
    "payments:read",
    "payments:write",
    "checkouts:read",
    "checkouts:write",
    "quotes:write",
    "settlements:read",
    "events:read",
    "webhooks:write",
    "keys:write",
)


class ApiKeyItem(Item):
    """One key of a merchant, found by its hash."""

    merchant_id = UnicodeAttribute(attr_name="m")
    key_id = UnicodeAttribute(attr_name="k")
    scopes = UnicodeAttribute(attr_name="sc")
    keys_version = IntegerAttribute(attr_name="kv")
    expires_at_ms = IntegerAttribute(attr_name="ex", null=True)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A new key in the only moment it is known in clear.

    Args:
        id: `key_…`, to name it in lists and logs.
        text: `sk_test_…` or `sk_live_…`.
    """

    id: str
    text: str


def api_key(*, live: bool, entropy: bytes | None = None) -> ApiKey:
    """A key of 192 random bits; with `entropy` given, the same one again (a replay shows the same key)."""
    raw = entropy or secrets.token_bytes(_SECRET_BYTES)
    text = f"sk_{'live' if live else 'test'}_{raw[:_SECRET_BYTES].hex()}"
    return ApiKey(f"key_{encode(hashlib.sha256(text.encode()).digest()[:16])}", text)


def key_hash(secret: bytes, text: str) -> str:
    """What is stored and looked up in place of a key."""
    return keyed_hash(secret, "api-key", text, size=32).hex()


def key_item(secret: bytes, key: ApiKey, merchant_id: str, scopes: tuple[str, ...], keys_version: int) -> ApiKeyItem:
    """The stored form of a key."""
    return ApiKeyItem(
        pk=keys.api_key(key_hash(secret, key.text)),
        merchant_id=merchant_id,
        key_id=key.id,
        scopes=" ".join(scopes),
        keys_version=keys_version,
    )


def is_expired(item: ApiKeyItem, now: datetime) -> bool:
    """Whether a rotated key's overlap is over; wall time."""
    return item.expires_at_ms is not None and item.expires_at_ms <= int(now.timestamp() * 1000)
