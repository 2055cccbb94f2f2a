"""The risk profile: what the stream has learned about one customer, packed into the one item the hot path reads.

The stream alone writes it; an authorization only reads it, so it is always a little old and never blocks anything.
It holds hashes, days and amounts: no names, no addresses, no device names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from functions.risk.counters import DAY_S, Ring
from functions.risk.measures.places import Cell, Sighting
from functions.risk.pack import DamagedError, Packer, Unpacker

_FORMAT: Final = 2
_WITHOUT_PLACES: Final = 1
"""An earlier format, still read: one place without its instant, and nothing of goods that sell for cash."""
MOST_MERCHANTS: Final = 40
MOST_TOKENS: Final = 6
"""Devices, addresses and instruments remembered per customer: the latest used."""

MOST_SIGHTINGS: Final = 4
"""Places remembered: the latest."""

CHANNELS: Final = ("", "online", "in_store")


@dataclass(frozen=True, slots=True)
class History:
    """Amounts of the customer's own purchases, as sums that give mean and spread exactly.

    Args:
        count: Purchases.
        total_minor: Their sum.
        square_total: The sum of their squares.
        largest_minor: The largest.
    """

    count: int = 0
    total_minor: int = 0
    square_total: int = 0
    largest_minor: int = 0

    def add(self, amount_minor: int) -> History:
        """With one more purchase."""
        return History(
            self.count + 1,
            self.total_minor + amount_minor,
            self.square_total + amount_minor * amount_minor,
            max(self.largest_minor, amount_minor),
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A device, address or instrument of the customer.

    Args:
        hash: 64 bits that stand for it.
        first_day: Day number (since 1970) on which this customer first used it.
        last_day: And last.
        customers_30d: How many customers used it in 30 days, when the stream last looked.
        flagged: Something is wrong with it: a device that is an emulator, an instrument once charged back.
    """

    hash: int
    first_day: int
    last_day: int
    customers_30d: int = 1
    flagged: bool = False


def _no_days() -> Ring:
    return Ring(DAY_S, 31)


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """Everything the stream knows of a customer that an authorization may ask.

    Args:
        history: Amounts of purchases since the line was opened.
        days: Purchases per day, 31 days.
        merchants: Hashes of merchants and shops bought at, latest last.
        devices: Latest used last; also `addresses` and `instruments`.
        last_channel: "", "online" or "in_store".
        last_at_s: Instant of the last purchase, 0 for none.
        sightings: Where the customer was at purchases whose place was told, the latest last.
        small_repayments: Day numbers of clean small repayments in the last 90 days.
        limit_raised_day: Day of the last limit raise, 0 for none.
        refunds: Refunds per day, 31 days.
        refunds_elsewhere: Of these, those paid to another instrument.
        liquid: Purchases of goods that sell for cash at once, per day, 31 days.
        identity_reuse: How many other customers share a component of this one's identity.
        first_payment_missed: The first installment ever due went unpaid past grace.
    """

    history: History = field(default_factory=History)
    days: Ring = field(default_factory=_no_days)
    merchants: tuple[int, ...] = ()
    devices: tuple[Token, ...] = ()
    addresses: tuple[Token, ...] = ()
    instruments: tuple[Token, ...] = ()
    last_channel: str = ""
    last_at_s: int = 0
    sightings: tuple[Sighting, ...] = ()
    small_repayments: tuple[int, ...] = ()
    limit_raised_day: int = 0
    refunds: Ring = field(default_factory=_no_days)
    refunds_elsewhere: Ring = field(default_factory=_no_days)
    liquid: Ring = field(default_factory=_no_days)
    identity_reuse: int = 0
    first_payment_missed: bool = False

    def with_purchase(
        self,
        amount_minor: int,
        at_s: int,
        *,
        channel: str,
        merchants: Iterable[int] = (),
        cell: Cell | None = None,
        liquid: bool = False,
    ) -> RiskProfile:
        """After a purchase; one that arrives late adds to the sums and does not move the last instant or channel.

        Args:
            amount_minor: Its amount.
            at_s: Its instant, seconds since 1970.
            channel: "online" or "in_store".
            merchants: Hashes of the merchant and of the shop.
            cell: Where, if known.
            liquid: The goods sell for cash at once.
        """
        later = at_s >= self.last_at_s
        return replace(
            self,
            history=self.history.add(amount_minor),
            days=self.days.add(at_s, 1, amount_minor),
            merchants=_latest(self.merchants, merchants, MOST_MERCHANTS),
            last_channel=channel if later else self.last_channel,
            last_at_s=max(at_s, self.last_at_s),
            sightings=_seen_at(self.sightings, at_s, cell),
            liquid=self.liquid.add(at_s, 1, amount_minor) if liquid else self.liquid,
        )

    def with_device(self, token: Token) -> RiskProfile:
        """After a device was seen."""
        return replace(self, devices=_with_token(self.devices, token))

    def with_address(self, token: Token) -> RiskProfile:
        """After an address was used."""
        return replace(self, addresses=_with_token(self.addresses, token))

    def with_instrument(self, token: Token) -> RiskProfile:
        """After an instrument was used."""
        return replace(self, instruments=_with_token(self.instruments, token))

    def with_small_repayment(self, day: int) -> RiskProfile:
        """After a repayment in full and on time of a small amount."""
        kept = [d for d in self.small_repayments if d > day - SMALL_REPAYMENT_DAYS]
        return replace(self, small_repayments=tuple(sorted([*kept, day]))[-MOST_REPAYMENTS:])

    def with_refund(self, amount_minor: int, at_s: int) -> RiskProfile:
        """After a refund."""
        return replace(self, refunds=self.refunds.add(at_s, 1, amount_minor))

    def with_refund_elsewhere(self, amount_minor: int, at_s: int) -> RiskProfile:
        """After it was told of a refund that it went to another instrument than the order's."""
        return replace(self, refunds_elsewhere=self.refunds_elsewhere.add(at_s, 1, amount_minor))

    def pack(self) -> bytes:
        """As bytes for the item."""
        packer = Packer().unsigned(_FORMAT)
        history = self.history
        for number in (history.count, history.total_minor, history.largest_minor):
            packer.unsigned(number)
        packer.blob(history.square_total.to_bytes((history.square_total.bit_length() + 7) // 8, "big"))
        for ring in (self.days, self.refunds, self.refunds_elsewhere, self.liquid):
            _pack_ring(packer, ring)
        packer.unsigned(len(self.merchants))
        for merchant in self.merchants:
            packer.raw(merchant.to_bytes(8, "big"))
        for tokens in (self.devices, self.addresses, self.instruments):
            _pack_tokens(packer, tokens)
        packer.unsigned(CHANNELS.index(self.last_channel)).unsigned(self.last_at_s)
        packer.unsigned(len(self.sightings))
        for sighting in self.sightings:
            packer.unsigned(sighting.at_s).signed(sighting.cell[0]).signed(sighting.cell[1])
        packer.unsigned(len(self.small_repayments))
        for day in self.small_repayments:
            packer.unsigned(day)
        packer.unsigned(self.limit_raised_day).unsigned(self.identity_reuse)
        return packer.unsigned(self.first_payment_missed).done()

    @classmethod
    def unpack(cls, data: bytes) -> RiskProfile:
        """Inverse of `pack`.

        Raises:
            DamagedError: Not bytes that `pack` wrote.
        """
        u = Unpacker(data)
        if (version := u.unsigned()) not in {_FORMAT, _WITHOUT_PLACES}:
            raise DamagedError(f"a risk profile of format {version}; this code reads {_FORMAT}")
        count, total, largest = u.unsigned(), u.unsigned(), u.unsigned()
        history = History(count, total, int.from_bytes(u.blob(), "big"), largest)
        days, refunds, elsewhere = _unpack_ring(u), _unpack_ring(u), _unpack_ring(u)
        liquid = _unpack_ring(u) if version == _FORMAT else _no_days()
        merchants = tuple(int.from_bytes(u.raw(8), "big") for _ in range(u.unsigned()))
        devices, addresses, instruments = _unpack_tokens(u), _unpack_tokens(u), _unpack_tokens(u)
        channel, last_at_s = CHANNELS[u.unsigned()], u.unsigned()
        sightings = tuple(
            Sighting(u.unsigned() if version == _FORMAT else last_at_s, (u.signed(), u.signed()))
            for _ in range(u.unsigned())
        )
        repayments = tuple(u.unsigned() for _ in range(u.unsigned()))
        raised, reuse, missed = u.unsigned(), u.unsigned(), bool(u.unsigned())
        u.finish()
        return cls(
            history, days, merchants, devices, addresses, instruments, channel, last_at_s, sightings, repayments,
            raised, refunds, elsewhere, liquid, reuse, missed,
        )  # fmt: skip


SMALL_REPAYMENT_DAYS: Final = 90
MOST_REPAYMENTS: Final = 16


def token_of(tokens: tuple[Token, ...], wanted: int) -> Token | None:
    """The customer's token with this hash, or None if the customer never used it (or long ago)."""
    for token in tokens:
        if token.hash == wanted:
            return token
    return None


def _seen_at(had: tuple[Sighting, ...], at_s: int, cell: Cell | None) -> tuple[Sighting, ...]:
    return had if cell is None else tuple(sorted([*had, Sighting(at_s, cell)])[-MOST_SIGHTINGS:])


def _latest(had: tuple[int, ...], new: Iterable[int], most: int) -> tuple[int, ...]:
    fresh = tuple(dict.fromkeys(new))
    return (*(h for h in had if h not in fresh), *fresh)[-most:]


def _with_token(tokens: tuple[Token, ...], token: Token) -> tuple[Token, ...]:
    had = token_of(tokens, token.hash)
    if had is not None:
        token = replace(
            token,
            first_day=min(had.first_day, token.first_day),
            last_day=max(had.last_day, token.last_day),
            flagged=had.flagged or token.flagged,  # what was once wrong with it is not forgotten by using it again
        )
    others = [t for t in tokens if t.hash != token.hash]
    return tuple(sorted([*others, token], key=lambda t: (t.last_day, t.hash))[-MOST_TOKENS:])


def _pack_ring(packer: Packer, ring: Ring) -> None:
    newest = max(ring.buckets, default=0)
    packer.unsigned(newest).unsigned(len(ring.buckets))
    for bucket in sorted(ring.buckets):
        count, total = ring.buckets[bucket]
        packer.unsigned(newest - bucket).signed(count).signed(total)


def _unpack_ring(unpacker: Unpacker) -> Ring:
    newest = unpacker.unsigned()
    buckets: dict[int, tuple[int, int]] = {}
    for _ in range(unpacker.unsigned()):
        bucket = newest - unpacker.unsigned()
        buckets[bucket] = (unpacker.signed(), unpacker.signed())
    return Ring(DAY_S, 31, buckets)


def _pack_tokens(packer: Packer, tokens: tuple[Token, ...]) -> None:
    packer.unsigned(len(tokens))
    for token in tokens:
        packer.raw(token.hash.to_bytes(8, "big")).unsigned(token.first_day)
        packer.unsigned(token.last_day - token.first_day).unsigned(2 * token.customers_30d + token.flagged)


def _unpack_tokens(unpacker: Unpacker) -> tuple[Token, ...]:
    tokens: list[Token] = []
    for _ in range(unpacker.unsigned()):
        token, first, life, rest = (
            int.from_bytes(unpacker.raw(8), "big"), unpacker.unsigned(), unpacker.unsigned(), unpacker.unsigned(),
        )  # fmt: skip
        tokens.append(Token(token, first, first + life, rest >> 1, bool(rest & 1)))
    return tuple(tokens)
