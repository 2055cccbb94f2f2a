"""Who and what takes part in an order beside customer and merchant, as keyed hashes: they link, and name nobody.

A party stands in the authorization as eight bytes; what it was said to be is neither stored nor logged. The place where
the shopper is stands there as the number of a cell, about five kilometres wide.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from functions.core.ids import keyed_hash

HASH_BYTES: Final = 8
KINDS: Final = ("device", "address", "instrument", "shop")
"""In the order of their bits in the packed form."""

_FLAGGED: Final = 1 << len(KINDS)
_PLACED: Final = _FLAGGED << 1
_CELL: Final = struct.Struct(">hh")


@dataclass(frozen=True, slots=True)
class Parties:
    """Each a 64-bit keyed hash, or None if not told.

    Args:
        device: What the shopper holds in her hands.
        address: Where the goods go.
        instrument: What she repays with.
        shop: The shop or till; None online.
        device_flagged: The device says that it is an emulator or has been broken open.
        cell: Where the shopper is, as `functions.risk.measures.places` numbers cells; each within ±2¹⁵.
    """

    device: int | None = None
    address: int | None = None
    instrument: int | None = None
    shop: int | None = None
    device_flagged: bool = False
    cell: tuple[int, int] | None = None

    def over(self, other: Parties) -> Parties:
        """These, and where they say nothing, the other's; a flag raised by either stands."""
        device, address, instrument, shop = (
            mine if mine is not None else theirs for mine, theirs in zip(self._all(), other._all(), strict=True)
        )
        cell = self.cell if self.cell is not None else other.cell
        return Parties(device, address, instrument, shop, self.device_flagged or other.device_flagged, cell)

    def pack(self) -> bytes | None:
        """One byte that says which are there, eight for each, four for the cell; None if there are none."""
        present = [(1 << bit, thing) for bit, thing in enumerate(self._all()) if thing is not None]
        flags = sum(bit for bit, _ in present) | (_FLAGGED if self.device_flagged else 0)
        flags |= _PLACED if self.cell is not None else 0
        if not flags:
            return None
        things = b"".join(thing.to_bytes(HASH_BYTES, "big") for _, thing in present)
        return bytes([flags]) + things + (_CELL.pack(*self.cell) if self.cell is not None else b"")

    @classmethod
    def unpack(cls, raw: bytes | None) -> Parties:
        """Inverse of `pack`."""
        if not raw:
            return cls()
        flags, rest = raw[0], raw[1:]
        found: list[int | None] = []
        for bit in range(len(KINDS)):
            there = flags >> bit & 1
            found.append(int.from_bytes(rest[:HASH_BYTES], "big") if there else None)
            rest = rest[HASH_BYTES:] if there else rest
        device, address, instrument, shop = found
        cell = _CELL.unpack(rest[: _CELL.size]) if flags & _PLACED else None
        return cls(device, address, instrument, shop, bool(flags & _FLAGGED), cell)

    def _all(self) -> tuple[int | None, ...]:
        return (self.device, self.address, self.instrument, self.shop)


def party_hash(secret: bytes, kind: str, *parts: str) -> int:
    """What stands for a party.

    Args:
        secret: The environment's key for parties.
        kind: One of `KINDS`: the same text as another kind of party is another hash.
        parts: What it was said to be.
    """
    return int.from_bytes(keyed_hash(secret, kind, *parts, size=HASH_BYTES), "big")


def address_hash(secret: bytes, parts: Iterable[str | None]) -> int | None:
    """What stands for a delivery address, whatever its case, width, spaces and punctuation; None if there is nothing.

    Args:
        secret: See `party_hash`.
        parts: Country, postal code, city and lines, in this order; no name and no phone, for two people may live there.
    """
    plain = [_plain(part or "") for part in parts]
    return party_hash(secret, "address", *plain) if any(plain) else None


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
