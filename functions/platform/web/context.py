"""Who is asking, with what, and under which command: the request as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.core.errors import (
    FieldError,
    InsufficientScopeError,
    InvalidError,
    MalformedError,
    TooLargeError,
    UnauthorizedError,
)
from functions.core.ids import keyed_hash

MAX_BODY_BYTES = 64 * 1024
MAX_KEY_CHARACTERS = 255
HASH_BYTES = 8
_REPLACEMENT = "\ufffd"
"""API Gateway hands on this for bytes that are not UTF-8. Who means the character itself writes it as an escape."""
CURRENT_VERSION = "2026-11-22"
VERSIONS = (CURRENT_VERSION, "2026-09-01")
"""The newest first; functions/platform/web/versions.py says what the older ones do otherwise."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever the authorizer judged to be there.

    Args:
        kind: "merchant", "customer" or "staff".
        id: `mer_…`, `cus_…`, or the staff subject.
        scopes: What the credential allows; staff roles are scopes.
        key_id: Which API key, for merchants.
        keys_version: The merchant's key generation when judged; a later revocation raises it.
        session: Which sign-in, for customers.
        authenticated_s: When a customer last gave a code or a passkey's answer; epoch seconds, wall time.
    """

    kind: str
    id: str
    scopes: frozenset[str]
    key_id: str = ""
    keys_version: int = 0
    session: str = ""
    authenticated_s: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One intent to change something, as its retries will repeat it.

    Args:
        key: 8-byte keyed hash of principal, method, path and Idempotency-Key.
        body: 8-byte keyed hash of the body's meaning.
        scope: Text the id of a created object is derived from.
    """

    key: bytes
    body: bytes
    scope: str


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, judged and parsed.

    Args:
        principal: None on public routes.
        raw: Body bytes.
        query: Query parameters, first value of each.
        headers: Lower-case names.
    """

    request_id: str
    method: str
    path: str
    principal: Principal | None
    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes
    commands_key: bytes

    @property
    def who(self) -> Principal:
        """The principal, on routes that have one.

        Raises:
            UnauthorizedError: None was judged.
        """
        if self.principal is None:
            raise UnauthorizedError
        return self.principal

    def require(self, kind: str, *scopes: str) -> Principal:
        """The principal, if it is of this kind and has one of the scopes.

        Raises:
            UnauthorizedError: Another kind of credential.
            InsufficientScopeError: The kind is right, the scope is missing.
        """
        who = self.who
        if who.kind != kind:
            raise UnauthorizedError
        if scopes and not who.scopes & frozenset(scopes):
            raise InsufficientScopeError(f"needs {' or '.join(scopes)}")
        return who

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object.

        Raises:
            TooLargeError: Over 64 KiB.
            MalformedError: Not UTF-8, not JSON, not an object, or with a number that JSON does not know.
        """
        if len(self.raw) > MAX_BODY_BYTES:
            raise TooLargeError
        if not self.raw.strip():
            return {}
        try:
            text = self.raw.decode("utf-8")
            if _REPLACEMENT in text:
                raise MalformedError("the body is not UTF-8")
            value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
            if b"\\u" in self.raw:
                json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no character
        except (ValueError, RecursionError):
            raise MalformedError("the body is not JSON") from None
        if not isinstance(value, dict):
            raise MalformedError("the body is not a JSON object")
        return value

    def idempotency_key(self) -> str:
        """The key that a command must carry.

        Raises:
            MalformedError: No Idempotency-Key, or not 1–255 printable ASCII characters.
        """
        key = self.headers.get("idempotency-key", "")
        if not key or len(key) > MAX_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
            raise MalformedError(
                "Idempotency-Key is required: 1 to 255 printable characters",
                errors=(FieldError("Idempotency-Key", "required" if not key else "invalid", "1 to 255 characters"),),
            )
        return key

    def command(self) -> Command:
        """The command that this request repeats or begins.

        Raises:
            MalformedError: No Idempotency-Key, or the body is no JSON object.
        """
        key = self.idempotency_key()
        who = f"{self.principal.kind}:{self.principal.id}" if self.principal else "anonymous"
        scope = "\n".join((who, self.method, self.path, key))
        meaning = json.dumps(self.json(), sort_keys=True, separators=(",", ":"))
        return Command(
            key=keyed_hash(self.commands_key, "key", scope, size=HASH_BYTES),
            body=keyed_hash(self.commands_key, "body", meaning, size=HASH_BYTES),
            scope=scope,
        )

    def api_version(self) -> str:
        """The dated version this caller is pinned to.

        Raises:
            InvalidError: A version that never was.
        """
        wanted = self.headers.get("whitenote-version", CURRENT_VERSION)
        if wanted not in VERSIONS:
            raise InvalidError(
                "unknown API version",
                errors=(FieldError("Whitenote-Version", "unknown", f"one of {', '.join(VERSIONS)}"),),
            )
        return wanted


def _refuse(constant: str) -> Any:  # noqa: ANN401  json's own signature
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A repeated member is refused: two readers would see two requests. Source: RFC 8259 section 4."""
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a member is repeated")
    return out


def content_hash(value: Mapping[str, Any]) -> bytes:
    """SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()
