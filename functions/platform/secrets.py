"""One master secret per environment, from Secrets Manager; every use has its own key derived from it.

Source: RFC 5869 (HKDF-SHA256).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

_DIGEST_BYTES = 32


def hkdf(master: bytes, purpose: str, size: int = _DIGEST_BYTES) -> bytes:
    """A key for one purpose; at most 32 bytes, which is one block."""
    if size > _DIGEST_BYTES:
        raise ValueError("one HKDF block is 32 bytes")
    extracted = hmac.digest(b"whitenote", master, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)[:size]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The environment's secrets.

    Args:
        master: At least 32 unpredictable bytes.
        customer_signing_key: PEM (PKCS 8) of the ES256 key that signs customers' tokens; "" where none are signed.
        customer_signing_kid: Its key id in the published set.
    """

    master: bytes
    customer_signing_key: str = ""
    customer_signing_kid: str = ""
    _derived: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.master) < _DIGEST_BYTES:
            raise ValueError("the master secret has at least 32 bytes")

    def key(self, purpose: str) -> bytes:
        """The key for one purpose: "ids", "events", "quotes", "commands", "tokens", "devices" and so on."""
        found = self._derived.get(purpose)
        if found is None:
            found = self._derived[purpose] = hkdf(self.master, purpose)
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Secrets:
        """From the secret's JSON object."""
        return cls(
            value["master"].encode(),
            value.get("customer_signing_key", ""),
            value.get("customer_signing_kid", ""),
        )
