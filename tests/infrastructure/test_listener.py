"""The embedded platform's HTTP: requests arrive whole whatever way they are sent, answers say their length once."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from infra.embedded import listener
from infra.embedded.listener import Receive, Scope, Send
from infra.platform_local import free_port


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that says what it was asked."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": f"{(await receive())['type']}.complete"})
        return
    if scope["path"] == "/fails":
        raise RuntimeError("as it must")
    body = (await receive())["body"]
    said = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} ".encode() + body
    headers = [
        (b"content-type", b"text/plain"),
        (b"Content-Length", b"7"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
    ]
    await send({"type": "http.response.start", "status": 204 if scope["path"] == "/none" else 200, "headers": headers})
    await send({"type": "http.response.body", "body": said[:3], "more_body": True})
    await send({"type": "http.response.body", "body": said[3:]})


@pytest.fixture
def asked() -> Iterator[http.client.HTTPConnection]:
    port, loop = free_port(), asyncio.new_event_loop()
    ending = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(listener.serve(echo, port, ending),))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while True:
        try:
            connection.connect()
        except ConnectionRefusedError:
            continue
        break
    yield connection
    connection.close()
    loop.call_soon_threadsafe(ending.set)
    thread.join(10)
    assert not thread.is_alive()
    loop.close()


def answer(asked: http.client.HTTPConnection, *request: Any, **how: Any) -> tuple[int, bytes, http.client.HTTPResponse]:
    asked.request(*request, **how)
    got = asked.getresponse()
    return got.status, got.read(), got


def test_a_connection_is_kept_and_each_answer_has_its_own_length(asked: http.client.HTTPConnection) -> None:
    for number in range(3):
        status, body, got = answer(asked, "GET", f"/a%20b/{number}?x=1&y=%2F")
        assert (status, body) == (200, f"GET /a b/{number} x=1&y=%2F ".encode())
        assert got.headers.get_all("content-length") == [str(len(body))]
        assert got.headers.get_all("set-cookie") == ["a", "b"]


def test_a_body_comes_whole_in_one_piece_and_in_chunks(asked: http.client.HTTPConnection) -> None:
    large = b"x" * 300_000
    assert answer(asked, "POST", "/p", body=large)[1] == b"POST /p  " + large
    pieces = iter([b"one ", b"two ", b"x" * 70_000])
    assert answer(asked, "PUT", "/p", body=pieces, encode_chunked=True)[1] == b"PUT /p  one two " + b"x" * 70_000


def test_a_body_that_waits_to_be_asked_for_is_asked_for(asked: http.client.HTTPConnection) -> None:
    asked.sock.sendall(b"PUT /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert asked.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    asked.sock.sendall(b"ok")
    assert b"PUT /p  ok" in asked.sock.recv(1000)


def test_what_has_no_body_is_followed_by_the_next_answer(asked: http.client.HTTPConnection) -> None:
    status, body, got = answer(asked, "HEAD", "/h")
    assert (status, body, got.headers.get_all("content-length")) == (200, b"", ["7"])
    assert answer(asked, "GET", "/none")[:2] == (204, b"")
    assert answer(asked, "GET", "/after")[:2] == (200, b"GET /after  ")


def test_a_failure_is_answered_as_one(asked: http.client.HTTPConnection) -> None:
    assert answer(asked, "GET", "/fails")[:2] == (500, b"")
    assert answer(asked, "GET", "/after")[0] == 200


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])  # fmt: skip
def test_what_is_no_request_is_cut_off(asked: http.client.HTTPConnection, said: bytes) -> None:
    asked.sock.sendall(said)
    assert asked.sock.recv(100) == b""
