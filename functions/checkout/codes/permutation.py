"""A keyed permutation of the nine-digit numbers: what a code shows instead of the line's own number.

FF1 over decimal digits. The number it stands for comes back without a table and without a read, and without the key
two shown numbers say nothing of each other. Source: NIST SP 800-38G Rev. 1, algorithms 7 and 8; the domain, 10⁹, is
over the million that revision asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, log2
from typing import Final

_Aes = Callable[[bytes], bytes]
_RADIX: Final = 10
_ROUNDS: Final = 10
_BLOCK: Final = 16
_LEAST: Final = 6
"""Digits below which an attacker could tabulate the permutation."""


class Ff1:
    """FF1 for decimal numerals.

    Args:
        key: 16, 24 or 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  one block at a time, chained by FF1 itself

    def encrypt(self, numeral: str, tweak: bytes = b"") -> str:
        """The numeral of the same length that stands for this one under a tweak.

        Args:
            numeral: At least six decimal digits.
            tweak: Not secret; another tweak is another permutation.
        """
        half = len(numeral) // 2
        left, right = numeral[:half], numeral[half:]
        block = self._rounds(len(numeral), tweak)
        for number in range(_ROUNDS):
            width = half if number % 2 == 0 else len(numeral) - half
            total = (int(left) + block(number, int(right))) % _RADIX**width
            left, right = right, f"{total:0{width}d}"
        return left + right

    def decrypt(self, numeral: str, tweak: bytes = b"") -> str:
        """Inverse of `encrypt`."""
        half = len(numeral) // 2
        left, right = numeral[:half], numeral[half:]
        block = self._rounds(len(numeral), tweak)
        for number in reversed(range(_ROUNDS)):
            width = half if number % 2 == 0 else len(numeral) - half
            total = (int(right) - block(number, int(left))) % _RADIX**width
            left, right = f"{total:0{width}d}", left
        return left + right

    def _rounds(self, length: int, tweak: bytes) -> _Rounds:
        if length < _LEAST:
            raise ValueError(f"FF1 needs at least {_LEAST} decimal digits")
        return _Rounds(self._cipher.encryptor().update, length, tweak)


class _Rounds:
    """The round function for one length and tweak."""

    def __init__(self, aes: _Aes, length: int, tweak: bytes) -> None:
        self._aes = aes
        half = length // 2
        self._numeral_bytes = ceil(ceil((length - half) * log2(_RADIX)) / 8)
        self._wanted = 4 * ceil(self._numeral_bytes / 4) + 4
        self._prefix = tweak + bytes(-(len(tweak) + self._numeral_bytes + 1) % _BLOCK)
        head = b"\x01\x02\x01" + _RADIX.to_bytes(3, "big") + bytes((_ROUNDS, half % 256))
        self._head = aes(head + length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big"))

    def __call__(self, number: int, half: int) -> int:
        text = self._prefix + bytes((number,)) + half.to_bytes(self._numeral_bytes, "big")
        mac = self._head
        for start in range(0, len(text), _BLOCK):
            mac = self._aes(_xor(mac, text[start : start + _BLOCK]))
        more = (self._aes(_xor(mac, j.to_bytes(_BLOCK, "big"))) for j in range(1, ceil(self._wanted / _BLOCK)))
        return int.from_bytes(b"".join((mac, *more))[: self._wanted], "big")


def _xor(one: bytes, two: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).to_bytes(_BLOCK, "big")


@lru_cache(maxsize=4)
def ff1(key: bytes) -> Ff1:
    """The permutations of a key; the key is expanded once per container."""
    return Ff1(key)
