"""Replay of commands that change an object: the object remembers its last eight.

Same key and same body: the same result again. Same key, other body: refused. Creations need no memory of their own,
because the id of what they create is derived from the command.
Nor is a result stored: it is the object itself, or a part of it whose id is derived from the key.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynamodb.attributes import BinaryAttribute

from functions.core.errors import IdempotencyKeyReusedError
from functions.platform.web.context import HASH_BYTES, Command

REMEMBERED = 8
_ENTRY = HASH_BYTES + HASH_BYTES


class CommandsAttribute(BinaryAttribute):
    """The memory, as stored bytes."""

    def __init__(self, attr_name: str = "cm") -> None:
        super().__init__(legacy_encoding=False, attr_name=attr_name, null=True)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A command that has been done."""

    key: bytes
    body: bytes


def unpack(raw: bytes | None) -> tuple[Remembered, ...]:
    """The memory, oldest first."""
    data = raw or b""
    return tuple(
        Remembered(data[i : i + HASH_BYTES], data[i + HASH_BYTES : i + _ENTRY]) for i in range(0, len(data), _ENTRY)
    )


def is_replay(raw: bytes | None, command: Command) -> bool:
    """Whether this very command was done before.

    Raises:
        IdempotencyKeyReusedError: The key was used with another body.
    """
    for entry in unpack(raw):
        if entry.key == command.key:
            same_body(entry.body, command)
            return True
    return False


def same_body(body: bytes, command: Command) -> None:
    """Refuse a key that comes back with another body.

    Raises:
        IdempotencyKeyReusedError: It does.
    """
    if body != command.body:
        raise IdempotencyKeyReusedError


def remember(raw: bytes | None, command: Command) -> bytes:
    """The memory with this command added and the oldest beyond eight forgotten."""
    return ((raw or b"") + command.key + command.body)[-REMEMBERED * _ENTRY :]
