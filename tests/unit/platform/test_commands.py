"""The memory of commands: eight, same body or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import IdempotencyKeyReusedError
from functions.platform.web.commands import REMEMBERED, is_replay, remember, unpack
from functions.platform.web.context import Command


def command(number: int, body: int = 0) -> Command:
    return Command(number.to_bytes(8, "big"), body.to_bytes(8, "big"), f"scope {number}")


def test_nothing_is_remembered_of_a_new_object():
    assert not is_replay(None, command(1))


def test_the_same_command_is_a_replay():
    assert is_replay(remember(None, command(1)), command(1))


def test_the_same_key_with_another_body_is_refused():
    with pytest.raises(IdempotencyKeyReusedError):
        is_replay(remember(None, command(1)), command(1, body=2))


@given(st.lists(st.integers(0, 30), max_size=30, unique=True))
def test_exactly_the_last_eight_are_remembered(numbers):
    memory = None
    for number in numbers:
        memory = remember(memory, command(number))
    assert [entry.key for entry in unpack(memory)] == [command(n).key for n in numbers[-REMEMBERED:]]
    assert len(memory or b"") <= REMEMBERED * 16
