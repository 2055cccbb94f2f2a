"""SQS: what is put there, and what a consumer answers about a batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.core.errors import UnavailableError
from functions.platform.bus.stream import BatchAnswer, dumps
from functions.platform.observability import log
from functions.platform.parallel import side_by_side

SEND_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue.

    Args:
        client: boto3 "sqs" client.
        url: Its URL.
    """

    client: Any
    url: str

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_s: int | None = None) -> None:
        """Put messages, ten a request.

        Args:
            bodies: JSON objects.
            delay_s: How long nobody gets them, 0 to 900; the queue's own delay if None.

        Raises:
            UnavailableError: Not all were taken; those taken may come twice when tried again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        delay: dict[str, Any] = {} if delay_s is None else {"DelaySeconds": delay_s}
        for start in range(0, len(bodies), SEND_LIMIT):
            entries = [
                {"Id": str(index), "MessageBody": dumps(body), **delay}
                for index, body in enumerate(bodies[start : start + SEND_LIMIT])
            ]
            try:
                answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise UnavailableError(retry_after_s=1) from error
            if answer.get("Failed"):
                raise UnavailableError("queue refused messages", retry_after_s=1)


@dataclass(frozen=True, slots=True)
class ParkingQueue:
    """Where stream records go that no one could handle; the dead-letter consumer stores them as items."""

    queue: Queue

    def park(self, consumer: str, body: Mapping[str, Any], reason: str) -> None:
        self.queue.send([{"consumer": consumer, "reason": reason, "record": body}])


def each_message(
    records: Iterable[Mapping[str, Any]],
    handle: Callable[[dict[str, Any]], None],
    *,
    consumer: str,
    at_once: int = 1,
    repeatable: Callable[[str], bool] = lambda _: False,
) -> BatchAnswer:
    """Handle SQS messages; the failed ones come back and end in the dead-letter queue.

    An event of the bus is handled once by a consumer, under a record of its own (functions/platform/bus/once.py), but
    for one that the consumer may repeat; a message that asks for work is handled each time it comes, and finds in the
    items what is left to do.

    Args:
        records: `Records` of the Lambda event.
        handle: Takes the decoded body; may be called again with the same message.
        consumer: Name for logs.
        at_once: How many are handled side by side; more than one where handling waits for somebody outside.
        repeatable: Tells of a type of event whether what is done about it comes out the same when done again.
    """

    def failed(record: Mapping[str, Any]) -> bool:
        try:
            _take(json.loads(record["body"]), handle, consumer, repeatable)
        except Exception:  # noqa: BLE001  whatever failed comes back, and ends in the dead-letter queue
            log().exception("message failed", extra={"consumer": consumer})
            return True
        return False

    batch = list(records)
    answers = side_by_side(failed, batch, at_once)
    names = [record["messageId"] for record, bad in zip(batch, answers, strict=True) if bad]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def _take(
    body: dict[str, Any], handle: Callable[[dict[str, Any]], None], consumer: str, repeatable: Callable[[str], bool]
) -> None:
    _hear(body)
    if "detail" not in body or ("detail-type" in body and repeatable(body["detail-type"])):
        handle(body)
        return
    from functions.platform.bus.once import handle_once, name_of

    name = name_of(body)
    if name is None:
        handle(body)
    else:
        handle_once(handle, body, name=name, consumer=consumer)


def _hear(body: Mapping[str, Any]) -> None:
    """What is told of now is not judged as of before: the sandbox's clock may have moved since this process looked."""
    at = body["detail"].get("occurred_at") if "detail" in body else body.get("at")
    if at:
        from functions.core.clock import parse_instant
        from functions.platform.container import container
        from functions.platform.sandbox_clock import hear

        hear(container(), parse_instant(at))


def event_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Our envelope out of an EventBridge message."""
    detail: dict[str, Any] = body["detail"]
    return detail
