"""Dead letters: list, read, and hand one once more to whoever could not take it.

A letter of a queue's own dead-letter queue goes back to that queue; a record that a stream consumer parked is handed to
that consumer again; an event that the bus could not deliver is put on the bus again. All consumers take the same thing
twice as once, so a replay can do no harm. A letter that fails again comes back as a new one.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat
from functions.core.errors import ConflictError, NotFoundError, UnavailableError
from functions.core.events import Event
from functions.core.ids import require_id
from functions.platform.bus.dead_letters import PREFIX, REPLAYED, DeadLetterItem, DeadLetterRow, letters_list
from functions.platform.bus.publisher import SOURCE
from functions.platform.container import container
from functions.platform.storage.transactions import ConditionFailedError, WriteSet, commit, replace
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.listing import listed
from functions.platform.web.pagination import page

_QUEUE_SUFFIX: Final = "-dlq"
_PARKING: Final = "-parking"
_UNDELIVERED: Final = "-undelivered"

CONSUMERS: Final[Mapping[str, str]] = {
    "publisher": "functions.platform.bus.workers:publish",
    "risk": "functions.risk.events:check",
    "risk_judging": "functions.risk.events:judge_parked",
    "sequencer": "functions.ledger.events:sequence",
}
"""Who parks records → who takes them again."""


class NotReplayableError(ConflictError):
    code, title = "not_replayable", "Nobody can take this letter again"


def present(item: DeadLetterItem) -> dict[str, Any]:
    """A letter as an operator sees it: where it is from and why, never what is in it, which may name someone."""
    said = _json(item.body)
    return {
        "id": item.pk,
        "object": "dead_letter",
        "status": item.state,
        "source": item.source,
        "consumer": said.get("consumer"),
        "reason": said.get("reason"),
        "event_type": said.get("detail-type"),
        "event_id": said.get("detail", {}).get("id") if isinstance(said.get("detail"), dict) else None,
        "at": isoformat(from_epoch_ms(item.at_ms)),
        "replayed_by": item.replayed_by,
        "replayed_at": isoformat(from_epoch_ms(item.replayed_ms)) if item.replayed_ms else None,
    }


def list_letters(call: Call) -> dict[str, Any]:
    """Dead letters, newest first; `?status=` keeps some of a page."""
    found, cursor = listed(call, letters_list(), DeadLetterRow, DeadLetterItem)
    wanted = call.query.get("status")
    return page([item for item in found if wanted in {None, item.state}], cursor, present)


def read_letter(letter_id: str) -> DeadLetterItem:
    """A letter by id.

    Raises:
        NotFoundError: Not there.
    """
    item: DeadLetterItem | None = container().tables.get(DeadLetterItem, require_id(PREFIX, letter_id), consistent=True)
    if item is None:
        raise NotFoundError
    return item


def replay(letter_id: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Hand a letter to whoever could not take it, once more.

    Raises:
        NotReplayableError: It is of no queue, consumer or bus of ours.
        UnavailableError: It was not taken; it waits as before.
    """
    box, command = container(), call.command()
    item = read_letter(letter_id)
    if is_replay(item.commands, command):
        return present(item), True
    _way_of(item)(item)
    seen = item.version
    item.version, item.state = seen + 1, REPLAYED
    item.replayed_by, item.replayed_ms = call.who.id, epoch_ms(box.clock.wall())
    item.commands = remember(item.commands, command)
    try:
        commit(box.tables, WriteSet.of(replace(item, seen)))
    except ConditionFailedError:
        item = read_letter(letter_id)  # another replayed it at the same moment; twice is as once
    return present(item), False


def _way_of(item: DeadLetterItem) -> Callable[[DeadLetterItem], None]:
    if item.source.endswith(_QUEUE_SUFFIX):
        return _to_its_queue
    if item.source.endswith(_PARKING) and _json(item.body).get("consumer") in CONSUMERS:
        return _to_its_consumer
    if item.source.endswith(_UNDELIVERED) and _json(item.body).get("source") == SOURCE:
        return _to_the_bus
    raise NotReplayableError(f"a letter of {item.source} is looked at by hand (docs/operations.md)")


def _to_its_queue(item: DeadLetterItem) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    sqs = container().client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=item.source.removesuffix(_QUEUE_SUFFIX))["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=item.body)
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("the queue did not take it", retry_after_s=1) from error


def _to_its_consumer(item: DeadLetterItem) -> None:
    parked = json.loads(item.body)
    module, _, name = CONSUMERS[parked["consumer"]].partition(":")
    answer = getattr(importlib.import_module(module), name)({"Records": [parked["record"]]})
    if answer["batchItemFailures"]:
        raise UnavailableError("the consumer did not take it", retry_after_s=1)


def _to_the_bus(item: DeadLetterItem) -> None:
    if container().bus.put([Event.from_dict(json.loads(item.body)["detail"])]) != [True]:
        raise UnavailableError("the bus did not take it", retry_after_s=1)


def _json(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
