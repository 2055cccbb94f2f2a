"""The one authorizer: judges merchants' keys, customers' tokens and staff's tokens.

A function of its own with the small zip: it imports neither numpy nor onnxruntime nor app.py, and the AWS client only
when it has to look a key up. API Gateway keeps its answer for 60 s, and nothing is kept here beside it: so a revocation
works within 60 s, and at once for calls that move money, which compare `keys_version` in their own read.
"""

from __future__ import annotations

import json

from chalice.app import AuthRequest, AuthResponse, Blueprint

from functions.core.errors import UnauthorizedError
from functions.platform.container import container
from functions.platform.tokens import CUSTOMER_AUDIENCE, CUSTOMER_ISSUER, KeySet, Verifier

STAFF_ROLES = frozenset({"reviewer", "risk_admin", "modeller", "finance", "support", "operator", "auditor"})
_KEY_CHARACTERS = 56

blueprint = Blueprint(__name__)


@blueprint.authorizer(ttl_seconds=60)
def judge(request: AuthRequest) -> AuthResponse:
    """Allow everything to whoever is there; what they may do is decided by the view, from kind and scopes."""
    try:
        context = identify(request.token)
    except UnauthorizedError:
        # API Gateway turns exactly this text into 401; a policy that denies would be 403
        raise Exception("Unauthorized") from None  # noqa: TRY002
    return AuthResponse(routes=["*"], principal_id=f"{context['kind']}:{context['id']}", context=context)


def identify(header: str | None) -> dict[str, str]:
    """Kind, id and scopes behind an Authorization header.

    Raises:
        UnauthorizedError: No one we know.
        UnavailableError: The key could not be looked up.
    """
    scheme, _, credential = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not credential or not credential.isascii():
        raise UnauthorizedError
    if credential.startswith("sk_"):
        return _merchant(credential)
    if credential.count(".") != 2:  # noqa: PLR2004  a compact JWT has three parts
        raise UnauthorizedError
    return _customer_or_staff(credential)


def _merchant(text: str) -> dict[str, str]:
    if len(text) != _KEY_CHARACTERS:
        raise UnauthorizedError
    from functions.platform.credentials import ApiKeyItem, is_expired, key_hash
    from functions.platform.storage import keys

    box = container()
    item = box.tables.get(ApiKeyItem, keys.api_key(key_hash(box.secrets.key("lookup"), text)), consistent=True)
    if item is None or is_expired(item, box.clock.wall()):
        raise UnauthorizedError
    return {
        "kind": "merchant",
        "id": item.merchant_id,
        "scopes": item.scopes,
        "key_id": item.key_id,
        "keys_version": str(item.keys_version),
    }


def _customer_or_staff(token: str) -> dict[str, str]:
    box = container()
    now = box.clock.wall()
    if _unverified_issuer(token) == CUSTOMER_ISSUER:
        claims = _verifier("customer", CUSTOMER_ISSUER, CUSTOMER_AUDIENCE, box.settings.customer_jwks).claims(
            token, now
        )
        return {
            "kind": "customer",
            "id": str(claims["sub"]),
            "scopes": "customer",
            "session": str(claims.get("sid", "")),
            "auth_time": str(claims.get("auth_time", 0)),
        }
    settings = box.settings
    claims = _verifier("staff", settings.staff_issuer, settings.staff_audience, settings.staff_jwks).claims(token, now)
    roles = claims.get("roles", claims.get("cognito:groups", []))
    granted = STAFF_ROLES & {str(role) for role in roles} if isinstance(roles, list) else frozenset()
    return {"kind": "staff", "id": str(claims["sub"]), "scopes": " ".join(sorted(granted))}


def _unverified_issuer(token: str) -> str:
    """Which key set to try; believed only after that set has verified the token."""
    import base64

    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise UnauthorizedError from None
    return str(claims.get("iss", "")) if isinstance(claims, dict) else ""


def _verifier(kind: str, issuer: str, audience: str, jwks: str) -> Verifier:
    if not jwks or not issuer:
        raise UnauthorizedError
    found = _verifiers.get(kind)
    if found is None or found.keys.source != jwks:
        found = _verifiers[kind] = Verifier(issuer, audience, KeySet(jwks))
    return found


_verifiers: dict[str, Verifier] = {}


def forget() -> None:
    """Drop caches: after a SnapStart restore, and between tests."""
    _verifiers.clear()
