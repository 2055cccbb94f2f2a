"""HTTP/1.1 on the loopback for an ASGI application, no more of it than AWS clients and our own front speak.

A general server's care for strange clients is half of what a request costs the embedded platform, and it has thousands
to answer for every day that the sandbox's clock passes. Here a request is read whole, answered whole, and the
connection kept. Whoever speaks anything else is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)

HEAD_BYTES: Final = 256 * 1024
_BACKLOG: Final = 512
_FINISH_S: Final = 1.0
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class MalformedError(Exception):
    """Not a request as this server knows it."""


@dataclass(slots=True)
class Answer:
    """What the application sends, gathered."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body.append(message.get("body", b""))

    def encoded(self, *, is_head: bool) -> bytes:
        """As it goes over the wire, its length said exactly once."""
        if not self.status:
            self.status, self.headers, self.body = HTTPStatus.INTERNAL_SERVER_ERROR, [], []
        body = b"".join(self.body)
        lines = [f"HTTP/1.1 {self.status} \r\n".encode()]
        for name, value in self.headers:
            if is_head or name.lower() not in {b"content-length", b"transfer-encoding", b"connection"}:
                lines.append(name + b": " + value + b"\r\n")
        if not is_head and self.status not in _WITHOUT_BODY:
            lines.append(b"content-length: %d\r\n" % len(body))
        lines.append(b"\r\n")
        if not is_head and self.status not in _WITHOUT_BODY:
            lines.append(body)
        return b"".join(lines)


async def serve(app: App, port: int, ending: asyncio.Event) -> None:
    """Answer at 127.0.0.1 until told to end; what is being answered then has a second to finish.

    Args:
        app: An ASGI application; its lifespan is run.
        port: To listen at.
        ending: Set when this is to end.

    Raises:
        OSError: The port is taken.
    """
    close = await _begin(app)
    connections: set[asyncio.Task[None]] = set()
    answering: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # streams call this in one
        connections.add(task)
        try:
            await _converse(app, reader, writer, answering)
        except asyncio.CancelledError:
            pass  # the end of the server: nobody waits for this task
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=HEAD_BYTES, backlog=_BACKLOG)
    await ending.wait()
    server.close()
    if answering:
        await asyncio.wait(answering, timeout=_FINISH_S)
    for task in list(connections):
        task.cancel()
    await close()


async def _begin(app: App) -> Callable[[], Awaitable[None]]:
    """Run the application's own beginning; what is returned runs its end."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, said.get, heard.put))

    async def tell(what: str) -> None:
        await said.put({"type": f"lifespan.{what}"})
        answer = await heard.get()
        if not answer["type"].endswith(".complete"):
            raise RuntimeError(f"the application failed at {what}: {answer.get('message', '')}")

    async def close() -> None:
        await tell("shutdown")
        await life

    await tell("startup")
    return close


async def _converse(
    app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answering: set[asyncio.Task[None]]
) -> None:
    with contextlib.suppress(MalformedError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            scope = _scope_of(head, writer.get_extra_info("peername"))
            named = dict(scope["headers"])
            if named.get(b"expect", b"").lower() == b"100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await _body(reader, named)
            answer = Answer()
            # in a task, and so in a context, of the request's own: the application keeps account and region in it
            task = asyncio.create_task(app(scope, _receiver(body), answer.send))
            answering.add(task)
            task.add_done_callback(answering.discard)
            await asyncio.wait((task,))
            if error := task.exception():
                _log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
                answer = Answer()
            writer.write(answer.encoded(is_head=scope["method"] == "HEAD"))
            await writer.drain()
            if named.get(b"connection", b"").lower() == b"close" or scope["http_version"] != "1.1":
                return


def _receiver(body: bytes) -> Receive:
    """ASGI's `receive` of a request that is here as a whole; asked once more, it waits for ever."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    return receive


def _scope_of(head: bytes, client: object) -> Scope:
    first, *lines = head[:-4].split(b"\r\n")
    try:
        method, target, version = first.decode("ascii").split(" ")
    except ValueError:
        raise MalformedError from None
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": version.removeprefix("HTTP/"),
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [_header(line) for line in lines],
        "client": client,
    }


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon:
        raise MalformedError
    return name.lower(), value.strip()


async def _body(reader: asyncio.StreamReader, named: dict[bytes, bytes]) -> bytes:
    if named.get(b"transfer-encoding", b"").lower() == b"chunked":
        return b"".join([chunk async for chunk in _chunks(reader)])
    length = named.get(b"content-length", b"0")
    if not length.isdigit():
        raise MalformedError
    return await reader.readexactly(int(length)) if length != b"0" else b""


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = (await reader.readuntil(b"\r\n")).partition(b";")[0]
        try:
            length = int(size, 16)
        except ValueError:
            raise MalformedError from None
        if not length:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return
        yield await reader.readexactly(length)
        await reader.readexactly(2)
