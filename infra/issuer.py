"""The local issuer: stands in for the staff user pool, and holds the key that the platform signs customer tokens with.

Keys are made at the first start and kept in the state directory, readable by their owner alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from infra.customer_key import CustomerKey

STAFF_ISSUER = "https://staff.whitenote.example"
STAFF_AUDIENCE = "whitenote-staff"
KEYS_FILE = "issuer.json"
DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens for one embedded platform.

    Args:
        staff: Key of staff tokens.
        customer: Key of customer tokens; the platform itself signs with it too.
    """

    staff: CustomerKey
    customer: CustomerKey

    @classmethod
    def load(cls, state: Path) -> Issuer:
        """The issuer of a state directory, made if it has none."""
        file = state / KEYS_FILE
        if not file.exists():
            made = cls(CustomerKey.new(), CustomerKey.new())
            write_private(file, json.dumps({"staff": made.staff.pem, "customer": made.customer.pem}))
        held = json.loads(file.read_text())
        return cls(CustomerKey(held["staff"]), CustomerKey(held["customer"]))

    def staff_token(self, subject: str, roles: Sequence[str], *, lifetime_s: int = DAY_S) -> str:
        """A staff member's token.

        Args:
            subject: Who.
            roles: For example ["reviewer"].
            lifetime_s: How long it is good for.
        """
        now = int(time.time())
        claims = {
            "iss": STAFF_ISSUER, "aud": STAFF_AUDIENCE, "sub": subject, "roles": list(roles),
            "iat": now, "nbf": now, "exp": now + lifetime_s,
        }  # fmt: skip
        return _sign(claims, self.staff)

    def customer_token(self, claims: Mapping[str, Any], *, lifetime_s: int = DAY_S) -> str:
        """A customer's token with the claims given, and times.

        Args:
            claims: What the platform's own sign-in would put into it.
            lifetime_s: How long it is good for.
        """
        now = int(time.time())
        return _sign({"iat": now, "nbf": now, "exp": now + lifetime_s, **claims}, self.customer)


def _sign(claims: Mapping[str, Any], key: CustomerKey) -> str:
    return jwt.encode(dict(claims), key.pem, algorithm="ES256", headers={"kid": key.kid})


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)
