"""Delivering: claim with a lease, send, mark; and bringing back what waits.

Each message of the queue names the try it is for. It may come twice, late, or after a death at any point: a claim that
lives makes it wait, one whose lease is over is taken over (the receiver drops what it has had by `webhook-id`), and a
try that was made already only makes sure that the next one is on its way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms
from functions.core.errors import UnavailableError
from functions.platform.container import Container, container
from functions.platform.observability import count, log
from functions.platform.parallel import each_for_itself
from functions.platform.storage import keys
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.webhooks import endpoint_service, retry
from functions.webhooks.endpoint_service import FAILING, GONE, TEST_EVENT
from functions.webhooks.retry import Outcome
from functions.webhooks.sender import Answered, Sender
from functions.webhooks.signature import signed_headers
from functions.webhooks.store import (
    CLAIMED,
    DELIVERED,
    ENABLED,
    FAILED,
    FINAL,
    PENDING,
    DeliveryItem,
    EndpointItem,
    EventItem,
    plan_handed_over,
    plan_health,
    plan_step,
)

DELIVERY_KIND: Final = "delivery"
LEASE: Final = timedelta(seconds=120)
"""Twice the sender's time limit (infra/functions.toml): whoever held an older claim has ended."""
_ATTEMPT_BYTES: Final = 8
_NOTED_EVERY: Final = timedelta(hours=1)


def send_message(item: DeliveryItem) -> None:
    """Put the next try of a delivery on the queue, or leave it to the index if it is too far off.

    Raises:
        UnavailableError: The queue did not take it.
    """
    box = container()
    left = from_epoch_ms(item.next_at_ms or 0) - box.clock.wall()
    delay_s = retry.queue_delay_s(left)
    if delay_s is None:
        return
    _send(box, item, delay_s)


def _send(box: Container, item: DeliveryItem, delay_s: int) -> None:
    body = {"kind": DELIVERY_KIND, "event": item.pk, "endpoint": item.endpoint_id, "try": item.tried + 1}
    box.queue(box.settings.webhooks_queue_url).send([body], delay_s=delay_s)


def deliver(message: Mapping[str, Any]) -> None:
    """Make the try that a message of the queue is for.

    Args:
        message: {"kind": "delivery", "event": "evt_…", "endpoint": "whk_…", "try": n}.

    Raises:
        UnavailableError: Storage or queue did not answer; the message comes again.
    """
    box = container()
    event, item = box.tables.batch_get(
        [(EventItem, message["event"], keys.SELF), (DeliveryItem, message["event"], message["endpoint"])],
        consistent=True,
    )
    if not isinstance(event, EventItem) or not isinstance(item, DeliveryItem) or item.state in FINAL:
        return
    wall = box.clock.wall()
    if item.state == CLAIMED and epoch_ms(wall) < (item.lease_ms or 0):
        _send(box, item, retry.queue_delay_s(from_epoch_ms(item.lease_ms or 0) - wall) or 1)
        return
    if item.tried >= message["try"] or epoch_ms(wall) < (item.next_at_ms or 0):
        send_message(item)
        return
    _try(box, event, item)


def _try(box: Container, event: EventItem, item: DeliveryItem) -> None:
    endpoint = endpoint_service.load(item.endpoint_id, item.merchant_id)
    if endpoint is None or (endpoint.status != ENABLED and not _is_asked_for(event, item)):
        item.state, item.problem, item.next_at_ms = FAILED, "endpoint_not_enabled", None
        item.leave_index()
        _write(box, item)
        return
    item.state, item.attempt = CLAIMED, os.urandom(_ATTEMPT_BYTES)
    item.lease_ms = epoch_ms(box.clock.wall() + LEASE)
    item.leave_index()
    if not _write(box, item):
        return  # another try was quicker; it does what is to be done
    body, at = event.text, box.clock.wall()
    headers = signed_headers(event.pk, at, body, endpoint_service.signing_secrets(endpoint, at))
    sender = Sender(loopback=box.settings.webhooks_to_loopback)
    answer = sender.post(endpoint.url, body.encode(), {"Content-Type": "application/json", **headers})
    outcome = _mark(box, event, item, answer)
    if outcome is None:
        return
    if item.state == PENDING:
        send_message(item)
    _note_health(box, endpoint, outcome, answer)
    _disable_if_due(event, item, endpoint, outcome)


def _is_asked_for(event: EventItem, item: DeliveryItem) -> bool:
    """Whether a person asked for this very try, and wants it though the endpoint is disabled."""
    return event.type == TEST_EVENT or item.base > 0


def _mark(box: Container, event: EventItem, item: DeliveryItem, answer: Answered) -> Outcome | None:
    """Write down what came of a try; None where another has taken it over."""
    wall, outcome = box.clock.wall(), retry.outcome_of(answer.status)
    item.tried += 1
    item.status, item.problem, item.took_ms = answer.status, answer.problem, answer.took_ms
    item.tried_at_ms = epoch_ms(wall)
    item.attempt, item.lease_ms, item.next_at_ms = None, None, None
    item.state = DELIVERED if outcome is Outcome.DELIVERED else FAILED
    if outcome is Outcome.AGAIN:
        most = 1 if event.type == TEST_EVENT else retry.TRIES
        again = retry.next_try(item.tried - item.base, wall, most=most)
        if again is not None:
            item.state, item.next_at_ms = PENDING, epoch_ms(again)
            if retry.queue_delay_s(again - wall) is None:
                item.wait_in_index(again, box.settings.shards)
    if not _write(box, item):
        return None
    count(f"Webhook_{item.state}")
    return outcome


def _write(box: Container, item: DeliveryItem) -> bool:
    """Write a delivery over the version it was made from; False when another try has moved it."""
    item.version += 1
    try:
        commit(box.tables, plan_step(item))
    except ConditionFailedError as error:
        # our own write, applied though its answer was lost and the client sent it again, is no other try
        return bool(error.item) and DeliveryItem.from_raw_data(dict(error.item or {})).serialize() == item.serialize()
    return True


def _note_health(box: Container, endpoint: EndpointItem, outcome: Outcome, answer: Answered) -> None:
    """Keep the endpoint's record: every failure, a success only where it says something new. Never in the way."""
    wall = box.clock.wall()
    delivered = outcome is Outcome.DELIVERED
    last = endpoint.succeeded_at_ms
    if delivered and not endpoint.failures and last is not None and wall < from_epoch_ms(last) + _NOTED_EVERY:
        return
    failed_with = None if delivered else str(answer.status or answer.problem)
    try:
        commit(box.tables, plan_health(endpoint.merchant_id, endpoint.endpoint_id, wall, failed_with))
    except (ConditionFailedError, UnavailableError):
        log().warning("endpoint health not noted", extra={"endpoint_id": endpoint.endpoint_id})


def _disable_if_due(event: EventItem, item: DeliveryItem, endpoint: EndpointItem, outcome: Outcome) -> None:
    """410 disables at once; the last failed try does, unless the endpoint has taken something else since the first."""
    if outcome is Outcome.GONE:
        endpoint_service.disable(endpoint.endpoint_id, endpoint.merchant_id, GONE, lambda _: False)
    elif item.state == FAILED and event.type != TEST_EVENT:
        endpoint_service.disable(
            endpoint.endpoint_id,
            endpoint.merchant_id,
            FAILING,
            lambda now: (now.succeeded_at_ms or 0) >= item.created_at_ms,
        )


def wake(due: Sequence[tuple[str, str]], now: datetime) -> None:  # noqa: ARG001  webhooks wait in wall time
    """Hand deliveries of this hour to the queue when the queue can wait for the rest; called by the sweep.

    A delivery stands in the index in the hour that its next try lies in. Every sweep of that hour finds it; the first
    that comes within a queue's delay of the instant takes it out.

    Args:
        due: Keys of deliveries.
        now: Business time of the sweep.

    Raises:
        UnavailableError: Storage or queue did not answer; the next sweep finds what is left.
    """
    box = container()
    found = box.tables.batch_get([(DeliveryItem, pk, sk) for pk, sk in due], consistent=True)
    waiting = [item for item in found if isinstance(item, DeliveryItem) and item.shard and item.state == PENDING]
    each_for_itself(_hand_over, waiting, named=lambda item: item.pk)


def _hand_over(item: DeliveryItem) -> None:
    box = container()
    delay_s = retry.queue_delay_s(from_epoch_ms(item.next_at_ms or 0) - box.clock.wall())
    if delay_s is None:
        return
    _send(box, item, delay_s)
    with suppress(ConditionFailedError):  # it was tried or replayed meanwhile, and stands where that put it
        commit(box.tables, plan_handed_over(item))
