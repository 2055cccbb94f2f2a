"""The local front: one address for API and pages, forwarding to the deployed API stage as a custom domain does on AWS.

It adds nothing and decides nothing, but for what the edge of API Gateway decides: it names the caller's address, takes
no body over 10 MB, and lets only so many requests in at once, because every one may be a process on this machine.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from infra.gateway import PROBLEM_TYPES

BODY_LIMIT = 10 * 1024 * 1024
TIMEOUT_S = 35
AT_ONCE = 4 * (os.cpu_count() or 2)

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "expect", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"}
)  # fmt: skip
_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class BodyError(ValueError):
    """The request's body can't be taken; `status` says why."""

    def __init__(self, status: int, title: str, code: str) -> None:
        super().__init__(title)
        self.status, self.title, self.code = status, title, code


class Upstream:
    """Connections to the platform, kept open between requests.

    Args:
        port: Of the platform.
        prefix: Path of the API stage on it.
    """

    def __init__(self, port: int, prefix: str) -> None:
        self.prefix = prefix
        self._port = port
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._room = threading.Semaphore(AT_ONCE)

    def ask(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Forward one request.

        Raises:
            OSError: The platform did not answer.
            HTTPException: It answered with something else than HTTP.
        """
        with self._room:
            try:
                connection, kept = self._idle.get_nowait(), True
            except queue.Empty:
                connection, kept = self._connect(), False
            try:
                answer = self._send(connection, method, path, headers, body)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # Only a kept connection that the platform closed in the meantime: nothing of the request was read.
                connection.close()
                if not kept:
                    raise
                connection = self._connect()
                answer = self._send(connection, method, path, headers, body)
            self._idle.put(connection)
            return answer

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str,
        headers: list[tuple[str, str]], body: bytes,
    ) -> tuple[int, list[tuple[str, str]], bytes]:  # fmt: skip
        try:
            connection.putrequest(method, self.prefix + path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except BaseException:
            connection.close()
            raise


class Handler(BaseHTTPRequestHandler):
    """Forwards one request after another of one client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 75
    upstream: ClassVar[Upstream]

    def _forward(self) -> None:
        try:
            body = self._body()
            headers = self._headers(len(body))
            status, answer_headers, answer = self.upstream.ask(self.command, self.path, headers, body)
        except BodyError as error:
            self.close_connection = True
            self._problem(error.status, error.title, error.code)
        except (OSError, http.client.HTTPException, ValueError):
            self._problem(503, "Not available right now", "unavailable")
        else:
            kept = [(n, v) for n, v in answer_headers if n.lower() not in _NOT_PASSED_ON]
            self._answer(status, kept, answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815  http.server's names

    def _headers(self, length: int) -> list[tuple[str, str]]:
        server: Front = self.server  # type: ignore[assignment]
        kept = [(n, v) for n, v in self.headers.items() if n.lower() not in _HOP_BY_HOP]
        own = [
            ("Host", server.host), ("X-Forwarded-For", str(self.client_address[0])),
            ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", str(server.server_port)),
        ]  # fmt: skip
        return [*own, *kept, ("Content-Length", str(length))] if length or self.command != "GET" else [*own, *kept]

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        text = self.headers.get("Content-Length", "0")
        if not text.isdecimal():
            raise BodyError(400, "The request can't be read", "malformed")
        if int(text) > BODY_LIMIT:
            raise BodyError(413, "The body is over 64 KiB", "too_large")
        return self.rfile.read(int(text))

    def _chunks(self) -> bytes:
        out = b""
        while True:
            try:
                size = int(self.rfile.readline(64).split(b";")[0], 16)
            except ValueError as error:
                raise BodyError(400, "The request can't be read", "malformed") from error
            if size < 0 or len(out) + size > BODY_LIMIT:
                raise BodyError(413, "The body is over 64 KiB", "too_large")
            out += self.rfile.read(size)
            self.rfile.readline(1024)
            if size == 0:
                return out

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status >= 200 and status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in {204, 304}:
            self.wfile.write(body)
        self.wfile.flush()

    def _problem(self, status: int, title: str, code: str) -> None:
        problem = {"type": PROBLEM_TYPES + code, "title": title, "status": status, "detail": title, "code": code,
                   "request_id": "", "errors": []}  # fmt: skip
        retry = [("Retry-After", "1")] if status == 503 else []
        self._answer(status, [("Content-Type", "application/problem+json"), *retry], json.dumps(problem).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses: a request line, header or method that is not HTTP."""
        del message, explain
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = self.protocol_version
        title, kind = ("No such thing", "not_found") if code == 501 else ("The request can't be read", "malformed")
        self._problem(404 if code == 501 else code, title, kind)

    def version_string(self) -> str:
        """The Server header."""
        return "whitenote"

    def log_message(self, *_: object) -> None:
        """Silent: the functions log."""


class Front(ThreadingHTTPServer):
    """The listening socket; bound at once, so that the address is known before anything is deployed.

    Args:
        port: 0 for any free one.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def start(self, platform_port: int, api_id: str, stage: str) -> None:
        """Forward from now on, in a thread of its own."""
        handler = type("BoundHandler", (Handler,), {"upstream": Upstream(platform_port, _prefix(api_id, stage))})
        self.RequestHandlerClass = handler
        threading.Thread(target=self.serve_forever, daemon=True, name="front").start()

    def server_bind(self) -> None:
        """Without asking the name service who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


def _prefix(api_id: str, stage: str) -> str:
    return f"/_aws/execute-api/{api_id}/{stage}"
