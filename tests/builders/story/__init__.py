"""Stories that use every operation of the API, and what each was asked and answered in them.

told = tell("purchase", platform)                # a Recording: operation id → {"request": …, "answer": …}

Each chapter has a platform of its own. tests/integration/pages/test_examples.py holds infra/examples.json to them,
which the OpenAPI document shows; an operation without an example fails there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.builders.platform import Platform
from tests.builders.story import (
    books,
    credit,
    desk,
    onboarding,
    people,
    plans,
    purchase,
    risk,
    rules,
    till,
    webhooks,
)
from tests.builders.story.recording import Recording, shape

CHAPTERS: Final[Mapping[str, Callable[[Platform, Recording], None]]] = {
    "onboarding": onboarding.tell,
    "people": people.tell,
    "purchase": purchase.tell,
    "till": till.tell,
    "plans": plans.tell,
    "desk": desk.tell,
    "credit": credit.tell,
    "risk": risk.tell,
    "rules": rules.tell,
    "webhooks": webhooks.tell,
    "books": books.tell,
}


def tell(chapter: str, world: Platform, copies: int = 1) -> Recording:
    """Play a chapter; every request in it ends as it says.

    Args:
        chapter: Which.
        world: To play it in.
        copies: How many hands send each command of a merchant or customer at once.
    """
    api = Recording(copies=copies)
    CHAPTERS[chapter](world, api)
    return api


__all__ = ["CHAPTERS", "Recording", "shape", "tell"]
