"""One POST to a merchant's URL: resolve, judge every address, connect to the judged one, follow nothing, in 15 s.

urllib3's pool manager would resolve the name a second time behind our back, and its timeouts are per socket operation;
so its connection class is used alone, with the address pinned and a watchdog over the whole exchange.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from functions.webhooks.address import Target, UrlRefusedError, is_allowed, target_of

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

LIMIT_S: Final = 15.0
_CONNECT_S: Final = 5.0
_MOST_ADDRESSES: Final = 3
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)  # it would log URLs, and what receivers answer
AGENT: Final = "Whitenote-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one POST.

    Args:
        status: HTTP status; None where there was none.
        problem: Stable word for what stood in the way of one.
        took_ms: Wall time of the exchange.
    """

    status: int | None
    problem: str | None
    took_ms: int


class _ProblemError(Exception):
    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a name, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Public certification authorities; TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends to public addresses only.

    Args:
        loopback: Whether the own machine is allowed (local development).
        resolve: Name and port → addresses.
        trusted: The authorities that certificates are verified against.
        limit_s: For the whole exchange, seconds.
    """

    loopback: bool = False
    resolve: Callable[[str, int], Sequence[str]] = resolve
    trusted: Callable[[], ssl.SSLContext] = field(default=trusted)
    limit_s: float = LIMIT_S

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """POST a body; whatever goes wrong is said in the answer."""
        begun = time.monotonic()
        status, problem = None, None
        try:
            target = target_of(url, loopback=self.loopback)
            status = self._exchange(target, self._addresses(target), body, headers)
        except UrlRefusedError:
            problem = "url_refused"
        except _ProblemError as error:
            problem = error.word
        return Answered(status, problem, int((time.monotonic() - begun) * 1000))

    def _addresses(self, target: Target) -> Sequence[str]:
        try:
            found = self.resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise _ProblemError("name_not_found") from None
        # one forbidden address among allowed ones is an attack or a mistake, and either way not ours to pick from
        if not found or not all(is_allowed(address, loopback=self.loopback) for address in found):
            raise _ProblemError("address_refused")
        return found[:_MOST_ADDRESSES]

    def _exchange(self, target: Target, addresses: Sequence[str], body: bytes, headers: Mapping[str, str]) -> int:
        from urllib3.exceptions import HTTPError

        watchdog = _Watchdog(self.limit_s)
        try:
            connection = self._connected(target, addresses, watchdog)
            with watchdog.over(connection):
                connection.request(
                    "POST",
                    target.path,
                    body=body,
                    headers={"Host": target.authority, "User-Agent": AGENT, "Accept-Encoding": "identity", **headers},
                    preload_content=False,
                )
                status = connection.getresponse().status
                if watchdog.has_barked:  # the cut may look like the end of the headers
                    raise _ProblemError("timeout")
                return status
        except (HTTPError, OSError, ValueError, EOFError) as error:
            raise _ProblemError("timeout" if watchdog.has_barked else _word(error)) from error
        except Exception as error:  # http.client's own: a peer that does not speak HTTP
            if type(error).__module__ != "http.client":
                raise
            raise _ProblemError("timeout" if watchdog.has_barked else "no_http") from error

    def _connected(self, target: Target, addresses: Sequence[str], watchdog: _Watchdog) -> HTTPConnection:
        from urllib3.exceptions import HTTPError

        for place, address in enumerate(addresses):
            connection = self._connection(target, address)
            try:
                with watchdog.over(connection, keep=True):
                    connection.connect()
            except (HTTPError, OSError):
                connection.close()
                if place + 1 == len(addresses) or watchdog.has_barked:
                    raise
            else:
                return connection
        raise _ProblemError("connection_failed")

    def _connection(self, target: Target, address: str) -> HTTPConnection:
        from urllib3.connection import HTTPConnection, HTTPSConnection

        timeout = min(_CONNECT_S, self.limit_s)
        if target.scheme == "http":
            return HTTPConnection(address, target.port, timeout=timeout)
        return HTTPSConnection(
            address, target.port, timeout=timeout, server_hostname=target.host, ssl_context=self.trusted()
        )


class _Watchdog:
    """Ends an exchange that takes too long, however busily the peer sends a byte now and then."""

    def __init__(self, limit_s: float) -> None:
        self._ends_at = time.monotonic() + limit_s
        self.has_barked = False

    def over(self, connection: HTTPConnection, *, keep: bool = False) -> _Watched:
        return _Watched(self, connection, keep=keep)

    def left_s(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())


class _Watched:
    """A connection with the watchdog over it; closed at the end unless kept."""

    def __init__(self, watchdog: _Watchdog, connection: HTTPConnection, *, keep: bool) -> None:
        self._watchdog, self._connection, self._keep = watchdog, connection, keep
        self._timer = threading.Timer(watchdog.left_s(), self._bark)
        self._timer.daemon = True

    def _bark(self) -> None:
        self._watchdog.has_barked = True
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._watchdog.left_s() or 0.001)
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if not self._keep:
            self._connection.close()


def _word(error: BaseException) -> str:
    from urllib3.exceptions import NewConnectionError, SSLError
    from urllib3.exceptions import TimeoutError as UrllibTimeoutError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError | SSLError):
            return "tls_failed"
        if isinstance(cause, NewConnectionError):  # a timeout to urllib3's class tree, which it is not
            return "connection_failed"
        if isinstance(cause, TimeoutError | UrllibTimeoutError):
            return "timeout"
        cause = cause.__cause__
    return "connection_failed"
