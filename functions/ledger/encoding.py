"""An entry as bytes, for hashing and storing, and as JSON values, for people and programs.

Form of the bytes, version 1 (all integers unsigned LEB128 in the shortest form unless said otherwise):

    byte 0x01
    16 bytes            entry id without "txn_"
    3 bytes             currency
    text                kind
    8 bytes, signed     occurred_at, milliseconds since 1970
    4 bytes, unsigned   effective_on, days since 0001-01-01 counted from 1
    text                command id
    0x00, or 0x01 and 16 bytes: the entry it reverses
    count, then ids     table of the ids used below, in order of first use
    count, then indexes objects explained
    count, then postings: debit code, debit owner, credit code, credit owner, about, amount;
                        owner and about are 0 for none, else index + 1 into the table

A text is its length and ASCII. An id that ends in 26 characters of Crockford base 32 is 0x01, the text before
them, and its 16 bytes; any other is 0x00 and a text. An entry has one form; decoding refuses any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from functions.core.clock import epoch_ms, from_epoch_ms, isoformat, parse_instant
from functions.core.errors import WhitenoteError
from functions.core.ids import ID_BYTES, decode, encode, id_bytes
from functions.ledger.accounts import AccountRef, account_by_code, account_by_slug
from functions.ledger.entries import Entry, EntryKind, EntryRefusedError, Posting

ENTRY_VERSION = 1
_TAIL = 26
_SHIFT = 7
_MAX_SHIFT = 63


class UnreadableEntryError(EntryRefusedError):
    code, title = "unreadable_entry", "These are not the bytes of an entry"


def entry_bytes(entry: Entry) -> bytes:
    """The canonical bytes of an entry: equal entries give equal bytes, different entries different ones."""
    table = _IdTable()
    explains = [table.index(name) for name in entry.explains]
    postings = bytearray()
    for posting in entry.postings:
        for ref in (posting.debit, posting.credit):
            _put_number(postings, ref.account.code)
            _put_number(postings, table.optional(ref.owner))
        _put_number(postings, table.optional(posting.about))
        _put_number(postings, posting.amount_minor)
    out = bytearray([ENTRY_VERSION])
    out += id_bytes(entry.id) + entry.currency.encode()
    _put_text(out, entry.kind.value)
    out += epoch_ms(entry.occurred_at).to_bytes(8, "big", signed=True)
    out += entry.effective_on.toordinal().to_bytes(4, "big")
    _put_text(out, entry.command_id)
    out += b"\x00" if entry.reverses is None else b"\x01" + id_bytes(entry.reverses)
    table.put(out)
    _put_number(out, len(explains))
    for index in explains:
        _put_number(out, index)
    _put_number(out, len(entry.postings))
    return bytes(out + postings)


def entry_from_bytes(data: bytes) -> Entry:
    """Inverse of `entry_bytes`.

    Raises:
        UnreadableEntryError: Truncated, too long, of an unknown version, or not the canonical form.
        EntryRefusedError: Readable, but not an entry the ledger takes.
    """
    reader = _Reader(bytes(data))
    try:
        entry = _read_entry(reader)
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise UnreadableEntryError(f"unreadable near byte {reader.at} of {len(data)}: {error}") from None
    if entry_bytes(entry) != data:
        raise UnreadableEntryError("the bytes are not the canonical form of the entry they hold")
    return entry


def entry_to_dict(entry: Entry) -> dict[str, Any]:
    """An entry as JSON values."""
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "currency": entry.currency,
        "occurred_at": isoformat(entry.occurred_at),
        "effective_on": entry.effective_on.isoformat(),
        "explains": list(entry.explains),
        "command_id": entry.command_id,
        "reverses": entry.reverses,
        "postings": [_posting_to_dict(posting) for posting in entry.postings],
    }


def entry_from_dict(value: Mapping[str, Any]) -> Entry:
    """Inverse of `entry_to_dict`; unknown members are refused, so nothing unhashed can hide in an entry.

    Raises:
        UnreadableEntryError: A member is missing, unknown or of the wrong type.
        EntryRefusedError: Readable, but not an entry the ledger takes.
    """
    try:
        entry = Entry(
            id=value["id"],
            currency=value["currency"],
            postings=tuple(_posting_from_dict(posting) for posting in value["postings"]),
            occurred_at=parse_instant(value["occurred_at"]),
            effective_on=date.fromisoformat(value["effective_on"]),
            kind=EntryKind(value["kind"]),
            explains=tuple(value["explains"]),
            command_id=value["command_id"],
            reverses=value["reverses"],
        )
        same = entry_to_dict(entry) == value
    except WhitenoteError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableEntryError(f"not an entry: {type(error).__name__} {error}") from None
    if not same:
        raise UnreadableEntryError("a member is unknown, or not in the form an entry is written in")
    return entry


def _posting_to_dict(posting: Posting) -> dict[str, Any]:
    return {
        "debit": {"account": posting.debit.account.slug, "owner": posting.debit.owner},
        "credit": {"account": posting.credit.account.slug, "owner": posting.credit.owner},
        "amount_minor": posting.amount_minor,
        "about": posting.about,
    }


def _posting_from_dict(value: Mapping[str, Any]) -> Posting:
    debit, credit = (
        AccountRef(account_by_slug(end["account"]), end["owner"]) for end in (value["debit"], value["credit"])
    )
    return Posting(debit, credit, value["amount_minor"], value["about"])


@dataclass(slots=True)
class _IdTable:
    """The distinct ids of an entry in order of first use."""

    places: dict[str, int] = field(default_factory=dict)

    def index(self, name: str) -> int:
        return self.places.setdefault(name, len(self.places))

    def optional(self, name: str | None) -> int:
        return 0 if name is None else self.index(name) + 1

    def put(self, out: bytearray) -> None:
        _put_number(out, len(self.places))
        for name in self.places:
            raw = _packable(name)
            if raw is None:
                out.append(0)
                _put_text(out, name)
            else:
                out.append(1)
                _put_text(out, name[:-_TAIL])
                out += raw


def _packable(name: str) -> bytes | None:
    try:
        return decode(name[-_TAIL:])
    except ValueError:
        return None


def _put_number(out: bytearray, number: int) -> None:
    while number > 0x7F:  # noqa: PLR2004  seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= _SHIFT
    out.append(number)


def _put_text(out: bytearray, text: str) -> None:
    raw = text.encode("ascii")
    _put_number(out, len(raw))
    out += raw


@dataclass(slots=True)
class _Reader:
    """Reads from the front and refuses to read past the end."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise ValueError(f"{count} bytes wanted, {len(self.data) - self.at} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        value = 0
        for shift in range(0, _MAX_SHIFT + 1, _SHIFT):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte <= 0x7F:  # noqa: PLR2004  the last byte of a number has its top bit clear
                return value
        raise ValueError("a number is over 63 bits")

    def text(self) -> str:
        return self.take(self.number()).decode("ascii")

    def name(self) -> str:
        packed = self.byte()
        if packed > 1:
            raise ValueError(f"an id starts with 0 or 1, not {packed}")
        return self.text() + encode(self.take(ID_BYTES)) if packed else self.text()


def _read_entry(reader: _Reader) -> Entry:
    version = reader.byte()
    if version != ENTRY_VERSION:
        raise ValueError(f"version {version} is unknown")
    entry_id = f"txn_{encode(reader.take(ID_BYTES))}"
    currency = reader.take(3).decode("ascii")
    kind = EntryKind(reader.text())
    occurred_at = from_epoch_ms(int.from_bytes(reader.take(8), "big", signed=True))
    effective_on = date.fromordinal(int.from_bytes(reader.take(4), "big"))
    command_id = reader.text()
    reverses = f"txn_{encode(reader.take(ID_BYTES))}" if reader.byte() else None
    table = [reader.name() for _ in range(reader.number())]
    explains = tuple(table[reader.number()] for _ in range(reader.number()))
    postings = tuple(_read_posting(reader, table) for _ in range(reader.number()))
    if reader.at != len(reader.data):
        raise ValueError(f"{len(reader.data) - reader.at} bytes left over")
    return Entry(entry_id, currency, postings, occurred_at, effective_on, kind, explains, command_id, reverses)


def _read_posting(reader: _Reader, table: list[str]) -> Posting:
    def owner() -> str | None:
        index = reader.number()
        return table[index - 1] if index else None

    debit = AccountRef(account_by_code(reader.number()), owner())
    credit = AccountRef(account_by_code(reader.number()), owner())
    about = owner()
    return Posting(debit, credit, reader.number(), about)
