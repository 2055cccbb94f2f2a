"""Doing several things: at once, where each waits for somebody outside; each for itself, where one may fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from functions.platform.observability import log

AT_ONCE: Final = 4
"""Of a page or a batch: each waits for tables, keys and channels in turn."""

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(do: Callable[[T], R], given: Sequence[T], at_once: int) -> list[R]:
    """What comes of each, in the order given; so many of them are under way at a time.

    Args:
        do: Must not raise what the others shall survive: the first error ends the waiting for all.
        given: What it is called with, one by one.
        at_once: Threads; one, or one thing to do, takes none.
    """
    if at_once == 1 or len(given) <= 1:
        return [do(each) for each in given]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(at_once, len(given))) as pool:
        return list(pool.map(do, given))


def each_for_itself(
    do: Callable[[T], R], given: Sequence[T], *, named: Callable[[T], str] = str, at_once: int = 1
) -> list[R]:
    """What comes of each; trouble with one keeps no other waiting.

    Args:
        do: May raise.
        given: What it is called with, one by one.
        named: What a thing is called in the log: a public id.
        at_once: As in `side_by_side`.

    Raises:
        Exception: The first that went wrong, after all others have been done.
    """
    errors: list[Exception] = []

    def one(each: T) -> list[R]:
        try:
            return [do(each)]
        except Exception as error:  # noqa: BLE001  raised below, when all have had their turn
            log().exception("failed", extra={"item_id": named(each)})
            errors.append(error)
            return []

    done = [result for results in side_by_side(one, given, at_once) for result in results]
    if errors:
        raise errors[0]
    return done
