"""The local front passes on what API Gateway would, and answers alone only what the edge of API Gateway answers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.front import AT_ONCE, BODY_LIMIT, Front
from infra.platform_local import free_port


class Echo(BaseHTTPRequestHandler):
    """The platform, as far as the front sees it."""

    protocol_version = "HTTP/1.1"
    at_once = 0
    most = 0
    counting = threading.Lock()
    release = threading.Event()

    def _answer(self) -> None:
        with Echo.counting:
            Echo.at_once += 1
            Echo.most = max(Echo.most, Echo.at_once)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/slow" in self.path:
            Echo.release.wait(10)
        said = {"method": self.command, "path": self.path, "headers": list(self.headers.items()), "length": len(body)}
        out = json.dumps(said).encode()
        self.send_response(201)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)
        with Echo.counting:
            Echo.at_once -= 1

    do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = do_PUT = do_OPTIONS = _answer  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as upstream:
        upstream.daemon_threads = True
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        made = Front(0)
        made.start(upstream.server_port, "api1", "api")
        yield made
        made.shutdown()
        made.server_close()
        upstream.shutdown()


def ask(front: Front, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", front.server_port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_path_and_query_reach_the_api_stage_as_they_were_sent(front: Front) -> None:
    _, body = ask(front, "GET", "/v1/a%2Fb?x=1&x=2&y=%C3%A4")
    assert json.loads(body)["path"] == "/_aws/execute-api/api1/api/v1/a%2Fb?x=1&x=2&y=%C3%A4"


def test_status_headers_and_repeated_headers_come_back(front: Front) -> None:
    response, _ = ask(front, "POST", "/v1/x", b"{}")
    assert response.status == 201
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_the_callers_address_is_what_the_socket_says(front: Front) -> None:
    _, body = ask(front, "GET", "/", headers={"X-Forwarded-For": "6.6.6.6", "Host": "evil.example"})
    headers = [(n.lower(), v) for n, v in json.loads(body)["headers"]]
    assert [v for n, v in headers if n == "x-forwarded-for"] == ["127.0.0.1"]
    assert [v for n, v in headers if n == "host"] == [front.host]


def test_a_chunked_body_is_passed_on_whole(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.server_port, timeout=10)
    connection.request("POST", "/x", iter([b"abc", b"defg"]), encode_chunked=True)
    assert json.loads(connection.getresponse().read())["length"] == 7
    connection.close()


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
def test_what_is_too_large_for_a_view_is_the_views_to_refuse(front: Front, size: int) -> None:
    _, body = ask(front, "POST", "/x", b"a" * size)
    assert json.loads(body)["length"] == size


def test_a_body_over_ten_megabytes_is_refused_unread(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.server_port), timeout=10) as client:
        client.sendall(f"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n".encode())
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert "application/problem+json" in answer
    assert '"code": "too_large"' in answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"BREW /x HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"not http at all\r\n\r\n", 400),
    ],
)
def test_what_is_not_http_gets_a_problem(front: Front, request_bytes: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", front.server_port), timeout=10) as client:
        client.sendall(request_bytes)
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read().decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["status"] == status


def test_a_head_request_has_no_body(front: Front) -> None:
    response, body = ask(front, "HEAD", "/x")
    assert (response.status, body) == (201, b"")


def test_several_requests_go_over_one_connection(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.server_port, timeout=10)
    for body in (b"", b"one", b"three"):
        connection.request("POST", "/x", body)
        assert json.loads(connection.getresponse().read())["length"] == len(body)
    connection.close()


def test_only_so_many_requests_are_let_in_at_once(front: Front) -> None:
    Echo.most = 0
    threads = [threading.Thread(target=ask, args=(front, "GET", "/slow")) for _ in range(2 * AT_ONCE)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10
    while Echo.most < AT_ONCE and time.monotonic() < end:
        time.sleep(0.01)
    # The others have sent their requests too; whoever lets them in does so now.
    threading.Event().wait(0.3)
    Echo.release.set()
    for thread in threads:
        thread.join()
    assert Echo.most == AT_ONCE


def test_a_platform_that_is_gone_is_503_with_retry_after() -> None:
    front = Front(0)
    front.start(free_port(), "api1", "api")
    response, body = ask(front, "GET", "/x")
    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert json.loads(body)["code"] == "unavailable"
    front.shutdown()
    front.server_close()
