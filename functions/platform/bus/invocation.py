"""How long the Lambda invocation that runs now may still take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

_BY_HAND_MS: Final = 60_000


class Context(Protocol):
    """The part of Lambda's context that is asked for."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Stands for the context where a worker is called by a tool or a test: nothing will stop it."""

    remaining_ms: int = _BY_HAND_MS

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


_current: list[Context] = []


def begin(context: object) -> None:
    """An invocation begins; the one before it in this container has ended.

    Args:
        context: Lambda's, or anything else where there is none.
    """
    _current[:] = [context] if hasattr(context, "get_remaining_time_in_millis") else []


def forget() -> None:
    """No invocation runs."""
    _current.clear()


def context() -> Context:
    """Of the invocation that runs now."""
    return _current[0] if _current else ByHand()
