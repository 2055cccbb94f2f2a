"""Item sizes by the rules of the DynamoDB developer guide ("Item sizes and formats"), computed by hand."""

from __future__ import annotations

import pytest

from functions.platform.storage.meter import item_bytes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "京东白条"}, 12),
        ({"B": b"\x00" * 16}, 16),
        ({"N": "0"}, 2),
        ({"N": "7"}, 2),
        ({"N": "42"}, 2),
        ({"N": "100000"}, 2),
        ({"N": "123"}, 3),
        ({"N": "-123"}, 4),
        ({"N": "0.5"}, 2),
        ({"N": "1795334400123"}, 8),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"BS": [b"ab", b"c"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + (1 + 2) + (1 + 2)),
        ({"M": {}}, 3),
        ({"M": {"ab": {"S": "cd"}}}, 3 + 1 + 2 + 2),
        ({"L": [{"M": {"a": {"L": []}}}]}, 3 + 1 + (3 + 1 + 1 + 3)),
    ],
)
def test_a_value_has_the_documented_size_and_its_name_counts(value, size):
    assert item_bytes({"n": value}) == 1 + size
    assert item_bytes({"名": value}) == 3 + size


def test_no_item_has_no_size():
    assert item_bytes(None) == item_bytes({}) == 0


def test_an_unknown_type_is_not_guessed():
    with pytest.raises(ValueError, match="XX"):
        item_bytes({"a": {"XX": 1}})
