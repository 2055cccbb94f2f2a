"""Wrong codes: who guesses is slowed down, whose code is guessed at confirms, and nobody is locked out. Pure.

A guess hits with three in a million (docs/security.md). What makes that small is how few guesses there are: five in ten
minutes from a terminal, twenty-five from a merchant; and after five at one alias a right code alone pays nothing there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.core.ids import keyed_hash

WINDOW: Final = timedelta(minutes=10)
PER_ALIAS: Final = 5
PER_TERMINAL: Final = 5
PER_MERCHANT: Final = 25
PER_ALIAS_LIFE: Final = 20
"""Guesses at one alias, however slow, after which it needs the phone until it changes."""
_KEPT: Final = 64
_ENTRY: Final = struct.Struct(">IH8s")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong code at a merchant.

    Args:
        at_s: Wall seconds.
        weight: 1, or as many as block its terminal at once, where the alias had been guessed at before.
        terminal: 8-byte hash of the terminal.
    """

    at_s: int
    weight: int
    terminal: bytes


def terminal_hash(terminal_id: str) -> bytes:
    """What stands for a terminal."""
    return keyed_hash(b"terminal", terminal_id, size=8)


@dataclass(frozen=True, slots=True)
class MerchantGuesses:
    """The latest wrong codes at a merchant, oldest first."""

    entries: tuple[Wrong, ...] = ()

    @classmethod
    def unpack(cls, raw: bytes | None) -> MerchantGuesses:
        return cls(tuple(Wrong(*each) for each in _ENTRY.iter_unpack(raw or b"")))

    def pack(self) -> bytes:
        return b"".join(_ENTRY.pack(each.at_s, each.weight, each.terminal) for each in self.entries)

    def plus(self, terminal_id: str, weight: int, now: datetime) -> MerchantGuesses:
        """With one more."""
        one = Wrong(int(now.timestamp()), weight, terminal_hash(terminal_id))
        return MerchantGuesses((*self._recent(now), one)[-_KEPT:])

    def blocked_until(self, terminal_id: str, now: datetime) -> datetime | None:
        """When a terminal may try again, if it may not now: it has guessed too often, or its merchant has."""
        recent, mine = self._recent(now), terminal_hash(terminal_id)
        ends = [
            end
            for entries, most in (
                ([each for each in recent if each.terminal == mine], PER_TERMINAL),
                (recent, PER_MERCHANT),
            )
            if (end := _full_until(entries, most)) is not None
        ]
        return datetime.fromtimestamp(max(ends), tz=now.tzinfo) if ends else None

    def _recent(self, now: datetime) -> list[Wrong]:
        since = int((now - WINDOW).timestamp())
        return [each for each in self.entries if each.at_s > since]


def _full_until(entries: Sequence[Wrong], most: int) -> int | None:
    """Wall seconds at which so many have left the window that another may come in; None if it may now."""
    weight, end = sum(each.weight for each in entries), None
    for each in entries:
        if weight < most:
            break
        weight -= each.weight
        end = each.at_s + int(WINDOW.total_seconds())
    return end


@dataclass(frozen=True, slots=True)
class AliasGuesses:
    """Wrong codes under one alias, as shown, at whatever merchants.

    Args:
        latest_s: Wall seconds of the last five.
        total: In the alias's life, which is a month at most.
    """

    latest_s: tuple[int, ...] = ()
    total: int = 0

    def plus(self, now: datetime) -> AliasGuesses:
        """With one more."""
        return AliasGuesses((*self.latest_s, int(now.timestamp()))[-PER_ALIAS:], self.total + 1)

    def is_hot(self, now: datetime) -> bool:
        """Whether five came within ten minutes."""
        since = int((now - WINDOW).timestamp())
        return len(self.latest_s) == PER_ALIAS and self.latest_s[0] > since

    def confirm_until(self, now: datetime, alias_ends_at: datetime) -> datetime | None:
        """Until when the alias needs the phone; None if it does not."""
        if self.total >= PER_ALIAS_LIFE:
            return alias_ends_at
        return now + WINDOW if self.is_hot(now) else None
