"""How many different things were seen in a sliding window, in bounded memory.

A sliding HyperLogLog keeps, per register, every rank that may still become the largest of some window: a rank survives
until a newer one is at least as large. One structure answers every window; adding is commutative and idempotent, so
order and repetition of a batch change nothing. 256 registers give a relative standard error of 1.04/√256 = 6.5 %.

Small enough to own (no dependency, no numpy in the stream worker); `datasketch` needs numpy and has no window,
`datasketches` is a compiled wheel of several MB without one either.

Source: Flajolet et al., HyperLogLog (AofA 2007); Chabchoub and Hébrail, Sliding HyperLogLog (ICDMW 2010);
Ertl, New cardinality estimation algorithms for HyperLogLog sketches (arXiv:1702.01284), algorithm 6 (no bias tables).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from functions.risk.pack import DamagedError, Packer, Unpacker

_INDEX_BITS: Final = 8
REGISTERS: Final = 1 << _INDEX_BITS
_RANK_BITS: Final = 64 - _INDEX_BITS
_MOST_RANKS: Final = 12
"""Longest list a register keeps, which bounds the packed size at 6.9 KB; more occur once in 10⁹ registers."""

Entry = tuple[int, int]
"""(time, rank): time in units of the caller."""


@dataclass(frozen=True, slots=True)
class SlidingHyperLogLog:
    """Registers that hold something, each newest first with ranks growing towards the past."""

    registers: Mapping[int, tuple[Entry, ...]] = field(default_factory=dict)

    def add(self, hash64: int, time: int) -> SlidingHyperLogLog:
        """With one more thing seen.

        Args:
            hash64: 64 uniformly distributed bits that stand for the thing.
            time: When, in whole units; any order.
        """
        index = hash64 >> _RANK_BITS
        rank = _RANK_BITS - (hash64 & (1 << _RANK_BITS) - 1).bit_length() + 1
        entries = _surviving((*self.registers.get(index, ()), (time, rank)))
        return SlidingHyperLogLog({**self.registers, index: entries})

    def merge(self, other: SlidingHyperLogLog) -> SlidingHyperLogLog:
        """Of both streams together."""
        merged = dict(self.registers)
        for index, entries in other.registers.items():
            merged[index] = _surviving((*merged.get(index, ()), *entries))
        return SlidingHyperLogLog(merged)

    def since(self, time: int) -> SlidingHyperLogLog:
        """Without what was seen before a time."""
        kept = {i: tuple(e for e in entries if e[0] >= time) for i, entries in self.registers.items()}
        return SlidingHyperLogLog({i: entries for i, entries in kept.items() if entries})

    def count(self, since: int, until: int) -> int:
        """About how many different things were seen from one time to another, both included.

        `until` must not lie before the newest entry by more than the caller can bear: newer entries are ignored, and
        with them what they displaced.
        """
        ranks = [0] * (_RANK_BITS + 2)
        for entries in self.registers.values():
            ranks[max((rank for time, rank in entries if since <= time <= until), default=0)] += 1
        ranks[0] += REGISTERS - len(self.registers)
        return round(_estimate(ranks))

    def pack(self, packer: Packer, newest: int) -> None:
        """Append: the width of a time, and the bits of all registers in order.

        An entry is a one, how far its rank is above the newer one's in unary, and how far back it is from that in
        `width` bits; a zero ends a register. Ranks are geometric, so unary is as short as they get: fifteen bits an
        entry, where each byte of a busy merchant's counter is paid for with every order.
        """
        gaps = [newer - older for times in self._times(newest) for newer, older in pairwise(times)]
        width = max(1, max(gaps, default=0).bit_length())
        bits = ["1"]  # leading zeros would be lost
        for index in range(REGISTERS):
            before, above = newest, 0
            for time, rank in self.registers.get(index, ()):
                bits.append(f"1{'1' * (rank - above - 1)}0{before - time:0{width}b}")
                before, above = time, rank
            bits.append("0")
        text = "".join(bits)
        packer.unsigned(width).blob(int(text, 2).to_bytes(-(-len(text) // 8), "big"))

    def _times(self, newest: int) -> Iterator[tuple[int, ...]]:
        return ((newest, *(time for time, _ in entries)) for entries in self.registers.values())

    @classmethod
    def unpack(cls, unpacker: Unpacker, newest: int) -> SlidingHyperLogLog:
        """Inverse of `pack`.

        Raises:
            DamagedError: Not bytes that `pack` wrote.
        """
        width, bits = unpacker.unsigned(), f"{int.from_bytes(unpacker.blob(), 'big'):b}"
        registers: dict[int, tuple[Entry, ...]] = {}
        at = 1
        try:
            for index in range(REGISTERS):
                entries: list[Entry] = []
                time, rank = newest, 0
                while bits[at] == "1":
                    ranked = bits.index("0", at)
                    time -= int(bits[ranked + 1 : ranked + 1 + width], 2)
                    rank += ranked - at
                    entries.append((time, rank))
                    at = ranked + 1 + width
                at += 1
                if entries:
                    registers[index] = tuple(entries)
        except (IndexError, ValueError) as damage:
            raise DamagedError("a packed sketch ends early") from damage
        return cls(registers)


def _surviving(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Newest first; an entry stays only if its rank is larger than every newer one's."""
    kept: list[Entry] = []
    largest = 0
    for time, rank in sorted(entries, key=lambda e: (-e[0], -e[1])):
        if rank > largest:
            kept.append((time, rank))
            largest = rank
    return tuple(kept[-_MOST_RANKS:]) if len(kept) > _MOST_RANKS else tuple(kept)


def _estimate(ranks: list[int]) -> float:
    """Ertl's improved raw estimator from the histogram of registers by rank.

    His correction for saturated registers is left out: with 64-bit hashes none ever is.
    """
    if ranks[0] == REGISTERS:
        return 0.0
    z = 0.0
    for count in reversed(ranks[1:]):
        z = 0.5 * (z + count)
    z += REGISTERS * _sigma(ranks[0] / REGISTERS)
    return REGISTERS * REGISTERS / (2 * math.log(2) * z)


def _sigma(x: float) -> float:
    """Ertl's σ: x + Σ x^(2^k) · 2^(k−1), x < 1."""
    power, total = 1.0, x
    while True:
        x *= x
        previous = total
        total += x * power
        power += power
        if total == previous:
            return total
