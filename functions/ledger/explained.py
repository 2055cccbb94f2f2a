"""What a state item remembers of the ledger entries that explain it: their number and a sum over their ids.

Twenty bytes in the item, renewed by every write that posts. An entry that someone slips into the ledger, or takes out
of it, no longer adds up with the item it claims to explain, even if it was logged like any other.

Source: additive multiset hash (Clarke et al., "Incremental Multiset Hash Functions", 2003) over SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from functions.core.errors import InvalidError

_COUNT_BYTES, _SUM_BYTES = 4, 16
_MODULUS = 1 << 8 * _SUM_BYTES


class BrokenMemoryError(InvalidError):
    code, title = "broken_memory", "These are not the bytes of an item's ledger memory"


@dataclass(frozen=True, slots=True)
class Explained:
    """Entries that explain one object, in any order.

    Args:
        count: How many.
        total: Sum of the first 128 bits of SHA-256 of each id, modulo 2¹²⁸.
    """

    count: int = 0
    total: int = 0

    def plus(self, entry_id: str) -> Explained:
        """With one more entry."""
        return Explained(self.count + 1, (self.total + _digest(entry_id)) % _MODULUS)

    def minus(self, entry_id: str) -> Explained:
        """Without one of its entries."""
        return Explained(self.count - 1, (self.total - _digest(entry_id)) % _MODULUS)

    def to_bytes(self) -> bytes:
        """Twenty bytes for the item."""
        return self.count.to_bytes(_COUNT_BYTES, "big") + self.total.to_bytes(_SUM_BYTES, "big")

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Explained:
        """Inverse of `to_bytes`; nothing stored means no entries yet.

        Raises:
            BrokenMemoryError: Not twenty bytes.
        """
        if not data:
            return cls()
        if len(data) != _COUNT_BYTES + _SUM_BYTES:
            raise BrokenMemoryError(f"{len(data)} bytes instead of {_COUNT_BYTES + _SUM_BYTES}")
        return cls(int.from_bytes(data[:_COUNT_BYTES], "big"), int.from_bytes(data[_COUNT_BYTES:], "big"))

    @classmethod
    def of(cls, entry_ids: Iterable[str]) -> Explained:
        """Of these entries."""
        memory = cls()
        for entry_id in entry_ids:
            memory = memory.plus(entry_id)
        return memory


def _digest(entry_id: str) -> int:
    return int.from_bytes(sha256(entry_id.encode()).digest()[:_SUM_BYTES], "big")
