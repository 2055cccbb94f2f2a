"""Where a webhook may go: which URLs an endpoint may have, and which network addresses may be connected to. Pure.

A name is judged by what it resolves to at the moment of sending, and the connection goes to that very address, so a
name that points elsewhere a second later gains nothing (DNS rebinding).
Source: OWASP Server-Side Request Forgery Prevention; IANA special-purpose address registries (RFC 6890).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from functions.core.errors import FieldError, InvalidError

MAX_URL_CHARACTERS: Final = 512
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal", ".intranet", ".home.arpa")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

# Global to the registries, but they carry another address inside or are a cloud's own service.
_WRAPPING: Final = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
_METADATA: Final = frozenset({ipaddress.ip_address("168.63.129.16")})


class UrlRefusedError(InvalidError):
    code, title = "url_refused", "Webhooks are not sent to such a URL"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts.

    Args:
        scheme: "https", or "http" to the own machine.
        host: Name or address, without brackets.
        port: TCP port.
        path: With query, beginning with a slash.
        authority: For the Host header.
    """

    scheme: str
    host: str
    port: int
    path: str
    authority: str


def is_allowed(address: str, *, loopback: bool) -> bool:
    """Whether a connection to an address may be made.

    Args:
        address: IPv4 or IPv6 text, as a resolver gives it.
        loopback: Whether the own machine is allowed (local development).
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return loopback
    if found in _METADATA or found.is_multicast or any(found in network for network in _WRAPPING):
        return False
    return found.is_global


def target_of(url: str, *, loopback: bool) -> Target:
    """The parts of an endpoint's URL.

    Args:
        url: As the merchant gave it.
        loopback: Whether the own machine is allowed, and plain HTTP to it.

    Raises:
        UrlRefusedError: Not absolute https without credentials and fragment, or a host that can't be public.
    """
    if len(url) > MAX_URL_CHARACTERS or not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise _refused("up to 512 printable ASCII characters, others percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _refused("not a URL") from None
    local = loopback and _is_own_machine(host)
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise _refused("https is required")
    if "@" in parts.netloc or parts.fragment or not host or port == 0:
        raise _refused("a host, and neither credentials nor a fragment")
    if not local and not _may_be_public(host):
        raise _refused("the host is not a public one")
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        authority=parts.netloc,
    )


def _is_own_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _may_be_public(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        # a last label that is a number is an IPv4 address in one of its odd spellings (WHATWG URL, ends in a number)
        numeric = last.isdigit() or last.lower().startswith("0x")
        return "." in host and not numeric and not f".{host.lower()}".endswith(_LOCAL_NAMES)
    return is_allowed(host, loopback=False)


def _refused(detail: str) -> UrlRefusedError:
    return UrlRefusedError(detail, errors=(FieldError("/url", "not_allowed", detail),))
