"""JSON Web Tokens of customers (ours) and staff (an OIDC issuer's): verified against published ES256/RS256 keys.

Algorithms are fixed by the verifier, never by the token. Source: RFC 7519, RFC 8725 (best current practices).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.core.errors import UnauthorizedError

CUSTOMER_ISSUER = "whitenote"
CUSTOMER_AUDIENCE = "whitenote-customer"
CUSTOMER_LIFETIME = timedelta(minutes=15)
REFETCH_AFTER = timedelta(minutes=1)
"""A key id that is not in the set makes it be fetched again, but not more often: anybody can make key ids up."""
FRESH_FOR = timedelta(hours=1)
"""Then a set is fetched again in any case, so that a key its issuer has withdrawn goes."""
KEPT_FOR = timedelta(hours=24)
"""If the issuer does not answer, the last set stays good so long."""
_ALGORITHMS = ["ES256", "RS256"]


def fetch_jwks(url: str) -> str:
    """What `functions.platform.key_sets.fetch_jwks` does; urllib is loaded where a set is fetched, seldom."""
    from functions.platform.key_sets import fetch_jwks as fetch

    return fetch(url)


@dataclass(slots=True)
class KeySet:
    """An issuer's public keys, fetched when needed and followed through their rotation.

    Args:
        source: Inline JSON key set, or its URL.
        fetch: Gets what stands behind a URL.
    """

    source: str
    fetch: Callable[[str], str] = fetch_jwks
    _keys: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _tried_at: datetime | None = None
    _fetched_at: datetime | None = None

    def key(self, kid: str, now: datetime) -> Any:  # noqa: ANN401  cryptography's key types
        """The key of an id.

        Args:
            kid: As the token's header names it.
            now: Wall time.

        Raises:
            KeyError: No such key.
            OSError, ValueError: The set could not be had.
        """
        if self._is_due(kid, now):
            self._tried_at = now
            try:
                self._keys, self._fetched_at = self._loaded(), now
            except (OSError, ValueError):
                if self._fetched_at is None or now - self._fetched_at >= KEPT_FOR:
                    raise
        return self._keys[kid]

    def _is_due(self, kid: str, now: datetime) -> bool:
        if self._fetched_at is None or self._tried_at is None:
            return self._tried_at is None or now - self._tried_at >= REFETCH_AFTER
        if not self._is_remote:
            return False
        stale = now - self._fetched_at >= FRESH_FOR
        return (stale or kid not in self._keys) and now - self._tried_at >= REFETCH_AFTER

    @property
    def _is_remote(self) -> bool:
        return not self.source.lstrip().startswith("{")

    def _loaded(self) -> Mapping[str, Any]:
        import jwt

        text = self.fetch(self.source) if self._is_remote else self.source
        try:
            return {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(json.loads(text)).keys}
        except (jwt.PyJWTError, AttributeError, TypeError) as error:
            raise ValueError("not a key set") from error


@dataclass(slots=True)
class Verifier:
    """Verifies one issuer's tokens.

    Args:
        issuer: Required `iss`.
        audience: Required `aud`.
        keys: Its key set.
    """

    issuer: str
    audience: str
    keys: KeySet

    def claims(self, token: str, now: datetime) -> dict[str, Any]:
        """The claims of a valid token.

        Args:
            token: Compact JWT.
            now: Wall time; `exp` must lie after it and `nbf` not.

        Raises:
            UnauthorizedError: Any reason at all, without saying which.
        """
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self.keys.key(str(header.get("kid", "")), now),
                algorithms=_ALGORITHMS,
                issuer=self.issuer,
                audience=self.audience,
                # time is judged below, by our clock and not by the library's
                options={"require": ["exp", "sub", "iss", "aud"], "verify_exp": False, "verify_nbf": False,
                         "verify_iat": False},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, KeyError, OSError, RecursionError) as error:
            raise UnauthorizedError from error
        ends, begins = claims["exp"], claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise UnauthorizedError
        if not begins <= now.timestamp() < ends:
            raise UnauthorizedError
        return claims


def customer_token(
    signing_key: str,
    kid: str,
    customer_id: str,
    session: str,
    *,
    now: datetime,
    authenticated_at: datetime,
    lifetime: timedelta = CUSTOMER_LIFETIME,
) -> str:
    """A signed-in customer's access token.

    Args:
        signing_key: PEM.
        kid: Of the key.
        customer_id: Whose.
        session: `ses_…`.
        now: Wall time.
        authenticated_at: When she last gave a code or a passkey's answer; a refresh does not move it
            (`auth_time`, OpenID Connect Core 1.0, 2).
        lifetime: Of the token.
    """
    import jwt

    return jwt.encode(
        {
            "iss": CUSTOMER_ISSUER,
            "aud": CUSTOMER_AUDIENCE,
            "sub": customer_id,
            "sid": session,
            "auth_time": int(authenticated_at.timestamp()),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        },
        signing_key,
        algorithm="ES256",
        headers={"kid": kid},
    )
