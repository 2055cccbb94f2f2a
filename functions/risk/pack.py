"""Small values as few bytes: variable-length integers, and signal snapshots for the decision record.

Source: the varint and zigzag encodings of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.core.errors import InvalidError
from functions.risk.expression.schema import LISTS, Kind, SignalSchema

_MORE: Final = 0x80
_LOW: Final = 0x7F
_LONGEST: Final = 64
"""No varint of ours is longer than 64 bits' worth; a longer one is damage, not data."""


class DamagedError(InvalidError):
    code, title = "damaged", "Packed bytes that were not written by this version"


class Packer:
    """Appends values to bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def unsigned(self, value: int) -> Packer:
        """A varint, value ≥ 0."""
        if value < 0 or value.bit_length() > _LONGEST:
            raise ValueError(f"{value} does not fit an unsigned varint of {_LONGEST} bits")
        while value > _LOW:
            self._bytes.append(value & _LOW | _MORE)
            value >>= 7
        self._bytes.append(value)
        return self

    def signed(self, value: int) -> Packer:
        """A zigzag varint: small magnitudes are short whatever their sign."""
        return self.unsigned(2 * value if value >= 0 else -2 * value - 1)

    def blob(self, value: bytes) -> Packer:
        """Length, then the bytes."""
        self.unsigned(len(value))
        self._bytes += value
        return self

    def text(self, value: str) -> Packer:
        """UTF-8 as a blob."""
        return self.blob(value.encode())

    def raw(self, value: bytes) -> Packer:
        """Bytes of a length that the reader knows."""
        self._bytes += value
        return self

    def done(self) -> bytes:
        """Everything appended."""
        return bytes(self._bytes)


class Unpacker:
    """Takes values off bytes, in the order in which they were packed.

    Raises:
        DamagedError: From any method, if the bytes end early or make no sense.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def unsigned(self) -> int:
        data, at = self._data, self._at
        value = shift = 0
        try:
            while True:  # most of what is packed are small numbers: this loop is a good part of an authorization
                byte = data[at]
                at += 1
                value |= (byte & _LOW) << shift
                if byte <= _LOW:
                    self._at = at
                    return value
                shift += 7
                if shift >= _LONGEST:
                    raise DamagedError("a packed integer does not end")
        except IndexError:
            raise DamagedError("packed bytes end early") from None

    def signed(self) -> int:
        value = self.unsigned()
        return value >> 1 if value % 2 == 0 else -(value + 1 >> 1)

    def blob(self) -> bytes:
        return self.raw(self.unsigned())

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError as damage:
            raise DamagedError("a packed text is not UTF-8") from damage

    def raw(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise DamagedError(f"packed bytes end {end - len(self._data)} bytes early")
        value = self._data[self._at : end]
        self._at = end
        return value

    def finish(self) -> None:
        """Nothing may be left over."""
        if self._at != len(self._data):
            raise DamagedError(f"{len(self._data) - self._at} bytes are left over")


def pack_signals(signals: Mapping[str, Any], schema: SignalSchema, names: Sequence[str]) -> bytes:
    """A snapshot of signals for the decision record: a bit per name for present, then the values.

    Args:
        signals: Flat names to values; values of another type than declared are left out, as rules do.
        schema: Declares the kinds; the record keeps its number beside these bytes.
        names: Which signals, in the order of the ruleset (`RuleSet.signals`), whose hash the record keeps too.
    """
    present = 0
    body = Packer()
    for index, name in enumerate(names):
        kind = schema.value_kind(name)
        value = signals.get(name)
        if not _fits(value, kind):
            continue
        present |= 1 << index
        _pack_value(body, value, kind, schema)
    return Packer().raw(present.to_bytes((len(names) + 7) // 8, "little")).raw(body.done()).done()


def unpack_signals(data: bytes, schema: SignalSchema, names: Sequence[str]) -> dict[str, Any]:
    """Inverse of `pack_signals`; lists come back as tuples, named lists as frozensets.

    Raises:
        DamagedError: The bytes were not packed with these names.
    """
    unpacker = Unpacker(data)
    present = int.from_bytes(unpacker.raw((len(names) + 7) // 8), "little")
    signals = {name: _unpack_value(unpacker, schema, name) for index, name in enumerate(names) if present >> index & 1}
    unpacker.finish()
    return signals


def _fits(value: object, kind: Kind) -> bool:
    if kind in LISTS:
        return type(value) in (tuple, list, frozenset)
    if kind is Kind.STRING:
        return type(value) is str
    if kind is Kind.BOOLEAN:
        return type(value) is bool
    return type(value) is int and value.bit_length() < _LONGEST


def _pack_value(body: Packer, value: Any, kind: Kind, schema: SignalSchema) -> None:  # noqa: ANN401  checked by `_fits`
    if kind in LISTS:
        members = sorted(value) if isinstance(value, frozenset) else list(value)
        body.unsigned(len(members))
        for member in members:
            _pack_member(body, member, LISTS[kind], schema)
    elif kind is Kind.STRING:
        body.text(value)
    else:
        body.signed(int(value))


def _pack_member(body: Packer, member: Any, kind: Kind, schema: SignalSchema) -> None:  # noqa: ANN401
    """The name of a declared list is one byte, for `lists` holds little else; another text is a zero, then itself."""
    if kind is Kind.STRING:
        place = tuple(schema.lists).index(member) + 1 if member in schema.lists else 0
        body.unsigned(place)
        if place:
            return
    _pack_value(body, member, kind, schema)


def _unpack_value(unpacker: Unpacker, schema: SignalSchema, name: str) -> Any:  # noqa: ANN401  any kind of value
    kind = schema.value_kind(name)
    if kind not in LISTS:
        return _unpack_scalar(unpacker, kind)
    members = (_unpack_member(unpacker, LISTS[kind], schema) for _ in range(unpacker.unsigned()))
    return frozenset(members) if schema.is_list_name(name) else tuple(members)


def _unpack_member(unpacker: Unpacker, kind: Kind, schema: SignalSchema) -> Any:  # noqa: ANN401  any kind of value
    if kind is Kind.STRING and (place := unpacker.unsigned()):
        names = tuple(schema.lists)
        if place > len(names):
            raise DamagedError("a packed list names a list that is not declared")
        return names[place - 1]
    return _unpack_scalar(unpacker, kind)


def _unpack_scalar(unpacker: Unpacker, kind: Kind) -> Any:  # noqa: ANN401  any kind of value
    if kind is Kind.STRING:
        return unpacker.text()
    value = unpacker.signed()
    return bool(value) if kind is Kind.BOOLEAN else value
