"""Small numbers in few bytes: zigzag LEB128 integers, and columns of them with runs of equal values written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

_SEVEN = 0x7F
_MORE = 0x80
_MAX_BYTES = 19  # 128 bits and a sign


@dataclass(slots=True)
class Writer:
    """Appends numbers to bytes; equal calls give equal bytes."""

    data: bytearray = field(default_factory=bytearray)

    def number(self, value: int) -> None:
        """An integer from 0."""
        if value < 0:
            raise ValueError(f"{value} is below zero")
        while value > _SEVEN:
            self.data.append(value & _SEVEN | _MORE)
            value >>= 7
        self.data.append(value)

    def signed(self, value: int) -> None:
        """Any integer; small magnitudes take few bytes (zigzag)."""
        self.number(value << 1 if value >= 0 else (-value << 1) - 1)

    def column(self, values: Sequence[int]) -> None:
        """Integers whose count the reader knows: runs of a repeated value, and stretches without repetition."""
        runs = [(value, len(list(same))) for value, same in groupby(values)]
        loose: list[int] = []
        for value, count in runs:
            if count == 1:
                loose.append(value)
                continue
            self._stretch(loose)
            loose = []
            self.number(count << 1)
            self.signed(value)
        self._stretch(loose)

    def _stretch(self, values: Sequence[int]) -> None:
        if values:
            self.number(len(values) << 1 | 1)
            for value in values:
                self.signed(value)


@dataclass(slots=True)
class Reader:
    """Reads what `Writer` wrote.

    Args:
        data: All of it.
        at: Next byte.
    """

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        """So many bytes as they are.

        Raises:
            ValueError: Fewer are left.
        """
        end = self.at + count
        if end > len(self.data):
            raise ValueError(f"{count} bytes wanted at {self.at}, {len(self.data) - self.at} left")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self) -> int:
        """Inverse of `Writer.number`."""
        value = shift = 0
        for at, byte in enumerate(self.data[self.at : self.at + _MAX_BYTES], self.at + 1):
            value |= (byte & _SEVEN) << shift
            if byte < _MORE:
                self.at = at
                return value
            shift += 7
        raise ValueError(f"a number at {self.at} has no end")

    def signed(self) -> int:
        """Inverse of `Writer.signed`."""
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def column(self, count: int) -> list[int]:
        """Inverse of `Writer.column`."""
        values: list[int] = []
        while len(values) < count:
            head = self.number()
            length = head >> 1
            if not 0 < length <= count - len(values):
                raise ValueError(f"a run of {length} where {count - len(values)} values are left")
            values += [self.signed() for _ in range(length)] if head & 1 else [self.signed()] * length
        return values
