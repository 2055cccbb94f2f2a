"""What of the stream counts, and what one order adds to which counters. No I/O: images in, observations out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.core.ids import id_text
from functions.core.money import currency_exponent
from functions.payments.authorization import Status
from functions.payments.parties import Parties
from functions.payments.scenario import SCENARIOS
from functions.payments.store import AuthorizationItem, to_value
from functions.platform.bus.stream import StreamRecord
from functions.platform.storage import keys
from functions.platform.storage.table import RawItem
from functions.risk.casework.labels import LabelItem
from functions.risk.counters import Observation, hash64

COUNTED: Final = frozenset({Status.APPROVED, Status.HELD, Status.AWAITING_CONFIRMATION})
"""States of a new order that takes part of the line; any other new order is only counted as refused."""

_RELEASED: Final = COUNTED - {Status.HELD}
_REFUSED: Final = frozenset({Status.HELD, Status.DECLINED})
PARTIES: Final = ("device", "address", "instrument")
"""Subjects with a counter of their own, beside the merchant."""


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """A new authorization as the stream tells it.

    Args:
        id: `auth_…`.
        at_s: Business instant of the order, seconds since 1970.
        counted: Approved or held; a declined one is only counted as that.
        refused: Held or declined.
        liquid_goods: The goods sell for cash at once.
        held: A person has yet to say whether it is the customer's.
    """

    id: str
    at_s: int
    amount_minor: int
    currency: str
    customer_id: str
    merchant_id: str
    channel: str
    parties: Parties
    counted: bool
    refused: bool
    liquid_goods: bool = False
    held: bool = False

    @property
    def subjects(self) -> dict[str, str]:
        """See `subjects_of`."""
        return subjects_of(self.merchant_id, self.parties)

    @property
    def terminal(self) -> int:
        """What the fraud model calls a terminal: the till in a shop, the merchant online."""
        return terminal_of(self.merchant_id, self.parties)


@dataclass(frozen=True, slots=True)
class Countable:
    """A stream record that counts: a new order, or the label that an order has got.

    Args:
        event_id: The record's own, the same at every delivery.
        order: The new order, if it is one.
        labelled: The authorization that turned out to be fraud, or after all not, if it is that.
        frauds: How many known frauds more: 1, or −1 where an earlier label is taken back.
        alias: Of the customer's line.
        released: A held order that a person let go on: counted before, and the customer's own from now.
    """

    event_id: str
    order: SeenOrder | None = None
    labelled: str = ""
    frauds: int = 0
    alias: int | None = None
    released: bool = False

    @property
    def own(self) -> tuple[int, str] | None:
        """Line and id of a new order that is the customer's own from the first: its profile is written with it."""
        if self.order is None or self.alias is None or self.released or self.order.held or not self.order.counted:
            return None
        return self.alias, self.order.id

    @property
    def touches(self) -> set[str]:
        """Its customer's profile, its terminal and counters; of a sharded one, two items."""
        own = {f"profile {self.alias}"}
        if self.released:
            return own
        if self.order is None:
            return own | {f"terminal of {self.labelled}", f"its shard for {self.event_id}"}
        once = {*self.order.subjects.values(), f"terminal {self.order.terminal}"}
        sharded = {f"{name} for {self.event_id}" for name in once if name.startswith(("merchant", "terminal"))}
        return own | once | sharded


def countable(record: StreamRecord) -> Countable | None:
    """What a record adds to the counters, if anything."""
    if record.new is None or not record.pk.startswith("auth_"):
        return None
    place = record.new["sk"]["S"]
    if place == keys.SELF and record.old is None:
        item = AuthorizationItem.from_raw_data(dict(record.new))
        if to_value(item).status is Status.VOIDED:
            return None  # the trace of a reversal that came before its payment
        return Countable(record.event_id, order=seen_order(item), alias=item.alias)
    if place == keys.SELF and record.old is not None:
        return _released(record.event_id, record.old, record.new)
    if place == keys.LABEL and (frauds := _is_fraud(record.new) - _is_fraud(record.old)):
        label = LabelItem.from_raw_data(dict(record.new))
        return Countable(record.event_id, labelled=record.pk, frauds=frauds, alias=label.alias)
    return None


def _released(event_id: str, old: RawItem, new: RawItem) -> Countable | None:
    before, item = AuthorizationItem.from_raw_data(dict(old)), AuthorizationItem.from_raw_data(dict(new))
    if to_value(before).status is not Status.HELD or to_value(item).status not in _RELEASED or item.alias is None:
        return None
    return Countable(event_id, order=seen_order(item), alias=item.alias, released=True)


def _is_fraud(label: RawItem | None) -> int:
    return int(LabelItem.from_raw_data(dict(label)).label().fraud) if label else 0


def seen_order(item: AuthorizationItem) -> SeenOrder:
    """An authorization as the counters see it."""
    status = to_value(item).status
    return SeenOrder(
        id=item.pk,
        at_s=item.created_at_ms // 1000,
        amount_minor=item.amount,
        currency=item.currency,
        customer_id=id_text("cus", item.customer),
        merchant_id=item.merchant_id,
        channel=item.channel,
        parties=Parties.unpack(item.parties),
        counted=status in COUNTED,
        refused=status in _REFUSED,
        liquid_goods=SCENARIOS[item.category].liquid_goods,
        held=status is Status.HELD,
    )


def terminal_of(merchant_id: str, parties: Parties) -> int:
    """64 bits that stand for the till, or for the merchant online."""
    return parties.shop if parties.shop is not None else hash64(merchant_id)


def subjects_of(merchant_id: str, parties: Parties) -> dict[str, str]:
    """Kind of subject to the name of its counter, for everything of an order that is counted."""
    things = {"device": parties.device, "address": parties.address, "instrument": parties.instrument}
    named = {kind: f"{kind}#{thing:016x}" for kind, thing in things.items() if thing is not None}
    return named | {"merchant": f"merchant#{hash64(merchant_id):016x}"}


def observations(order: SeenOrder, event_id: str) -> list[Observation]:
    """What an order adds to the counters of its parties and its merchant.

    Args:
        order: The order.
        event_id: Of the stream record that told it; decides the shard and guards against counting twice.
    """
    named = subjects_of(order.merchant_id, order.parties)
    customer = hash64(order.customer_id)
    found = []
    if order.counted:
        further = {"device": {"merchants": hash64(order.merchant_id)}}
        for kind in PARTIES:
            if kind in named:
                seen = {"customers": customer, **further.get(kind, {})}
                found.append(Observation(event_id, named[kind], order.at_s, order.amount_minor, seen))
    found.append(_of_merchant(order, event_id, named["merchant"], customer))
    return found


def _of_merchant(order: SeenOrder, event_id: str, subject: str, customer: int) -> Observation:
    seen: dict[str, int] = {}
    if order.refused:
        seen["declines"] = hash64(order.id)
    if not order.counted:
        return Observation(event_id, subject, order.at_s, 0, seen, count=0)
    seen["customers"] = customer
    if order.parties.device is not None:
        seen["devices"] = order.parties.device
    if order.amount_minor % 10 ** (currency_exponent(order.currency) + 2) == 0:
        seen["round"] = hash64(order.id)
    return Observation(event_id, subject, order.at_s, order.amount_minor, seen)
