"""The decision record that an authorization carries: enough to say why, and to decide again bit for bit.

Layout, at most 450 bytes: format, signal schema number, outcome, whether the fraud model was run and then its version,
score and inputs, first 8 bytes of the rule set's hash, flags (allow-listed, block-listed), canary bucket, rule result
bits as a blob, packed snapshot of the signals that the set reads as a blob.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.risk.expression.schema import LISTS, Kind
from functions.risk.fraud.features import FEATURES, NEVER
from functions.risk.pack import DamagedError, Packer, Unpacker, pack_signals, unpack_signals
from functions.risk.ruling.outcomes import Outcome
from functions.risk.ruling.ruleset import RuleSet, RuleSetResult
from functions.risk.signal_table import SCHEMA_NUMBER, SYNC_SCHEMA

_FORMAT: Final = 2
HASH_BYTES: Final = 8
_VERSION_BYTES: Final = 6
_MODEL: Final = "fraud-"
_USUAL: Final = (0.0, NEVER)
"""Inputs that most orders have, in two bits instead of eight bytes; the third code says that the number follows."""
_STORED: Final = len(_USUAL)
_NUMBER: Final = struct.Struct(">d")


@dataclass(frozen=True, slots=True)
class Scored:
    """What the fraud model was asked and said.

    Args:
        bps: The probability.
        model_version: `fraud-` and the first twelve hexadecimal digits of the model's SHA-256.
        inputs: Exactly as it saw them, in the order of `FEATURES`.
    """

    bps: int
    model_version: str
    inputs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """What the named lists had to say.

    Args:
        trusted: The customer stood on an allow list: rules were overruled.
        blocked: A party stood on a block list: declined, whatever else was said.
    """

    trusted: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What was judged and how it came out.

    Args:
        outcome: Of the risk checks, after lists.
        ruleset: First 8 bytes of the rule set's hash.
        listed: Whether a party stood on an allow list (rules were overruled) or on a block list.
        bucket: 0 … 9999, by which canaries were told apart.
        bits: Result of every rule, two bits each, in the order of the set.
        signals: What the set read.
        scored: What the fraud model said, or None if it was not run.
    """

    outcome: Outcome
    ruleset: bytes
    listed: Listed
    bucket: int
    bits: bytes
    signals: Mapping[str, Any]
    scored: Scored | None = None


def pack(
    outcome: Outcome,
    rules: RuleSet,
    result: RuleSetResult,
    signals: Mapping[str, Any],
    scored: Scored | None = None,
    *,
    listed: Listed,
    bucket: int,
) -> bytes:
    """The record as stored bytes: arguments as `DecisionRecord` has them, with the set and the result they are of."""
    packer = Packer().unsigned(_FORMAT).unsigned(SCHEMA_NUMBER).unsigned(outcome).unsigned(scored is not None)
    if scored is not None:
        packer.raw(bytes.fromhex(scored.model_version.removeprefix(_MODEL))).unsigned(scored.bps)
        _pack_inputs(packer, scored.inputs)
    flags = listed.trusted | listed.blocked << 1
    packer.raw(bytes.fromhex(rules.hash)[:HASH_BYTES]).unsigned(flags).unsigned(bucket).blob(result.bits)
    return packer.blob(pack_signals(rules.snapshot(signals), SYNC_SCHEMA, rules.signals)).done()


def _pack_inputs(packer: Packer, inputs: Sequence[float]) -> None:
    codes = [_USUAL.index(value) if value in _USUAL else _STORED for value in inputs]
    packer.unsigned(sum(code << 2 * place for place, code in enumerate(codes)))
    for value, code in zip(inputs, codes, strict=True):
        if code == _STORED:
            packer.raw(_NUMBER.pack(value))


def _unpack_inputs(unpacker: Unpacker) -> tuple[float, ...]:
    codes = unpacker.unsigned()
    inputs = []
    for place in range(len(FEATURES)):
        code = codes >> 2 * place & 3
        inputs.append(_USUAL[code] if code < _STORED else _NUMBER.unpack(unpacker.raw(_NUMBER.size))[0])
    return tuple(inputs)


_WORST: Final = {Kind.BOOLEAN: 1, Kind.STRING: 17, Kind.MONEY: 8}
"""Most bytes of a value by its kind: a flag, sixteen digits with their length, an amount below 10¹⁶; else five."""
_WORST_NUMBER: Final = 5


def most_bytes(rules: RuleSet) -> int:
    """The largest record that a set of rules can make; a set that could overflow the item is never let decide."""
    head = 5 + _VERSION_BYTES + 2 + 4 + len(FEATURES) * _NUMBER.size + HASH_BYTES + 3
    bits, names = len(rules.deployed) // 4 + 3, rules.signals
    strings = sum(SYNC_SCHEMA.value_kind(name) is Kind.STRING for name in names if not SYNC_SCHEMA.is_list_name(name))
    values = 0
    for name in names:
        kind = SYNC_SCHEMA.value_kind(name)
        if SYNC_SCHEMA.is_list_name(name):
            values += 1 + strings * (_WORST[Kind.STRING] + 1)
        elif kind in LISTS:
            values += 1 + len(SYNC_SCHEMA.lists)
        else:
            values += _WORST.get(kind, _WORST_NUMBER)
    return head + bits + 2 + len(names) // 8 + 1 + values


def ruleset_of(data: bytes) -> bytes:
    """First bytes of the hash of the rule set that decided.

    Raises:
        DamagedError: No decision record of this format.
    """
    return _head(Unpacker(data))[2]


def unpack(data: bytes, rules: RuleSet) -> DecisionRecord:
    """Inverse of `pack`, with the very set that decided.

    Raises:
        DamagedError: Another format, or decided by another rule set.
    """
    unpacker = Unpacker(data)
    outcome, scored, ruleset = _head(unpacker)
    flags, bucket, bits = unpacker.unsigned(), unpacker.unsigned(), unpacker.blob()
    if ruleset != bytes.fromhex(rules.hash)[:HASH_BYTES]:
        raise DamagedError("decided by another rule set")
    signals = unpack_signals(unpacker.blob(), SYNC_SCHEMA, rules.signals)
    unpacker.finish()
    listed = Listed(trusted=bool(flags & 1), blocked=bool(flags & 2))
    return DecisionRecord(outcome, ruleset, listed, bucket, bits, signals, scored)


def _head(unpacker: Unpacker) -> tuple[Outcome, Scored | None, bytes]:
    if unpacker.unsigned() != _FORMAT or unpacker.unsigned() != SCHEMA_NUMBER:
        raise DamagedError("a decision record of another format")
    outcome, scored = Outcome(unpacker.unsigned()), None
    if unpacker.unsigned():
        version, bps = _MODEL + unpacker.raw(_VERSION_BYTES).hex(), unpacker.unsigned()
        scored = Scored(bps, version, _unpack_inputs(unpacker))
    return outcome, scored, unpacker.raw(HASH_BYTES)
