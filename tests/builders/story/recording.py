"""What each operation was asked and answered while a story is told.

api = Recording()
shop_keeper = api.of(shop.key)                   # the same API, with one person's credential
shop_keeper.post("/v1/quotes", {…})              # kept: the first success of every operation
shop_keeper.refused(422, "POST", "/v1/quotes", {…})                  # kept: the first problem of every status
api.exchanges, api.problems
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from functions.platform.web.operation import Document
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import all_api

_LONG: Final = 300
_SECRET: Final = re.compile(r"^(sk_test_|whsec_)[\w+/=]+$|^eyJ[\w-]+\.[\w-]+\.[\w-]+$|^[\w+/=-]{40,}$|^[0-9a-f]{64}$")
_VOLATILE: Final = re.compile(
    r"\b[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{8,64}\b|sk_test_\S+|whsec_\S+|[\w+/=-]{40,}|\b\d{18}\b"
    r"|\b(\d{9})\b(?=$)"
)

_DRAWN: Final = frozenset({"svg", "png_base64", "payload"})
"""Of a merchant's QR code: they carry its id, and a checksum over it."""


def a_moment_later(world: Platform) -> None:
    """Lists are in the order of time, and of ids at the same instant, which are chance."""
    world.clock.advance(timedelta(seconds=1))


@dataclass
class Recording:
    """An Api that remembers what was asked and answered."""

    exchanges: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, dict[str, Any]] = field(default_factory=dict)
    token: str | None = None
    copies: int = 1
    copied: set[str] = field(default_factory=set)
    _calls: list[str] = field(default_factory=list)

    def of(self, token: str) -> Recording:
        """The same recording, speaking with another credential."""
        return replace(self, token=token)

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        reply = self._send(method, path, body, **options)
        assert reply.status < 300, (method, path, reply.body)
        view = all_api().view(method, path.partition("?")[0])
        told = {"answer": _opening(reply.body) if view.operation.answer is Document else shown(reply.body)}
        self.exchanges.setdefault(view.__name__, {"request": shown(body), **told} if body is not None else told)
        return reply

    def refused(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> None:
        reply = self._send(method, path, body, **options)
        assert reply.status == status, (method, path, reply.body)
        self.problems.setdefault(str(status), shown(reply.body))

    def _send(self, method: str, path: str, body: Any, **options: Any) -> Reply:
        self._calls.append(path)
        if method == "POST":
            options.setdefault("key", f"story-{len(self._calls)}-{path}"[:255])
        view = all_api().view(method, path.partition("?")[0])

        def send(_: int = 0) -> Reply:
            reply: Reply = all_api()(method, path, body, **{"token": self.token, **options})
            return reply

        if self.copies == 1 or method != "POST" or not is_copied(view):
            return send()
        self.copied.add(view.__name__)
        with ThreadPoolExecutor(self.copies) as pool:
            replies = list(pool.map(send, range(self.copies)))
        # who met another copy at work is told to come again, and does
        replies = [send() if _is_told_to_wait(reply) else reply for reply in replies]
        require_one(replies, view.__name__)
        return next((reply for reply in replies if not reply.replayed), replies[0])

    def get(self, path: str, **options: Any) -> Reply:
        return self("GET", path, **options)

    def put(self, path: str, body: Any, **options: Any) -> Reply:
        return self("PUT", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Reply:
        return self("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self("DELETE", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self("POST", path, {} if body is None else body, **options)


_STATELESS: Final = frozenset({"create_code"})
"""Made from the command and the time alone: nothing could tell the first from the others, so all are equal."""


def is_copied(view: Any) -> bool:
    """Whether a merchant or a customer may send this command from many hands."""
    kinds = {each.kind for each in view.access.each}
    return bool(view.operation.command and kinds & {"merchant", "customer", "public"})


def _is_told_to_wait(reply: Reply) -> bool:
    return reply.status in {409, 503} and reply["code"] in {"in_progress", "unavailable", "state_changed"}


def require_one(replies: list[Reply], name: str) -> None:
    """All copies got the same answer, and at most one of them was the first."""
    assert len({reply.status for reply in replies}) == 1, (name, [reply.body for reply in replies][:3])
    if name in _STATELESS:
        assert all(reply.body == replies[0].body for reply in replies), name
    elif replies[0].status < 300:
        assert sum(not reply.replayed for reply in replies) <= 1, name
        assert len({reply.body.get("id") for reply in replies}) == 1, name


def _opening(document: Any) -> Any:
    """The first lines of a page, and the first members of the OpenAPI document."""
    if isinstance(document, dict) and "openapi" in document:
        return {name: document[name] for name in ("openapi", "info", "servers")}
    return shown(document)


def shown(value: Any) -> Any:
    """As the document shows it: no secret in full, no list longer than two, no text longer than a paragraph."""
    if isinstance(value, dict):
        return {name: shown(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value[:2]]
    if isinstance(value, str) and _SECRET.match(value):
        return f"{value[:8]}…"
    if isinstance(value, str) and "?" in value and "Signature=" in value:
        return f"{value.partition('?')[0]}?…"
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:_LONG]}…"
    return value


def shape(value: Any) -> Any:
    """What of an exchange is the same every time: everything but ids, hashes and secrets."""
    if isinstance(value, dict):
        return {name: "…" if name in _DRAWN else shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        return "…" if value.endswith("…") and len(value) < _LONG else _VOLATILE.sub("…", value)
    return value
