"""The key that signs customer tokens: private half in the stack's secret, public half in the functions' environment."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from infra.deploy import Target

_KEY, _KID = "customer_signing_key", "customer_signing_kid"


def _number(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """An ES256 key pair.

    Args:
        pem: The private key, PKCS 8.
    """

    pem: str

    @classmethod
    def new(cls) -> CustomerKey:
        """A fresh one."""
        key = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(key.private_bytes(*form).decode())

    @classmethod
    def of_stack(cls, target: Target, stack: str) -> CustomerKey | None:
        """The key that the stack already signs with, or None before its first deployment."""
        secrets = target.client("secretsmanager")
        try:
            held = json.loads(secrets.get_secret_value(SecretId=f"{stack}-master")["SecretString"])
        except secrets.exceptions.ResourceNotFoundException:
            return None
        return cls(held[_KEY]) if _KEY in held else None

    @property
    def kid(self) -> str:
        """Its id, the thumbprint of the public key (RFC 7638)."""
        public = self._public()
        canonical = json.dumps({k: public[k] for k in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()

    def _public(self) -> dict[str, str]:
        key = serialization.load_pem_private_key(self.pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("an ES256 key is on a curve")
        numbers = key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _number(numbers.x), "y": _number(numbers.y)}

    def jwks(self) -> str:
        """The public key set, compact JSON."""
        key = {**self._public(), "kid": self.kid, "use": "sig", "alg": "ES256"}
        return json.dumps({"keys": [key]}, separators=(",", ":"))

    def keep(self, target: Target, secret_id: str) -> None:
        """Put the private key beside the master secret, once."""
        secrets = target.client("secretsmanager")
        held: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
        if held.get(_KID) != self.kid:
            held |= {_KEY: self.pem, _KID: self.kid}
            secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(held))
