"""The body of a webhook: the event as its merchant may know it. Pure.

What the slices render for a merchant audience already says states and money only; here the envelope loses what is not
the merchant's (the customer's id), a sensitive category is masked, and a body that would be too large is sent without
its data, which stays readable by the object's id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from functions.platform.bus.registry import EVENT_TYPES, MERCHANT

MAX_BYTES: Final = 20_000
SENSITIVE_CATEGORIES: Final = frozenset({"health"})
MASKED: Final = "masked"
_SHOWN: Final = ("id", "type", "version", "object_id", "sequence", "occurred_at", "request_id")

MERCHANT_TYPES: Final = tuple(sorted(name for name, each in EVENT_TYPES.items() if each.audience == MERCHANT))


def body_of(event: Mapping[str, Any]) -> str:
    """The body as it is signed, stored and sent; under 20 kB.

    Args:
        event: Our envelope.
    """
    shown = {"object": "event", **{name: event[name] for name in _SHOWN}}
    text = _dumps(shown | {"data": _masked(event["data"])})
    if len(text.encode()) < MAX_BYTES:
        return text
    return _dumps(shown | {"data": {"omitted": "too_large"}})


def _dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _masked(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, Mapping):
        return {
            name: MASKED if name == "category" and inner in SENSITIVE_CATEGORIES else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value


def is_subscribed(patterns: tuple[str, ...], event_type: str) -> bool:
    """Whether one of an endpoint's patterns ("*", "capture.*", "capture.created") takes a type."""
    return any(
        pattern in {"*", event_type} or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in patterns
    )


def is_pattern(pattern: str) -> bool:
    """Whether a pattern takes any type that merchants may hear of."""
    return any(is_subscribed((pattern,), each) for each in MERCHANT_TYPES)
