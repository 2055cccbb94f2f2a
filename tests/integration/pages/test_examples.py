"""The examples in the OpenAPI document are what happens: a story is played, and every exchange in it is compared.

`make examples` writes infra/examples.json anew. A new operation gets its line in a chapter of tests/builders/story.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import pytest

from functions.platform.web.operation import Document
from infra.openapi import EXAMPLES, views
from tests.builders.platform import Platform
from tests.builders.story import CHAPTERS, shape, tell


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return found


def write(chapter: str, told: dict[str, Any]) -> None:
    text = json.dumps({**written(), chapter: told}, indent=1, ensure_ascii=False, sort_keys=True)
    EXAMPLES.write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_example_is_what_is_asked_and_answered(platform: Platform, chapter: str) -> None:
    told = tell(chapter, platform)
    if os.environ.get("WRITE_EXAMPLES"):
        write(chapter, {"exchanges": told.exchanges, "problems": told.problems})
    kept = written()[chapter]
    for kind, happened in (("exchanges", told.exchanges), ("problems", told.problems)):
        assert list(kept[kind]) == sorted(happened)
        for name, exchange in happened.items():
            assert shape(kept[kind][name]) == shape(exchange), name


def test_every_operation_has_one_example() -> None:
    told = Counter(name for chapter in written().values() for name in chapter["exchanges"])
    missing = sorted({view.__name__ for _, _, view in views()} - set(told))
    assert missing == [], "give each a line in a chapter of tests/builders/story, then `make examples`"
    assert [name for name, times in told.items() if times > 1] == []


def test_every_example_is_of_the_declared_form() -> None:
    by_name = {view.__name__: view.operation for _, _, view in views()}
    for chapter in written().values():
        for name, exchange in chapter["exchanges"].items():
            operation = by_name[name]
            if operation.answer is not Document:
                operation.answer.model_validate(exchange["answer"])
            if "request" in exchange and operation.body is not None:
                assert set(exchange["request"]) <= set(operation.body.model_fields), name
