"""A merchant's receiver, and the queue in virtual time.

with Receiver() as receiver:                     # a real HTTP server on this machine
    receiver.answers = [500, 410]                # then 204 for ever
    receiver.url, receiver.requests[0].headers["webhook-id"], receiver.requests[0].body
with Wire(platform) as wire:                     # what SQS, stream, bus and schedule would do
    wire.tell()                                  # all that was told since → the webhooks queue
    wire.run(hours=80)                           # messages at their time, a sweep now and then
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from functions.platform.storage import keys
from functions.servicing.sweep import do_page, sweep
from functions.webhooks.events import on_message
from tests.builders.api import Api, Reply
from tests.builders.platform import Platform
from tests.builders.shop import a_merchant, all_api

_SENT = "provide-client-params.sqs.SendMessageBatch"


@dataclass(frozen=True, slots=True)
class Received:
    """One request; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    """Takes webhooks on 127.0.0.1."""

    def __init__(self, behave: Callable[[BaseHTTPRequestHandler], bool] | None = None) -> None:
        self.requests: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                received = Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                receiver.requests.append(received)
                if behave is not None and behave(self):
                    return
                self.send_response(receiver.status_for(received))
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks"

    def status_for(self, received: Received) -> int:
        """Replace it on the object to answer otherwise; `received` is in `requests` already."""
        return self.answers.pop(0) if self.answers else 204

    def types(self) -> list[str]:
        return [each.json["type"] for each in self.requests]

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Wire:
    """The webhooks queue with its delays, driven by the platform's clock instead of by waiting."""

    platform: Platform
    waiting: list[tuple[datetime, int, dict[str, Any]]] = field(default_factory=list)
    handled: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def __enter__(self) -> Self:
        self.platform.client("sqs").meta.events.register(_SENT, self._sent)
        return self

    def __exit__(self, *_: object) -> None:
        self.platform.client("sqs").meta.events.unregister(_SENT, self._sent)

    def _sent(self, params: dict[str, Any], **_: Any) -> None:
        if params["QueueUrl"] != self.platform.settings.webhooks_queue_url:
            return
        for entry in params["Entries"]:
            assert entry.get("DelaySeconds", 0) <= 900
            at = self.platform.clock.wall() + timedelta(seconds=entry.get("DelaySeconds", 0))
            self.put(json.loads(entry["MessageBody"]), at)

    def put(self, body: dict[str, Any], at: datetime | None = None) -> None:
        heapq.heappush(self.waiting, (at or self.platform.clock.wall(), next(self._numbers), body))

    def tell(self) -> list[str]:
        """Put what was told since on the queue; the types."""
        events = self.platform.events()
        for event in events:
            self.put({"detail": event.to_dict(), "detail-type": event.type, "source": "whitenote"})
        return [event.type for event in events]

    def step(self) -> dict[str, Any]:
        """Handle the next message, at its time."""
        at, _, body = heapq.heappop(self.waiting)
        if at > self.platform.clock.wall():
            self.platform.clock.at = at
        on_message(body)
        self.handled.append((self.platform.clock.wall(), body))
        return body

    def run(self, *, hours: float = 0) -> None:
        """Messages at their time and the sweep late as it may be, until so many hours of wall time have passed."""
        clock = self.platform.clock
        until = clock.wall() + timedelta(hours=hours)
        self._drain(clock.wall())
        while clock.wall() < until:
            swept_at = clock.wall() + timedelta(minutes=14)
            self._drain(swept_at)
            clock.at = max(clock.wall(), swept_at)
            self.sweep()
        self._drain(until)

    def _drain(self, until: datetime) -> None:
        while self.waiting and self.waiting[0][0] <= until:
            self.step()

    def sweep(self) -> int:
        """What the schedule does for the wall-time lane; how many it found."""
        found = sweep(self.platform.clock.wall(), keys.wall_hour)
        for body in self.platform.drain(self.platform.settings.sweep_queue_url) if found else ():
            do_page(body)
        return found


@dataclass
class Hooked:
    """A merchant, its key, and what it does with webhooks over HTTP."""

    platform: Platform
    api: Api
    id: str
    key: str

    def endpoint(self, url: str, **body: Any) -> Reply:
        made = self.api.post("/v1/webhook-endpoints", {"url": url, **body}, token=self.key)
        assert made.status == 201, made.body
        return made

    def read(self, endpoint_id: str) -> Reply:
        return self.api.get(f"/v1/webhook-endpoints/{endpoint_id}", token=self.key)

    def order(self, amount_minor: int = 120_000, **body: Any) -> Reply:
        """A checkout, which is the least that tells a merchant anything."""
        asked = {
            "amount_minor": amount_minor, "currency": "CNY", "category": "electronics",
            "reference": f"hook-{next(_orders)}", **body,
        }  # fmt: skip
        made = self.api.post("/v1/checkouts", asked, token=self.key)
        assert made.status == 201, made.body
        return made

    def cancel(self, checkout_id: str) -> Reply:
        return self.api.post(f"/v1/checkouts/{checkout_id}/cancel", {}, token=self.key)

    def events(self) -> list[dict[str, Any]]:
        listed = self.api.get("/v1/events?limit=100", token=self.key)
        assert listed.status == 200, listed.body
        return list(listed["data"])

    def event(self, event_id: str) -> Reply:
        return self.api.get(f"/v1/events/{event_id}", token=self.key)

    def delivery(self, event_id: str) -> dict[str, Any]:
        (one,) = self.event(event_id)["deliveries"]
        return dict(one)


_orders = itertools.count(1)


def a_hooked_merchant(platform: Platform) -> Hooked:
    api = all_api()
    made = a_merchant(platform, api)
    return Hooked(platform, api, made["id"], made["api_key"]["secret"])


def told(merchant: Hooked, wire: Wire, **order: Any) -> str:
    """The event of a new checkout, on the queue; its id."""
    wire.tell()
    wire.run()
    merchant.order(**order)
    assert wire.tell() == ["checkout.created"]
    return str(wire.waiting[0][2]["detail"]["id"])
