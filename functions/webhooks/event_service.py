"""Use cases of events: keep one and send it on its way, list, read, replay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, parse_instant
from functions.core.errors import NotFoundError, UnavailableError
from functions.core.ids import require_id
from functions.platform.bus.registry import EVENT_TYPES, MERCHANT
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.table import Item, from_raw
from functions.platform.storage.transactions import ConditionFailedError, commit, write_each
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page
from functions.webhooks import payload
from functions.webhooks.delivery_service import send_message
from functions.webhooks.endpoint_service import TEST_EVENT, endpoints_of, read_endpoint
from functions.webhooks.store import (
    CLAIMED,
    ENABLED,
    FINAL,
    PENDING,
    DeliveryItem,
    EndpointItem,
    EventItem,
    EventRow,
    events_list,
    new_delivery,
    new_event,
    plan_event,
    plan_event_row,
    plan_replay,
)

PREFIX: Final = "evt"
_TRIES: Final = 4


def keep(envelope: Mapping[str, Any]) -> None:
    """Keep an event for its merchant and put it on its way to the endpoints that want it.

    The same event twice is kept once; what has not arrived of it is put on the queue again, so that a death between
    the write and the queue loses nothing.

    Args:
        envelope: Our envelope of any event; what merchants do not hear of is left alone.
    """
    kind, merchant_id = EVENT_TYPES.get(envelope["type"]), envelope["merchant_id"]
    if kind is None or kind.audience != MERCHANT or merchant_id is None:
        return
    box = container()
    wall = box.clock.wall()
    event = new_event(envelope["id"], merchant_id, envelope["type"], payload.body_of(envelope), wall)
    wanting = [each.endpoint_id for each in endpoints_of(merchant_id) if _wants(each, envelope)]
    deliveries = [new_delivery(event, endpoint_id, wall) for endpoint_id in wanting]
    write_each(box.tables, plan_event_row(event, parse_instant(envelope["occurred_at"])))
    if not _is_new(event, deliveries):
        _, deliveries = _loaded(event.pk, consistent=True)
    for each in deliveries:
        if each.state not in FINAL:
            send_message(each)


def _is_new(event: EventItem, deliveries: list[DeliveryItem]) -> bool:
    """Write an event down, unless it is kept already; with its deliveries or not at all."""
    tables, new = container().tables, plan_event(event, deliveries)
    if not deliveries:
        return write_each(tables, new)
    try:
        commit(tables, new)
    except ConditionFailedError:
        return False
    return True


def _wants(endpoint: EndpointItem, envelope: Mapping[str, Any]) -> bool:
    if envelope["type"] == TEST_EVENT:  # also to a disabled one: that is how its merchant sees that it works again
        return bool(endpoint.endpoint_id == envelope["object_id"])
    return endpoint.status == ENABLED and payload.is_subscribed(endpoint.subscriptions, envelope["type"])


def _loaded(event_id: str, *, consistent: bool = False) -> tuple[EventItem | None, list[DeliveryItem]]:
    raw, _ = container().tables.query_raw(Item, Path("pk") == event_id, limit=100, consistent=consistent)
    own = next((each for each in raw if each["sk"]["S"] == keys.SELF), None)
    others = [from_raw(DeliveryItem, each) for each in raw if each["sk"]["S"] != keys.SELF]
    return from_raw(EventItem, own), [each for each in others if each is not None]


def _own(event_id: str, merchant_id: str, *, consistent: bool = False) -> tuple[EventItem, list[DeliveryItem]]:
    event, deliveries = _loaded(require_id(PREFIX, event_id), consistent=consistent)
    if event is None or event.merchant_id != merchant_id or not _is_kept(event):
        raise NotFoundError
    return event, deliveries


def _is_kept(event: EventItem) -> bool:
    """Whether its thirty days are not over; the table removes what is over only some time later."""
    return event.ttl > container().clock.wall().timestamp()


def present(event: EventItem) -> dict[str, Any]:
    """The event as it is sent."""
    body: dict[str, Any] = json.loads(event.text)
    return body


def present_with_deliveries(event: EventItem, deliveries: Sequence[DeliveryItem]) -> dict[str, Any]:
    """The event, and what became of it."""
    return present(event) | {"deliveries": [_present_delivery(each) for each in deliveries]}


def _present_delivery(item: DeliveryItem) -> dict[str, Any]:
    return {
        "endpoint_id": item.endpoint_id,
        "status": PENDING if item.state == CLAIMED else item.state,
        "tries": item.tried,
        "last_try_at": _instant(item.tried_at_ms),
        "last_status": item.status,
        "last_problem": item.problem,
        "last_took_ms": item.took_ms,
        "next_try_at": _instant(item.next_at_ms) if item.state == PENDING else None,
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else isoformat(from_epoch_ms(ms))


def list_events(call: Call) -> dict[str, Any]:
    """A merchant's events of the last thirty days, newest first."""
    items, cursor = listed(call, events_list(call.who.id), EventRow, EventItem)
    return page([item for item in items if _is_kept(item)], cursor, present)


def read_event(event_id: str, merchant_id: str) -> dict[str, Any]:
    """A merchant's own event with its deliveries.

    Raises:
        NotFoundError: Not there, another merchant's, or over thirty days old.
    """
    return present_with_deliveries(*_own(event_id, merchant_id))


def replay_event(event_id: str, endpoint_id: str | None, call: Call) -> tuple[dict[str, Any], bool]:
    """Tell an event again, with a whole new round of tries.

    Args:
        event_id: `evt_…`.
        endpoint_id: To this endpoint alone, wanted or not; None for every enabled one that wants its type.
        call: For its command and its caller.

    Returns:
        The event with its deliveries, and whether the command was recognized.

    Raises:
        NotFoundError: Event or endpoint not there, or another merchant's.
        UnavailableError: Not all is on the queue; the same command again puts it there.
    """
    box, command, merchant_id = container(), call.command(), call.who.id
    for _ in range(_TRIES):
        event, deliveries = _own(event_id, merchant_id, consistent=True)
        if is_replay(event.commands, command):
            _send_waiting(deliveries)
            return present_with_deliveries(event, deliveries), True
        wanting = _replay_to(event, merchant_id, endpoint_id)
        again, new = _again(event, deliveries, wanting, box.clock.wall())
        event.commands = remember(event.commands, command)
        event.version += 1
        try:
            commit(box.tables, plan_replay(event, again, new))
        except ConditionFailedError:
            continue
        _send_waiting(again)
        kept = [each for each in deliveries if each.endpoint_id not in wanting or each.state == CLAIMED]
        return present_with_deliveries(event, sorted([*kept, *again], key=lambda each: each.endpoint_id)), False
    raise UnavailableError("the event is being delivered", retry_after_s=1)


def _replay_to(event: EventItem, merchant_id: str, endpoint_id: str | None) -> list[str]:
    if endpoint_id is not None:
        return [read_endpoint(endpoint_id, merchant_id).endpoint_id]
    return [
        each.endpoint_id
        for each in endpoints_of(merchant_id)
        if each.status == ENABLED and payload.is_subscribed(each.subscriptions, event.type)
    ]


def _again(
    event: EventItem, deliveries: Sequence[DeliveryItem], wanting: Sequence[str], wall: datetime
) -> tuple[list[DeliveryItem], set[str]]:
    """Deliveries as they will be, due now, and which of them are new; what is being sent at this moment is left."""
    known = {each.endpoint_id: each for each in deliveries}
    new = {endpoint_id for endpoint_id in wanting if endpoint_id not in known}
    out = [new_delivery(event, endpoint_id, wall) for endpoint_id in wanting if endpoint_id in new]
    for endpoint_id in wanting:
        each = known.get(endpoint_id)
        if each is None or each.state == CLAIMED:
            continue
        each.state, each.base, each.next_at_ms = PENDING, each.tried, epoch_ms(wall)
        each.problem = None
        each.leave_index()
        each.version += 1
        out.append(each)
    return out, new


def _send_waiting(deliveries: Sequence[DeliveryItem]) -> None:
    now_ms = epoch_ms(container().clock.wall())
    for each in deliveries:
        if each.state == PENDING and (each.next_at_ms or 0) <= now_ms:
            send_message(each)
