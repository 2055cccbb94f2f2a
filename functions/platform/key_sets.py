"""Fetching an issuer's published keys; apart, because urllib is a quarter of the authorizer's cold start."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.parse import urlsplit

_JWKS_TIMEOUT_S = 3
_MOST_JWKS_BYTES = 64 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401  urllib's own signature
        """Keys come from where the settings say, and from nowhere that place points to."""


def fetch_jwks(url: str) -> str:
    """A published key set.

    Args:
        url: https; plain http only on one's own machine.

    Raises:
        OSError: It did not answer with success.
        ValueError: Another scheme, or over 64 KiB.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("a key set comes over https")
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_JWKS_TIMEOUT_S) as answer:
        raw: bytes = answer.read(_MOST_JWKS_BYTES + 1)
    if len(raw) > _MOST_JWKS_BYTES:
        raise ValueError("a key set is smaller")
    return raw.decode()
