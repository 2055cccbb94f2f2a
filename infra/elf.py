"""Cuts from a shared library what the loader never reads: symbol tables and section headers that only debuggers use.

A tenth of the worker package is such tables in one library. The loader maps segments (program headers) alone, so all
that lies behind the last segment can go. Works for every ELF machine without that machine's binutils.
Source: System V ABI, chapter 4, object files; the same cut as `sstrip` of the ELF kickers.
"""

from __future__ import annotations

import struct

_MAGIC = b"\x7fELF"
_CLASS_64, _LITTLE = 2, 1
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def trimmed(library: bytes) -> bytes:
    """The library without what follows its last segment; all but a 64-bit little-endian ELF file stays as it is."""
    if len(library) < _HEADER.size or library[:4] != _MAGIC or library[4:6] != bytes([_CLASS_64, _LITTLE]):
        return library
    ident, kind, machine, version, entry, ph_at, _sh_at, flags, size, ph_size, ph_count, *_ = _HEADER.unpack_from(
        library
    )
    end = ph_at + ph_size * ph_count
    for index in range(ph_count):
        _type, _flags, at, _v, _p, in_file, _m, _a = _SEGMENT.unpack_from(library, ph_at + index * ph_size)
        end = max(end, at + in_file)
    header = _HEADER.pack(ident, kind, machine, version, entry, ph_at, 0, flags, size, ph_size, ph_count, 0, 0, 0)
    return header + library[_HEADER.size : end]
