"""The stream's filter lets through all that risk learns from, and little else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from functions.platform.bus.stream import records_of
from functions.risk.counting.observing import countable
from functions.risk.watch.lessons import lesson_of
from infra.functions import load_specs
from tests.builders.platform import Platform
from tests.builders.shop import a_shop

PATTERNS = [json.loads(pattern) for pattern in load_specs()["risk_checks"].filters]


def matches(pattern: Any, value: Any) -> bool:
    """As much of Lambda's event filtering as is used: nested objects, lists of texts and of prefixes."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(matches(inner, value.get(name)) for name, inner in pattern.items())
    return isinstance(value, str) and any(
        value.startswith(each["prefix"]) if isinstance(each, Mapping) else value == each for each in pattern
    )


def heard(record: Mapping[str, Any]) -> bool:
    return any(matches(pattern, record) for pattern in PATTERNS)


def test_all_that_teaches_is_heard(platform: Platform) -> None:
    shop = a_shop(platform)
    capture = shop.buy(90_000)
    assert shop.refund(str(capture["id"]), 1_000).status == 201
    assert shop.repay(5_000, "due").status == 201
    raw = platform.records(reader="filter")["Records"]
    teaching = [
        each
        for each, record in zip(raw, records_of({"Records": raw}), strict=True)
        if countable(record) is not None or lesson_of(record) is not None
    ]
    kinds = {each["dynamodb"]["Keys"]["pk"]["S"][:4] for each in teaching}
    assert {"auth", "plan", "line"} <= kinds
    assert any(each["dynamodb"]["Keys"]["sk"]["S"].startswith("app#") for each in teaching)
    # a refund teaches only where it goes elsewhere than the money came from
    teaching += [each for each in raw if each["dynamodb"]["Keys"]["pk"]["S"].startswith("ref_")]
    assert [each for each in teaching if not heard(each)] == []
    assert sum(map(heard, raw)) < len(raw)


def test_a_message_to_a_customer_is_not_heard() -> None:
    for pk in ("msg_1", "sent#msg_1", "seen#risk#1", "clock"):
        assert not heard({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "-"}}}})
