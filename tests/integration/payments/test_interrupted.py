"""Whatever call breaks, before or after it was applied: the retry of the command finds or makes exactly one thing.

Every DynamoDB call of each command is broken in turn. Then the command is sent again with its key, and the order has
one plan, one ledger entry and one event of it, as if nothing had happened.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from functions.core.errors import UnavailableError
from functions.ledger.encoding import entry_from_bytes
from functions.ledger.entries import Entry
from tests.builders.api import Reply
from tests.builders.platform import LEDGER_TABLE, Platform
from tests.builders.shop import Shop, a_shop

AMOUNT = 60_000
FAR = 1_000
"""No command makes so many calls: nothing breaks."""

Send = Callable[[str], Reply]
_keys = itertools.count(1)


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return a_shop(platform)


def entries(platform: Platform) -> list[Entry]:
    return [entry_from_bytes(item["b"]["B"]) for item in platform.items(LEDGER_TABLE) if "b" in item]


def a_capture(shop: Shop) -> Send:
    auth = shop.authorize(AMOUNT)["id"]
    return lambda key: shop.capture(auth, AMOUNT, key=key)


def a_refund(shop: Shop) -> Send:
    capture = shop.buy(AMOUNT)["id"]
    return lambda key: shop.refund(capture, 20_000, key=key)


def a_fulfilment(shop: Shop) -> Send:
    capture = shop.capture(shop.authorize(AMOUNT, category="travel")["id"], AMOUNT)
    body = {"rendered_on": capture["start_on"], "amount_minor": 20_000, "evidence": {"reference": "ticket-1"}}
    return lambda key: shop.api.post(f"/v1/captures/{capture['id']}/fulfilments", body, token=shop.key, key=key)


def a_dispute(shop: Shop) -> Send:
    plan = shop.buy(AMOUNT)["plan_id"]
    body = {"kind": "not_received"}
    return lambda key: shop.api.post(f"/v1/me/plans/{plan}/disputes", body, token=shop.customer, key=key)


def an_acceptance(shop: Shop) -> Send:
    dispute = a_dispute(shop)("open")["id"]
    return lambda key: shop.api.post(f"/v1/disputes/{dispute}/accept", {}, token=shop.key, key=key)


def a_void(shop: Shop) -> Send:
    auth = shop.authorize(AMOUNT)["id"]
    return lambda key: shop.api.post(f"/v1/authorizations/{auth}/void", {}, token=shop.key, key=key)


COMMANDS: dict[str, tuple[Callable[[Shop], Send], int, Counter[str]]] = {
    "capture": (a_capture, 1, Counter({"capture.created": 1, "plan.created": 1})),
    "refund": (a_refund, 1, Counter({"refund.created": 1})),
    "fulfilment": (a_fulfilment, 1, Counter({"capture.fulfilled": 1})),
    "dispute": (a_dispute, 0, Counter({"dispute.opened": 1})),
    "acceptance": (an_acceptance, 1, Counter({"dispute.closed": 1, "refund.created": 1, "plan.refunded": 1})),
    "void": (a_void, 0, Counter({"authorization.voided": 1})),
}
"""Command → what comes before it, ledger entries it makes, events it tells."""
QUICK = ("capture", "acceptance")
"""These move the most; the others are broken in the campaign."""


def attempt(send: Send, key: str) -> Reply | None:
    """The answer, if there is one; where the authorizer's own read broke, the gateway says so in its place."""
    try:
        reply = send(key)
    except UnavailableError:
        return None
    assert reply.status in {200, 201, 503}, reply.body
    return reply if reply.status != 503 else None


def effect(shop: Shop, act: Callable[[], Any]) -> tuple[int, Counter[str], dict[str, Any]]:
    """How many entries and which events some acts make, and what they leave of the line."""
    shop.platform.events()
    before = len(entries(shop.platform))
    act()
    told = Counter({event.id: event.type for event in shop.platform.events()}.values())
    return len(entries(shop.platform)) - before, told, shop.line()


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize(
    "command", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS]
)
def test_a_command_broken_at_any_call_is_done_once(shop: Shop, command: str, lost: bool) -> None:
    prepare, posted, told = COMMANDS[command]
    send = prepare(shop)
    with shop.platform.interrupting(FAR) as calls:
        assert effect(shop, lambda: send("clean"))[:2] == (posted, told)
    made = calls.index("TransactWriteItems") + 1  # what follows only looks
    for place in range(made):
        send, key = prepare(shop), f"key-{command}-{lost}-{next(_keys)}"

        def broken_then_whole(send: Send = send, place: int = place, key: str = key) -> None:
            with shop.platform.interrupting(place, lost=lost) as calls:
                first = attempt(send, key)
            again = send(key)
            assert again.status in {200, 201}, again.body
            assert again.replayed == (first is not None or (lost and calls[-1] == "TransactWriteItems"))
            assert first is None or first.body == again.body

        entries_made, events, line = effect(shop, broken_then_whole)
        assert (entries_made, events) == (posted, told), f"call {place} broken"
        assert line["limit_minor"] == line["available_minor"] + line["held_minor"] + line["outstanding_minor"]


def test_every_capture_has_one_plan_one_entry_and_one_event_when_the_stream_comes_twice(shop: Shop) -> None:
    from functions.platform.bus.publisher import publish
    from functions.platform.bus.registry import Renderers
    from functions.platform.bus.stream import records_of
    from tests.builders.platform import NothingParked, Taken

    auth = shop.authorize(AMOUNT)["id"]
    captures = [shop.capture(auth, amount)["id"] for amount in (10_000, 20_000, 30_000)]
    records, bus = records_of(shop.platform.records()), Taken()
    for _ in range(2):
        secret = shop.platform.secrets.key("events")
        publish(records, bus=bus, renderers=Renderers(), secret=secret, parking=NothingParked())
    told = {event.id: event for event in bus.events if event.type == "capture.created"}
    assert sorted(event.object_id for event in told.values()) == sorted(captures)
    plans = {item["pk"]["S"] for item in shop.platform.items() if item["pk"]["S"].startswith("plan_")}
    assert len(plans) == len(captures)
    assert sorted(entry.explains[0] for entry in entries(shop.platform)) == sorted(plans)
