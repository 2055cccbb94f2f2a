"""Published key sets: fetched when needed, followed through a rotation, not fetched at a stranger's pleasure."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions.core.errors import UnauthorizedError
from functions.platform.key_sets import fetch_jwks
from functions.platform.tokens import FRESH_FOR, KEPT_FOR, REFETCH_AFTER, KeySet, Verifier
from tests.builders.platform import START
from tests.builders.tokens import STAFF_AUDIENCE, STAFF_ISSUER, signing_key, staff_token

MINUTE = timedelta(minutes=1)


class Issuer:
    """Publishes key sets on this machine's own address."""

    def __init__(self) -> None:
        self.kids = ["staff-1"]
        self.fetched = 0
        self.answer: tuple[int, bytes | None] = (200, None)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetched += 1
                status, raw = issuer.answer
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                keys = [json.loads(signing_key(kid).jwks)["keys"][0] for kid in issuer.kids]
                self.wfile.write(raw if raw is not None else json.dumps({"keys": keys}).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/.well-known/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_set_is_fetched_once_and_serves_for_an_hour(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    for minute in range(0, 59, 7):
        keys.key("staff-1", START + minute * MINUTE)
    assert issuer.fetched == 1


def test_a_token_of_a_url_published_key_is_verified(issuer: Issuer) -> None:
    verifier = Verifier(STAFF_ISSUER, STAFF_AUDIENCE, KeySet(issuer.url))
    assert verifier.claims(staff_token("finance", at=START), START)["roles"] == ["finance"]


def test_a_new_key_is_found_by_its_unknown_id(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    keys.key("staff-1", START)
    issuer.kids = ["staff-2", "staff-1"]
    assert keys.key("staff-2", START + REFETCH_AFTER) is not None
    assert issuer.fetched == 2


def test_made_up_key_ids_cause_one_fetch_a_minute_at_most(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    keys.key("staff-1", START)
    for n in range(100):
        with pytest.raises(KeyError):
            keys.key(f"made-up-{n}", START + timedelta(seconds=59))
    assert issuer.fetched == 1


def test_a_withdrawn_key_is_good_for_an_hour_at_most(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    keys.key("staff-1", START)
    issuer.kids = ["staff-2"]
    assert keys.key("staff-1", START + FRESH_FOR - MINUTE) is not None
    with pytest.raises(KeyError):
        keys.key("staff-1", START + FRESH_FOR)


def test_an_issuer_that_is_away_leaves_the_last_set_good_for_a_day(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    keys.key("staff-1", START)
    issuer.answer = (500, b"")
    assert keys.key("staff-1", START + KEPT_FOR - MINUTE) is not None
    with pytest.raises(OSError, match="500"):
        keys.key("staff-1", START + KEPT_FOR)


@pytest.mark.parametrize("answer", [(500, b""), (200, b"not JSON"), (200, b"[]"), (200, b"{}"), (302, b"")])
def test_nobody_is_let_in_by_a_set_that_is_none(issuer: Issuer, answer: tuple[int, bytes]) -> None:
    issuer.answer = answer
    verifier = Verifier(STAFF_ISSUER, STAFF_AUDIENCE, KeySet(issuer.url))
    for _ in range(3):
        with pytest.raises(UnauthorizedError):
            verifier.claims(staff_token("finance", at=START), START)
    assert issuer.fetched == 1


@pytest.mark.parametrize("url", ["http://issuer.example/jwks", "file:///etc/passwd", "ftp://issuer.example/jwks"])
def test_keys_come_over_https_only(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        fetch_jwks(url)


def test_an_overlong_answer_is_no_key_set(issuer: Issuer) -> None:
    issuer.answer = (200, b" " * (64 * 1024 + 1))
    with pytest.raises(ValueError, match="smaller"):
        fetch_jwks(issuer.url)


def test_an_inline_set_is_never_fetched() -> None:
    def fetch(_: str) -> str:
        raise AssertionError

    keys = KeySet(signing_key("staff-1").jwks, fetch)
    assert keys.key("staff-1", START + timedelta(days=30)) is not None
    with pytest.raises(KeyError):
        keys.key("staff-2", START + timedelta(days=60))
