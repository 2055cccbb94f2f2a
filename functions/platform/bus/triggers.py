"""From a trigger to its worker: the worker's module is imported when its own function runs, and in no other."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from functions.platform.bus import invocation
from functions.platform.observability import flush, log

Answer = dict[str, object]
"""A JSON object; for queues and streams, the items that failed."""


class TriggerEvent(Protocol):
    """What Chalice hands to a trigger."""

    context: Any

    def to_dict(self) -> dict[str, Any]:
        """The event as Lambda sent it."""


def run(path: str, event: TriggerEvent) -> Answer:
    """Run the worker behind "module:function" and flush its metrics.

    Args:
        path: Dotted path of the worker.
        event: Of the trigger.
    """
    invocation.begin(event.context)
    log().append_keys(request_id=path.rpartition(":")[2])
    module, _, name = path.partition(":")
    try:
        answer: Answer = getattr(importlib.import_module(module), name)(event.to_dict())
        return answer
    finally:
        flush()
