"""An authenticator in software: makes passkeys and signs challenges as a phone would (WebAuthn Level 3, "none").

phone = Authenticator()
answer = phone.register(options)                       # PublicKeyCredential.toJSON() of a creation
answer = phone.sign(options)                           # … of an assertion; the counter grows each time
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One device with one passkey.

    Args:
        origin: Of the page that asks it.
        counts: Whether it keeps a signature counter; synchronised passkeys do not.
    """

    origin: str = ORIGIN
    counts: bool = True
    count: int = 0
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: dict[str, Any], *, verified: bool = True) -> dict[str, Any]:
        self.handle = unb64(options["user"]["id"])
        client = self._client("webauthn.create", options["challenge"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + cose
        data = self._data(options["rp"]["id"], ATTESTED | (VERIFIED if verified else 0)) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation), "transports": []})

    def sign(self, options: dict[str, Any], *, verified: bool = True, **replaced: Any) -> dict[str, Any]:
        """Sign the challenge; `replaced` lies about what was signed (challenge=…, rp_id=…)."""
        if self.counts:
            self.count += 1
        client = self._client("webauthn.get", replaced.get("challenge", options["challenge"]))
        data = self._data(replaced.get("rp_id", options["rpId"]), VERIFIED if verified else 0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.handle),
            }
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([PRESENT | flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": b64(self.credential),
            "rawId": b64(self.credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
