"""Sending over real sockets: pinned, verified, bounded, following nothing."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from functions.webhooks.sender import Sender
from tests.builders.webhooks import Receiver

HEADERS = {"webhook-id": "evt_1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for a name, and a client context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


def secured(receiver: Receiver, path: Path) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return receiver.server.server_port


def test_a_post_arrives_whole(receiver: Receiver):
    answer = Sender(loopback=True).post(receiver.url, '{"a":"界"}'.encode(), HEADERS)
    assert (answer.status, answer.problem) == (204, None)
    (got,) = receiver.requests
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hooks", '{"a":"界"}', "evt_1")
    assert got.headers["user-agent"].startswith("Whitenote-Webhooks/")


def test_a_redirect_is_not_followed(receiver: Receiver):
    receiver.answers = [302]
    assert Sender(loopback=True).post(receiver.url, b"{}", HEADERS).status == 302
    assert len(receiver.requests) == 1


def test_the_own_machine_is_refused_unless_development_allows_it(receiver: Receiver):
    refused = Sender().post(receiver.url, b"{}", HEADERS)
    assert (refused.status, refused.problem) == (None, "url_refused")
    assert receiver.requests == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["169.254.169.254"], ["10.1.2.3"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"]]
)
def test_a_public_name_that_points_inside_is_refused_before_any_connection(addresses: list[str]):
    answer = Sender(resolve=lambda _host, _port: addresses).post("https://hooks.example.com/", b"{}", HEADERS)
    assert (answer.status, answer.problem) == (None, "address_refused")


def test_the_connection_goes_to_the_address_that_was_judged(tmp_path: Path):
    """The name is asked for once: a second answer (DNS rebinding) is never heard."""
    path, trusted = certificate(tmp_path, "hooks.example.com")
    with Receiver() as receiver:
        port = secured(receiver, path)
        asked: list[str] = []

        def once(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        sender = Sender(loopback=True, resolve=once, trusted=lambda: trusted)
        assert sender.post(f"https://hooks.example.com:{port}/in", b"{}", HEADERS).status == 204
        assert asked == ["hooks.example.com"]
        assert receiver.requests[0].headers["host"] == f"hooks.example.com:{port}"


def test_a_certificate_for_another_name_is_refused(tmp_path: Path):
    path, trusted = certificate(tmp_path, "other.example.com")
    with Receiver() as receiver:
        port = secured(receiver, path)
        sender = Sender(loopback=True, resolve=lambda *_: ["127.0.0.1"], trusted=lambda: trusted)
        answer = sender.post(f"https://hooks.example.com:{port}/", b"{}", HEADERS)
        assert (answer.status, answer.problem) == (None, "tls_failed")
        assert receiver.requests == []


def test_a_receiver_that_is_silent_is_given_up_on(receiver: Receiver):
    def silent(handler: BaseHTTPRequestHandler) -> bool:
        handler.rfile.read(1)
        return True

    with Receiver(silent) as mute:
        begun = time.monotonic()
        answer = Sender(loopback=True, limit_s=0.3).post(mute.url, b"{}", HEADERS)
        assert (answer.status, answer.problem) == (None, "timeout")
        assert time.monotonic() - begun < 2


def test_a_receiver_that_drips_is_given_up_on_in_the_same_time():
    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.connection.settimeout(0.02)
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                handler.wfile.write(b"x")
                with suppress(TimeoutError):
                    if not handler.connection.recv(1):
                        return True
        except OSError:
            return True

    with Receiver(drip) as slow:
        begun = time.monotonic()
        answer = Sender(loopback=True, limit_s=0.4).post(slow.url, b"{}", HEADERS)
        assert (answer.status, answer.problem) == (None, "timeout")
        assert time.monotonic() - begun < 2


def test_what_does_not_speak_http_or_is_not_there_is_told_apart():
    def nonsense(handler: BaseHTTPRequestHandler) -> bool:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n")
        return True

    with Receiver(nonsense) as odd:
        assert Sender(loopback=True).post(odd.url, b"{}", HEADERS).problem == "no_http"
        url = odd.url
    assert Sender(loopback=True).post(url, b"{}", HEADERS).problem == "connection_failed"
    unknown = Sender(resolve=_unknown).post("https://nowhere.example.com/", b"{}", HEADERS)
    assert unknown.problem == "name_not_found"


def _unknown(host: str, port: int) -> list[str]:
    raise OSError(host)


def test_the_second_address_is_tried_when_the_first_does_not_answer(receiver: Receiver):
    port = receiver.server.server_port
    sender = Sender(loopback=True, resolve=lambda *_: ["::1", "127.0.0.1"])
    assert ip_address("::1").is_loopback
    assert sender.post(f"http://localhost:{port}/", b"{}", HEADERS).status == 204
