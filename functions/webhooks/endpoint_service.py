"""Use cases of endpoints: create, list, read, change, delete, rotate the secret, ask for a test event, disable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pynamodb.expressions.operand import Path

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from functions.core.ids import derived_id, require_id
from functions.platform.container import container
from functions.platform.observability import count
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit, create
from functions.platform.web.commands import is_replay, remember, same_body
from functions.platform.web.context import Call
from functions.webhooks.address import target_of
from functions.webhooks.payload import MERCHANT_TYPES, is_pattern
from functions.webhooks.schemas import EndpointChange, EndpointRequest
from functions.webhooks.signature import secret_of, secret_text
from functions.webhooks.store import DELETED, DISABLED, ENABLED, KEPT, EndpointItem, plan_endpoint

PREFIX: Final = "whk"
MOST_ENDPOINTS: Final = 16
SHOWN_AGAIN: Final = timedelta(minutes=10)
TEST_EVENT: Final = "webhook_endpoint.tested"
BY_MERCHANT, GONE, FAILING = "merchant", "gone", "failing"
_MOST_RETIRING: Final = 2
_TRIES: Final = 4


class TooManyEndpointsError(ConflictError):
    code, title = "too_many_endpoints", "The merchant has as many webhook endpoints as it may have"


class RotationUnderWayError(ConflictError):
    code, title = "rotation_under_way", "Two former secrets are still good; rotate without overlap, or wait"


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint as its merchant sees it.

    Args:
        secret: What signs, where it may be shown.
        replayed: Whether a command was recognized.
    """

    item: EndpointItem
    secret: str | None = field(default=None, repr=False)
    replayed: bool = False


def present(item: EndpointItem) -> dict[str, Any]:
    """The endpoint as JSON values, without its secret."""
    now = container().clock.wall()
    tested = item.tested_version
    return {
        "id": item.endpoint_id,
        "object": "webhook_endpoint",
        "version": item.version,
        "url": item.url,
        "events": list(item.subscriptions),
        "description": item.description,
        "status": item.status,
        "disabled_reason": item.reason,
        "health": {
            "state": "failing" if item.failures else "healthy" if item.succeeded_at_ms else "untried",
            "consecutive_failures": item.failures,
            "last_success_at": _instant(item.succeeded_at_ms),
            "last_failure_at": _instant(item.failed_at_ms),
            "last_failure": item.failed_with,
        },
        "former_secrets_until": [isoformat(until) for _, until in item.retiring_at(now)],
        "last_test_event_id": _event_id(item, tested) if tested is not None else None,
        "created_at": _instant(item.created_at_ms),
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else isoformat(from_epoch_ms(ms))


def _event_id(item: EndpointItem, version: int) -> str:
    """The id that the publisher gives to the only event of a version."""
    return derived_id("evt", container().secrets.key("events"), item.pk, item.sk, version, 0)


def endpoints_of(merchant_id: str) -> list[EndpointItem]:
    """A merchant's endpoints, in the order of their making."""
    found, _ = container().tables.query(
        EndpointItem, merchant_id, limit=1000, sort=Path("sk").startswith(keys.ENDPOINTS), consistent=True
    )
    return sorted((each for each in found if each.status != DELETED), key=lambda each: (each.created_at_ms, each.sk))


def load(endpoint_id: str, merchant_id: str) -> EndpointItem | None:
    """A merchant's endpoint as it is now, even a deleted one; None where there was never one."""
    found: EndpointItem | None = container().tables.get(
        EndpointItem, merchant_id, keys.endpoint(endpoint_id), consistent=True
    )
    return found


def read_endpoint(endpoint_id: str, merchant_id: str) -> EndpointItem:
    """A merchant's own endpoint.

    Raises:
        NotFoundError: Not there, deleted, or another merchant's.
    """
    item = load(require_id(PREFIX, endpoint_id), merchant_id)
    if item is None or item.status == DELETED:
        raise NotFoundError
    return item


def create_endpoint(body: EndpointRequest, call: Call) -> Shown:
    """Tell events to another URL from now on.

    Raises:
        UrlRefusedError: Not a public https URL.
        InvalidError: A type of event that merchants never hear of.
        TooManyEndpointsError: There are sixteen.
        IdempotencyKeyReusedError: The key came with another body.
    """
    box, command = container(), call.command()
    endpoint_id = derived_id(PREFIX, box.secrets.key("ids"), command.scope)
    made = load(endpoint_id, call.who.id)
    if made is not None:
        same_body(made.body, command)
        return _made_before(made)
    _require_fit(body.url, body.events)
    if len(endpoints_of(call.who.id)) >= MOST_ENDPOINTS:
        raise TooManyEndpointsError
    item = EndpointItem(
        pk=call.who.id,
        sk=keys.endpoint(endpoint_id),
        url=body.url,
        patterns=" ".join(dict.fromkeys(body.events)),
        description=body.description,
        key=command.key,
        body=command.body,
        created_at_ms=epoch_ms(box.clock.wall()),
    )
    item.tell(box.clock.now(), call.request_id, Pending("webhook_endpoint.created"))
    try:
        commit(box.tables, WriteSet.of(create(item)))
    except ConditionFailedError as error:
        stored = EndpointItem.from_raw_data(error.item or {})
        same_body(stored.body, command)
        return _made_before(stored)
    return Shown(item, _secret(item))


def _made_before(item: EndpointItem) -> Shown:
    fresh = item.generation == 1 and _is_recent(item.created_at_ms)
    return Shown(item, _secret(item) if fresh else None, replayed=True)


def _is_recent(at_ms: int | None) -> bool:
    return at_ms is not None and container().clock.wall() < from_epoch_ms(at_ms) + SHOWN_AGAIN


def _secret(item: EndpointItem) -> str:
    return secret_text(secret_of(container().secrets.key("webhooks"), item.endpoint_id, item.generation))


def _require_fit(url: str | None, events: Sequence[str] | None) -> None:
    if url is not None:
        target_of(url, loopback=container().settings.webhooks_to_loopback)
    wrong = [
        FieldError(f"/events/{place}", "not_allowed", "no such event for merchants")
        for place, pattern in enumerate(events or ())
        if not is_pattern(pattern)
    ]
    if wrong:
        raise InvalidError(f"events are among {', '.join(MERCHANT_TYPES)}", errors=tuple(wrong))


Decide = Callable[[EndpointItem], str | None]
"""Changes an endpoint; answers the type of event to tell, or None where nothing changes."""


def _change(endpoint_id: str, merchant_id: str, request_id: str, decide: Decide) -> EndpointItem:
    """Load, decide, commit once; begin again when somebody was faster."""
    box = container()
    for _ in range(_TRIES):
        item = read_endpoint(endpoint_id, merchant_id)
        told = decide(item)
        if told is None:
            return item
        seen, item.version = item.version, item.version + 1
        item.tell(box.clock.now(), request_id, Pending(told))
        try:
            commit(box.tables, plan_endpoint(item, seen))
        except ConditionFailedError:
            continue
        return item
    raise ConditionFailedError


def change_endpoint(endpoint_id: str, body: EndpointChange, call: Call) -> EndpointItem:
    """Change what is named; enabling begins with a clean record; saying the same again changes nothing."""
    _require_fit(body.url, body.events)
    wanted = {
        "url": body.url,
        "patterns": " ".join(dict.fromkeys(body.events)) if body.events else None,
        "description": body.description,
        "status": body.status,
    }

    def decide(item: EndpointItem) -> str | None:
        changed = {name for name, value in wanted.items() if value is not None and value != getattr(item, name)}
        for name in changed:
            setattr(item, name, wanted[name])
        if "status" in changed:
            item.reason = BY_MERCHANT if item.status == DISABLED else None
            item.failures = 0
        return "webhook_endpoint.changed" if changed else None

    return _change(endpoint_id, call.who.id, call.request_id, decide)


def delete_endpoint(endpoint_id: str, call: Call) -> EndpointItem:
    """Tell it nothing more; deleting it again changes nothing.

    Raises:
        NotFoundError: Never there, or another merchant's.
    """
    gone = load(require_id(PREFIX, endpoint_id), call.who.id)
    if gone is not None and gone.status == DELETED:
        return gone

    def decide(item: EndpointItem) -> str:
        item.status, item.reason = DELETED, None
        item.ttl = int((container().clock.wall() + KEPT).timestamp())
        return "webhook_endpoint.deleted"

    return _change(endpoint_id, call.who.id, call.request_id, decide)


def rotate_secret(endpoint_id: str, overlap: timedelta, call: Call) -> Shown:
    """Sign with a new secret, and for the overlap with the former ones too.

    Args:
        endpoint_id: `whk_…`.
        overlap: How long the present secret goes on signing; zero ends every former one now.
        call: For its command and its caller.

    Raises:
        NotFoundError: Not there, or another merchant's.
        RotationUnderWayError: Two former secrets are still good, and an overlap is asked for.
    """
    command, wall = call.command(), container().clock.wall()
    replayed = False

    def decide(item: EndpointItem) -> str | None:
        nonlocal replayed
        if is_replay(item.commands, command):
            replayed = True
            return None
        held = item.retiring_at(wall)
        if overlap and len(held) >= _MOST_RETIRING:
            raise RotationUnderWayError
        item.retire([*held, (item.generation, wall + overlap)] if overlap else [])
        item.generation += 1
        item.rotated_at_ms = epoch_ms(wall)
        item.commands = remember(item.commands, command)
        return "webhook_endpoint.rotated"

    item = _change(endpoint_id, call.who.id, call.request_id, decide)
    return Shown(item, _secret(item) if _is_recent(item.rotated_at_ms) else None, replayed)


def ask_for_test(endpoint_id: str, call: Call) -> Shown:
    """Tell a test event to this endpoint alone, by the way that every event goes: stream, bus, queue.

    Raises:
        NotFoundError: Not there, or another merchant's.
    """
    command = call.command()
    replayed = False

    def decide(item: EndpointItem) -> str | None:
        nonlocal replayed
        if is_replay(item.commands, command):
            replayed = True
            return None
        item.commands = remember(item.commands, command)
        item.tested_version = item.version + 1
        return TEST_EVENT

    return Shown(_change(endpoint_id, call.who.id, call.request_id, decide), None, replayed)


def disable(endpoint_id: str, merchant_id: str, reason: str, unless: Callable[[EndpointItem], bool]) -> bool:
    """Stop telling an endpoint that does not want or take anything; its merchant and the operators hear of it.

    Args:
        endpoint_id: `whk_…`.
        merchant_id: Whose.
        reason: "gone" or "failing".
        unless: Judges the endpoint as it is now.

    Returns:
        Whether it was disabled by this.
    """
    done = False

    def decide(item: EndpointItem) -> str | None:
        nonlocal done
        done = item.status == ENABLED and not unless(item)
        if not done:
            return None
        item.status, item.reason = DISABLED, reason
        return "webhook_endpoint.disabled"

    try:
        _change(endpoint_id, merchant_id, "webhooks", decide)
    except NotFoundError:
        return False
    if done:
        count("WebhookEndpointDisabled")
    return done


def signing_secrets(item: EndpointItem, wall: datetime) -> list[bytes]:
    """What signs at an instant, the newest first."""
    key = container().secrets.key("webhooks")
    return [secret_of(key, item.endpoint_id, generation) for generation in item.signing(wall)]
