"""Where MiniStack works the same out again and again: here it remembers, or does not wait.

1. DynamoDB expressions are parsed anew for every item that a query looks at, and every number of every item is read
   digit by digit on each write and read. All of it follows from the text alone, and the texts are few: ours are written
   in the code.
2. Every write and every answer of a function wakes the pollers, which then look into two dozen queues: a pass of half
   a millisecond, most of it spent on queues that hold nothing. Those are seen at a glance.
3. The date that every answer carries is written out anew each time; it changes once a second.
4. A pass that found nothing delays the next one by 50 ms, at each of the hops from a write over stream, bus and queue
   to the function that hears of it: 5 ms will do.
"""

# ruff: noqa: SLF001, ANN401  MiniStack's private names and its signatures, listed in infra.embedded.reliance

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final

REMEMBERED: Final = ("_condition_syntax_error", "_ddb_canonicalize_number", "_number_error", "_number_size_bytes")
"""Functions of `ministack.services.dynamodb` from texts to a value that nobody changes."""
_KEPT: Final = 65_536
_IDLE_GAP_S: Final = 0.005


def hasten() -> None:
    """Apply all; once, before the first request."""
    tables, queues, pollers = _service("dynamodb"), _service("sqs"), _service("lambda_svc")
    for name in REMEMBERED:
        setattr(tables, name, _remembering(getattr(tables, name)))
    tables._tokenize = _tokens_of(tables._tokenize)
    queues._receive_messages_for_esm = _seen_at_a_glance(queues._queues, queues._receive_messages_for_esm)
    pollers.parse_arn = _remembering(pollers.parse_arn)
    front: Any = importlib.import_module("ministack.app")
    front.formatdate = _written_each_second(front.formatdate)
    pollers._ESM_IDLE_WAKE_GAP_SECONDS = _IDLE_GAP_S


def _service(name: str) -> Any:
    return importlib.import_module(f"ministack.services.{name}")


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which looks its answer up where all it is given is text."""
    known = lru_cache(_KEPT)(function)

    @wraps(function)
    def answer(*given: Any) -> Any:
        return known(*given) if all(type(each) is str for each in given) else function(*given)

    return answer


def _seen_at_a_glance(queues: Any, receive: Callable[[str, int], list[Any]]) -> Callable[[str, int], list[Any]]:
    """What a poller gets from a queue, which is nothing where nothing is; a message that comes now wakes it anew."""

    @wraps(receive)
    def answer(queue_url: str, max_number: int) -> list[Any]:
        queue = queues.get(queue_url)
        return receive(queue_url, max_number) if queue is None or queue["messages"] else []

    return answer


def _written_each_second(write: Callable[..., str]) -> Callable[..., str]:
    """The date of now as text, made when a second begins."""
    known = lru_cache(1)(lambda second, usegmt: write(second, usegmt=usegmt))

    @wraps(write)
    def answer(*, usegmt: bool) -> str:
        return known(int(time.time()), usegmt)

    return answer


def _tokens_of(tokenize: Callable[[str], list[Any]]) -> Callable[[str], list[Any]]:
    """The tokens of an expression; a list of its own for each that asks, because some take it apart."""
    known = lru_cache(_KEPT)(lambda text: tuple(tokenize(text)))

    @wraps(tokenize)
    def answer(expr: str) -> list[Any]:
        return list(known(expr))

    return answer
