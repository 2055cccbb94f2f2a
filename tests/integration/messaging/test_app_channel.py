"""The app's back end: called with a signature it can check, refused, away, and told nothing when there is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from functions.messaging.aws import APP_WEBHOOK, AwsChannel, app_secret
from functions.messaging.channel import NotTakenError, Outgoing, RefusedError
from functions.messaging.message import APP
from functions.platform.container import Container
from tests.builders.platform import Platform

MESSAGE = Outgoing("msg_1", APP, "cus_1", "reminder_due", "zh", "", "今天到期")


class Backend(BaseHTTPRequestHandler):
    answers: list[int]
    heard: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.answers.pop(0)
        self.send_response(status)
        if status == 302:
            self.send_header("location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[tuple[type[Backend], str]]:
    handler = type("Own", (Backend,), {"answers": [], "heard": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/messages"
    server.shutdown()
    server.server_close()
    thread.join()


def channel(platform: Platform, url: str) -> AwsChannel:
    box: Container = replace(platform.box, environ={**platform.box.environ, APP_WEBHOOK: url})
    box.__dict__.update(clock=platform.clock, secrets=platform.secrets)
    return AwsChannel(box)


def test_the_call_is_signed_and_says_whom_and_what(platform: Platform, backend: Any) -> None:
    handler, url = backend
    handler.answers[:] = [204]
    sender = channel(platform, url)
    assert sender.send(MESSAGE) == "msg_1"
    [(headers, body)] = handler.heard
    told = json.loads(body)
    assert (told["customer_id"], told["text"], headers["webhook-id"]) == ("cus_1", "今天到期", "msg_1")
    signed = Webhook(app_secret(sender.box))
    expected = signed.sign("msg_1", platform.clock.wall(), body.decode())
    assert headers["webhook-signature"] == expected


@pytest.mark.parametrize(
    ("status", "error"), [(404, RefusedError), (410, RefusedError), (500, NotTakenError), (302, NotTakenError)]
)
def test_who_is_not_known_is_refused_and_anything_else_is_tried_again(
    platform: Platform, backend: Any, status: int, error: type[Exception]
) -> None:
    handler, url = backend
    handler.answers[:] = [status]
    with pytest.raises(error):
        channel(platform, url).send(MESSAGE)


def test_nobody_there_is_not_taken_and_no_app_is_refused(platform: Platform) -> None:
    with pytest.raises(NotTakenError):
        channel(platform, "http://127.0.0.1:9/").send(MESSAGE)
    with pytest.raises(RefusedError):
        channel(platform, "").send(MESSAGE)
