"""Signing: an endpoint's secrets and the headers that carry the signatures.

A secret is stored nowhere: it is derived from the environment's master secret, the endpoint and a generation that
rotation moves on. Source: Standard Webhooks 1.0.0, by its own library.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from functions.core.ids import keyed_hash

if TYPE_CHECKING:
    from standardwebhooks import Webhook

_SECRET_BYTES: Final = 32


def secret_of(key: bytes, endpoint_id: str, generation: int) -> bytes:
    """The secret of one generation; 256 bits.

    Args:
        key: The environment's key for webhooks.
        endpoint_id: `whk_…`.
        generation: 1 at creation, one more at each rotation.
    """
    return keyed_hash(key, endpoint_id, generation, size=_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """A secret as its merchant is shown it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


@cache
def _library() -> type[Webhook]:
    """Loaded where something is signed: the scoring package comes without it."""
    from standardwebhooks import Webhook

    return Webhook


def signed_headers(event_id: str, at: datetime, body: str, secrets: Sequence[bytes]) -> dict[str, str]:
    """The three headers of Standard Webhooks.

    Args:
        event_id: The same at every try, so that a receiver can drop what it has had.
        at: Wall time of this try; receivers refuse what is over five minutes old.
        body: As sent.
        secrets: Each signs, the newest first; more than one while a rotation overlaps.
    """
    signing = _library()
    signed = [signing(secret).sign(event_id, at, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
