"""Keys and tokens of the tests' own issuers; `platform` puts their public halves into the settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

STAFF_ISSUER = "https://staff.whitenote.test"
STAFF_AUDIENCE = "whitenote-staff"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An ES256 key pair: `pem` signs, `jwks` is what verifiers are given."""

    kid: str
    pem: str
    jwks: str


@lru_cache
def signing_key(kid: str) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    return SigningKey(kid, pem, json.dumps({"keys": [{**public, "kid": kid, "alg": "ES256", "use": "sig"}]}))


def staff_token(*roles: str, subject: str = "stf_1", at: datetime, **claims: Any) -> str:
    """A staff member's token; `claims` replace those of a good one (`exp=…`, `aud=…`)."""
    key = signing_key("staff-1")
    good = {
        "iss": STAFF_ISSUER,
        "aud": STAFF_AUDIENCE,
        "sub": subject,
        "roles": list(roles),
        "exp": int((at + timedelta(hours=1)).timestamp()),
    }
    return jwt.encode({**good, **claims}, key.pem, algorithm="ES256", headers={"kid": key.kid})
