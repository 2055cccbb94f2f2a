"""Doing several things that wait for somebody outside at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

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
